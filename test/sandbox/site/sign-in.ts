import type { FastifyInstance } from 'fastify'
import type { SiteUser } from './accounts.ts'
import { sessionCookie, sessionOfCookie } from './cookies.ts'
import { homePage, loginPage, sendPage } from './pages.ts'
import { authenticatePassword } from './passwords.ts'
import { faultCode, Refusal } from './refusals.ts'
import type { SiteState } from './site-state.ts'

/** A person signing in to the site in a browser: the login page, the cookie, and where to go next. */
export function serveSignIn(app: FastifyInstance, state: SiteState): void {
  app.get('/', (request, reply) => {
    const owner = sessionOfCookie(state, request)?.owner
    if (owner?.kind !== 'person') return reply.redirect('/user/login', 302)
    return sendPage(reply, 200, homePage(state, owner.user))
  })

  app.get('/user/login', (request, reply) => {
    const params = new URLSearchParams(request.url.split('?').slice(1).join('?'))
    return sendPage(reply, 200, loginPage(state, { returnPath: localPath(state, params.get('return_path')) }))
  })

  app.post('/user/login', (request, reply) => {
    const form = new URLSearchParams(String(request.body ?? ''))
    const returnPath = localPath(state, form.get('return_path'))
    const attempt = signIn(state, form)
    if ('problem' in attempt) {
      const login = form.get('email') ?? form.get('login') ?? ''
      return sendPage(reply, 401, loginPage(state, { returnPath, login, problem: attempt.problem }))
    }
    const session = state.sessions.create({ kind: 'person', user: attempt.user }, 'browser')
    // 303: a reload of the next page must not send the password again
    return reply.header('set-cookie', sessionCookie(state, session.token)).redirect(returnPath, 303)
  })
}

/** A path on this site, or its front page: a foreign or clever `return_path` leads nowhere else. */
function localPath({ url }: Pick<SiteState, 'url'>, path: string | null): string {
  if (path === null || !path.startsWith('/') || !URL.canParse(path, url)) return '/'
  const target = new URL(path, url)
  return target.origin === new URL(url).origin ? `${target.pathname}${target.search}` : '/'
}

type Attempt = { readonly user: SiteUser } | { readonly problem: string }

function signIn(state: SiteState, form: URLSearchParams): Attempt {
  return state.switches.mode === 'default' ? signInWithPassphrase(state, form) : signInWithAccount(state, form)
}

function signInWithPassphrase(state: SiteState, form: URLSearchParams): Attempt {
  try {
    const [login, passphrase] = [form.get('login') ?? '', form.get('passphrase') ?? '']
    const principal = authenticatePassword(state, login, passphrase, form.get('code') || undefined, {
      inBrowser: true,
    })
    if (principal.kind === 'person') return { user: principal.user }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    if (error.code === faultCode.twoFactor) {
      return { problem: 'This account needs a two-factor code. Type the code from your authenticator and try again.' }
    }
  }
  return {
    problem:
      'Login, passphrase or two-factor code is wrong, or the account is locked. Try again, or wait five minutes.',
  }
}

/** An Autodesk account on an Identity site, the company's on an SSO site; here both are the one in `people.ts`. */
function signInWithAccount(state: SiteState, form: URLSearchParams): Attempt {
  const email = (form.get('email') ?? '').trim().toLowerCase()
  const users = state.accounts.users().filter((user) => user.autodesk?.email.toLowerCase() === email)
  const user = users.find((candidate) => candidate.autodesk?.password === form.get('password'))
  if (!user) return { problem: 'E-mail or password is wrong, or no account on this site belongs to it. Try again.' }
  if (!user.isActive) return { problem: 'This account is disabled on the site. Ask an administrator to enable it.' }
  return { user }
}
