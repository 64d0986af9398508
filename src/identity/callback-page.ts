import { createHash } from 'node:crypto'

/** The pages a browser sees at the redirect listener. Fixed texts: nothing from a request ever reaches them. */
export type PageName = 'signed_in' | 'failed' | 'working' | 'used' | 'not_this'

const texts: Record<PageName, { title: string; text: string; mark: string }> = {
  signed_in: {
    title: 'You are signed in',
    text: 'Every tool on this machine can now use your ShotGrid session. You can close this tab.',
    mark: '<path d="M14 25l7 7 14-15"/>',
  },
  failed: {
    title: 'The sign-in did not work',
    text: 'Go back to sg-session: it says what happened and what to do. You can close this tab.',
    mark: '<path d="M16 16l16 16M32 16L16 32"/>',
  },
  working: {
    title: 'Almost there',
    text: 'sg-session is finishing the sign-in and tells you when it is done. You can close this tab.',
    mark: '<path d="M24 12v13l8 5"/>',
  },
  used: {
    title: 'This sign-in is over',
    text: 'The address was used before. If you are not signed in, start again from sg-session.',
    mark: '<path d="M24 14v13M24 33v1"/>',
  },
  not_this: {
    title: 'Nothing to see here',
    text: 'sg-session is waiting for a sign-in, and this is not it. The sign-in goes on in its own tab.',
    mark: '<path d="M24 14v13M24 33v1"/>',
  },
}

const style = `:root{color-scheme:light dark;--ink:#1c2126;--soft:#5a646e;--paper:#f6f7f8;--good:#0a7a5c;--bad:#b3352a;--calm:#4a6785}
@media(prefers-color-scheme:dark){:root{--ink:#eceff1;--soft:#9aa5b1;--paper:#16191d;--good:#4fd1a5;--bad:#ff8a7a;--calm:#9db8d3}}
body{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--paper);color:var(--ink);font:17px/1.5 system-ui,sans-serif}
main{max-width:26rem;padding:2rem;text-align:center}
svg{width:4.5rem;height:4.5rem;fill:none;stroke:var(--calm);stroke-width:3;stroke-linecap:round;stroke-linejoin:round}
.signed_in svg{stroke:var(--good)}.failed svg{stroke:var(--bad)}
h1{font-size:1.5rem;font-weight:600;margin:1rem 0 .5rem}
p{color:var(--soft);margin:0}`

// RFC 9700 §4.2.4: the code leaves the address bar and the history entry.
const script = "history.replaceState(null,'',location.pathname)"

function hash(text: string): string {
  return `'sha256-${createHash('sha256').update(text, 'utf8').digest('base64')}'`
}

/** Sent with every answer of the listener. */
export const pageHeaders: Readonly<Record<string, string>> = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'content-security-policy': `default-src 'none'; script-src ${hash(script)}; style-src ${hash(style)}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  connection: 'close',
}

export function page(name: PageName): Buffer {
  const { title, text, mark } = texts[name]
  return Buffer.from(
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">` +
      `<title>${title} – sg-session</title><style>${style}</style></head><body class="${name}"><main>` +
      `<svg viewBox="0 0 48 48" aria-hidden="true"><circle cx="24" cy="24" r="21"/>${mark}</svg>` +
      `<h1>${title}</h1><p>${text}</p></main><script>${script}</script></body></html>`,
    'utf8',
  )
}
