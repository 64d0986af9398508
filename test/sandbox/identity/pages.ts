import { createHash } from 'node:crypto'
import type { Account } from './accounts.ts'
import { html, Markup } from './html.ts'

export interface SignInPage {
  /** Where the form posts. */
  readonly action: string
  readonly clientId: string
  /** What the person typed last time. */
  readonly email?: string
  readonly problem?: string
  readonly accounts: readonly Account[]
}

const css = `
:root{color-scheme:light dark;--page:#eef1f5;--card:#fff;--ink:#1b1f24;--soft:#59636e;--line:#c3cad3;--edge:#7d8794;--accent:#0b63ce;
--on-accent:#fff;--bad:#b3261e;--bad-card:#fdecea;--mark:#fff4cc;--mark-ink:#5c4400}
@media (prefers-color-scheme:dark){:root{--page:#14171b;--card:#1f242a;--ink:#e8ebef;--soft:#a3adb8;--line:#454e58;--edge:#7a8591;
--accent:#6cb2ff;--on-accent:#08213d;--bad:#ff9d94;--bad-card:#43201d;--mark:#4a3a08;--mark-ink:#ffe49a}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1.5rem;background:var(--page);color:var(--ink);
font:1rem/1.5 system-ui,sans-serif}
main{width:100%;max-width:26rem;padding:2rem;background:var(--card);border:1px solid var(--line);border-radius:.75rem}
.sandbox{display:inline-block;margin:0 0 1rem;padding:.125rem .625rem;border-radius:1rem;background:var(--mark);
color:var(--mark-ink);font-size:.875rem;font-weight:600}
h1{margin:0 0 .25rem;font-size:1.5rem;line-height:1.25}
p{margin:0 0 1.25rem}.soft,summary,dl{color:var(--soft)}
h1+.problem{margin-top:1rem}
main>:last-child{margin-bottom:0}
.problem{padding:.75rem;border-left:4px solid var(--bad);border-radius:.25rem;background:var(--bad-card);color:var(--ink)}
label{display:block;margin:0 0 .25rem;font-weight:600}
input{width:100%;margin:0 0 1rem;padding:.625rem .75rem;border:1px solid var(--edge);border-radius:.375rem;
background:var(--page);color:var(--ink);font:inherit}
.actions{display:flex;gap:.75rem;margin:.5rem 0 1.5rem}
button{flex:1;padding:.625rem 1rem;border:1px solid var(--accent);border-radius:.375rem;background:var(--accent);
color:var(--on-accent);font:inherit;font-weight:600;cursor:pointer}
button.plain{background:none;color:var(--accent)}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
summary{cursor:pointer;font-size:.875rem}
ul{margin:.5rem 0 0;padding:0 0 0 1.25rem;font-size:.875rem;overflow-wrap:anywhere}
li span{white-space:nowrap}
dl{margin:0;font-size:.875rem}dd{margin:0;overflow-wrap:anywhere;color:var(--ink)}
`
const cssHash = createHash('sha256').update(css).digest('base64')
const style = new Markup(`<style>${css}</style>`)

/**
 * Headers of every page: no script, no outside content, no framing, no caching. `formTarget` is the origin a form's
 * answer may redirect to beside our own: browsers hold `form-action` against the whole redirect chain.
 */
export function pageHeaders(formTarget?: string): Record<string, string> {
  return {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': [
      "default-src 'none'",
      `style-src 'sha256-${cssHash}'`,
      `form-action 'self'${formTarget ? ` ${formTarget}` : ''}`,
      "frame-ancestors 'none'",
      "base-uri 'none'",
    ].join('; '),
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  }
}

/** The sign-in form. After a refused password the e-mail stays and the cursor waits in the password. */
export function signInPage({ action, clientId, email, problem, accounts }: SignInPage): string {
  const focus = html` autofocus`
  return page(
    'Sign in',
    html`<h1>Sign in</h1>
<p class="soft">to continue to ${clientId}</p>
${problem === undefined ? undefined : html`<p class="problem" role="alert">${problem}</p>`}
<form method="post" action="${action}">
<label for="email">Email</label>
<input id="email" name="email" type="email" autocomplete="username" required value="${email}"${email ? undefined : focus}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required${email ? focus : undefined}>
<div class="actions">
<button>Sign in</button>
<button class="plain" name="answer" value="cancel" formnovalidate>Cancel</button>
</div>
</form>
<details>
<summary>Accounts of this sandbox</summary>
<ul>${accounts.map((account) => html`<li>${account.email}: <span>${account.password}</span></li>`)}</ul>
</details>`,
  )
}

/** What a browser sees when a request is so wrong that nothing may be sent to its redirect URI. */
export function errorPage(error: string, description: string): string {
  return page(
    'This sign-in cannot continue',
    html`<h1>This sign-in cannot continue</h1>
<p class="problem" role="alert">${description}</p>
<p class="soft">Go back to the application and start again. If this page returns, the application's client id or
callback URL is not registered here.</p>
<dl><dt>Error</dt><dd>${error}</dd></dl>`,
  )
}

export function signedOutPage(): string {
  return page(
    'Signed out',
    html`<h1>You are signed out</h1>
<p class="soft">This browser no longer holds a session with the sandbox.</p>`,
  )
}

function page(title: string, content: Markup): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} – Autodesk Identity sandbox</title>
${style}
</head>
<body>
<main>
<p class="sandbox">Sandbox: not Autodesk</p>
${content}
</main>
</body>
</html>
`.text
}
