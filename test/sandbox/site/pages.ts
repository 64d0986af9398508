import { createHash } from 'node:crypto'
import type { FastifyReply } from 'fastify'
import type { SiteUser } from './accounts.ts'
import type { Launch } from './launches.ts'
import { style } from './page-style.ts'
import type { SiteState } from './site-state.ts'

/** Text that is HTML already. Everything else is escaped on its way into a page. */
class Html {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

type Named = Pick<SiteState, 'siteName' | 'switches'>

const styleHash = `'sha256-${createHash('sha256').update(style).digest('base64')}'`

/** Sends a page: no script, nothing from elsewhere, never framed, never stored. */
export function sendPage(reply: FastifyReply, status: number, page: Html): FastifyReply {
  return reply
    .code(status)
    .type('text/html; charset=utf-8')
    .header(
      'content-security-policy',
      `default-src 'none'; style-src ${styleHash}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
    )
    .header('cache-control', 'no-store')
    .header('referrer-policy', 'no-referrer')
    .header('x-content-type-options', 'nosniff')
    .send(page.text)
}

/** Where a person proves who they are, in the way of the site's mode. */
export function loginPage(
  { siteName, switches }: Named,
  { returnPath, login = '', problem }: { returnPath: string; login?: string; problem?: string },
): Html {
  const fields = { default: passphraseFields, oxygen: autodeskFields, saml2: companyFields }[switches.mode]
  return page(
    siteName,
    'Sign in',
    html`
      ${problem ? html`<p class="problem" role="alert">${problem}</p>` : ''}
      <form method="post" action="/user/login">
        <input type="hidden" name="return_path" value="${returnPath}">
        ${fields(login)}
        <div class="actions"><button class="primary">Sign in</button></div>
      </form>`,
  )
}

/** Where a person lets an app in. */
export function approvalPage({ siteName }: Named, launch: Launch, user: SiteUser): Html {
  return page(
    siteName,
    'Approve this sign-in?',
    html`
      <p>An application asks to sign in to ${siteName} as you.</p>
      <dl>
        <dt>Application</dt><dd>${launch.appName}</dd>
        <dt>Machine</dt><dd>${launch.machineId}</dd>
        <dt>Signs in as</dt><dd>${user.name} <span class="quiet">${user.login}</span></dd>
      </dl>
      <p class="quiet">Approve only if you started this sign-in yourself, a moment ago, on that machine.</p>
      <form method="post" action="/app_session_request/${launch.id}">
        <div class="actions">
          <button class="primary" name="decision" value="approve">Approve</button>
          <button name="decision" value="deny">Deny</button>
        </div>
      </form>
      <p class="quiet"><a href="/user/login?return_path=/app_session_request/${launch.id}">Not ${user.name}? Use another account</a></p>`,
  )
}

/** What a person reads after their answer. */
export function answeredPage({ siteName }: Named, launch: Launch, approved: boolean): Html {
  if (!approved) {
    return page(
      siteName,
      'Sign-in denied',
      html`<p role="status">${launch.appName} was not signed in. You can close this page.</p>`,
    )
  }
  return page(
    siteName,
    'Sign-in approved',
    html`<p role="status">${launch.appName} is signed in. You can close this page and go back to it.</p>`,
  )
}

/** What a person reads when a request is gone. */
export function forgottenPage({ siteName }: Named): Html {
  return page(
    siteName,
    'This request is no longer valid',
    html`<p role="status">It expired after five minutes, was answered already, or never existed. Start the sign-in again in the application.</p>`,
  )
}

/** The front page of somebody who is signed in. */
export function homePage({ siteName }: Named, user: SiteUser): Html {
  return page(siteName, `Signed in as ${user.name}`, html`<p>This is a sandbox site: it runs on this machine.</p>`)
}

/** What a browser gets for a path nobody serves. */
export function missingPage({ siteName }: Named): Html {
  return page(
    siteName,
    'Page not found',
    html`<p>There is nothing at this address. <a href="/">Go to the front page</a></p>`,
  )
}

function passphraseFields(login: string): Html {
  return html`
    ${field('login', 'Login', 'text', 'username', { value: login, focused: login === '' })}
    ${field('passphrase', 'Passphrase', 'password', 'current-password', { focused: login !== '' })}
    ${field('code', 'Two-factor code', 'text', 'one-time-code', { hint: 'Only if your account has one' })}`
}

function autodeskFields(login: string): Html {
  return accountFields('Autodesk', login)
}

function companyFields(login: string): Html {
  return accountFields('Company', login)
}

function accountFields(whose: string, login: string): Html {
  return html`
    ${field('email', `${whose} e-mail`, 'email', 'username', { value: login, focused: login === '' })}
    ${field('password', `${whose} password`, 'password', 'current-password', { focused: login !== '' })}`
}

/** A labelled field; one with a hint may stay empty. */
function field(
  name: string,
  label: string,
  type: string,
  autocomplete: string,
  { value = '', hint, focused = false }: { value?: string; hint?: string; focused?: boolean },
): Html {
  return html`
    <label for="${name}">${label}</label>
    <input id="${name}" name="${name}" type="${type}" autocomplete="${autocomplete}" value="${value}" ${hint ? html`aria-describedby="${name}-hint"` : html`required`}${focused ? ' autofocus' : ''}>
    ${hint ? html`<p class="hint" id="${name}-hint">${hint}</p>` : ''}`
}

function page(siteName: string, title: string, body: Html): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · ${siteName}</title>
<style>${new Html(style)}</style>
</head>
<body>
<header><span class="mark" aria-hidden="true"></span>${siteName} <span class="badge">sandbox</span></header>
<main>
<h1>${title}</h1>
${body}
</main>
</body>
</html>
`
}

/** Fills a template; every value that is not HTML itself is escaped. */
function html(strings: TemplateStringsArray, ...values: readonly (string | Html)[]): Html {
  const filled = values.map((value) => (value instanceof Html ? value.text : escaped(value)))
  return new Html(strings.map((text, at) => text + (filled[at] ?? '')).join(''))
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? character)
}
