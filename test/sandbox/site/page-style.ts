/** The look of every page: one column, system fonts, light and dark, visible focus. Its hash stands in the CSP. */
export const style = `
:root { --page: #f3f4f7; --card: #fff; --text: #1b1f29; --quiet: #596072; --line: #d5d9e2; --field: #868ea1;
  --accent: #0a5fd1; --on-accent: #fff; --problem: #a3231a; --problem-back: #fdecea; }
@media (prefers-color-scheme: dark) {
  :root { --page: #14161c; --card: #1e212a; --text: #eceef4; --quiet: #a3abbd; --line: #353a48; --field: #7d869b;
    --accent: #7db3ff; --on-accent: #0d1626; --problem: #ffb0a8; --problem-back: #43201d; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; padding: 3rem 1rem; background: var(--page); color: var(--text);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
header, main { max-width: 26rem; margin: 0 auto; }
header { display: flex; align-items: center; gap: .6rem; margin-bottom: 1rem; font-weight: 600; }
.mark { width: 1.1rem; height: 1.1rem; border-radius: .3rem; background: var(--accent); }
.badge { padding: 0 .5rem; border: 1px solid var(--line); border-radius: 1rem; color: var(--quiet); font-size: .8rem;
  font-weight: 400; }
main { padding: 2rem; border: 1px solid var(--line); border-radius: .75rem; background: var(--card); }
main > :last-child { margin-bottom: 0; }
h1 { margin: 0 0 1rem; font-size: 1.4rem; line-height: 1.25; text-wrap: balance; }
label { display: block; margin: 1rem 0 .3rem; font-weight: 600; }
input:not([type=hidden]) { width: 100%; padding: .6rem .7rem; border: 1px solid var(--field); border-radius: .4rem;
  background: var(--card); color: inherit; font: inherit; }
.hint, .quiet { color: var(--quiet); font-size: .9rem; }
.hint { margin: .3rem 0 0; }
.actions { display: flex; gap: .75rem; margin-top: 1.5rem; }
button { flex: 1; padding: .65rem 1rem; border: 1px solid var(--field); border-radius: .4rem; background: transparent;
  color: inherit; font: inherit; font-weight: 600; cursor: pointer; }
.primary { border-color: var(--accent); background: var(--accent); color: var(--on-accent); }
button:hover { filter: brightness(1.08); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
a { color: var(--accent); }
dl { display: grid; grid-template-columns: auto 1fr; gap: .35rem 1rem; margin: 1rem 0; padding: 1rem; border: 1px solid
  var(--line); border-radius: .5rem; }
dt { color: var(--quiet); }
dd { margin: 0; overflow-wrap: anywhere; font-weight: 600; }
dd .quiet { display: block; font-weight: 400; }
.problem { margin: 0; padding: .7rem .9rem; border-radius: .4rem; background: var(--problem-back); color: var(--problem); }
`
