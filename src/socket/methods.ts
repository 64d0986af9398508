import type { AgentError } from '../errors.ts'
import { Secret } from '../secrets/secret.ts'
import { SecretText } from '../secrets/write-secrets.ts'
import type { SiteStatus } from '../session/changes.ts'
import type { AutodeskToken, Session } from '../session/session.ts'
import type { Stall } from '../system/stall-watch.ts'
import { version } from '../version.ts'
import type { CallingTool } from './gate.ts'
import { isMethod, type Method, type Params, type Result, toSeconds, type WireSiteStatus } from './messages.ts'
import { scopeOf } from './scopes.ts'
import type { ToolsDesk } from './tools-desk.ts'
import { toolHandlers } from './tools-methods.ts'

/** A REST bearer, of which site and where it is good; `expiresAt`: wall clock, ms since the epoch. */
export interface RestTokenOf {
  readonly site: string
  readonly apiUrl: string
  readonly accessToken: Secret
  readonly expiresAt: number
}

/** An Autodesk access token, and of which site's sign-in. */
export interface AutodeskTokenOf extends AutodeskToken {
  readonly site: string
}

/** What a sign-in waits for, as far as a client may know it. */
export type WaitsFor =
  | { readonly kind: 'browser'; readonly url: URL }
  | { readonly kind: 'credentials'; readonly wantsCode: boolean }

/** What the socket needs of the agent. Sites are as the caller wrote them; the agent knows which one is meant. */
export interface Desk {
  /** When the agent started; wall clock, ms since the epoch. */
  readonly startedAt: number
  session(request: {
    site: string | undefined
    minValidityMs: number
    interactive: boolean
  }): Promise<{ session: Session; generation: number }>
  restToken(site: string | undefined): Promise<RestTokenOf>
  autodeskToken(site: string | undefined, minValidityMs: number): Promise<AutodeskTokenOf>
  reportRejected(site: string | undefined, generation: number | undefined): Promise<SiteStatus>
  signIn(request: {
    site: string | undefined
    switchUser: boolean
    openBrowser: boolean
    onStep: (site: string, step: WaitsFor) => void
  }): Promise<SiteStatus>
  wayIn(site: string | undefined): Promise<{ site: string; way: string; because: string }>
  submitCredentials(
    site: string | undefined,
    credentials: { readonly login: string; readonly passphrase: Secret; readonly code?: Secret },
  ): Promise<SiteStatus>
  pasteRedirect(site: string | undefined, url: string): Promise<SiteStatus>
  cancelSignIn(site: string | undefined): SiteStatus
  signOut(site: string | undefined): Promise<SiteStatus>
  status(): SiteStatus[]
  readonly tools: ToolsDesk
  /** The configured site that is meant. Throws `site_unknown`. */
  siteMeant(wanted: string | undefined): string
  /** When the agent last stood still while somebody waited. */
  lastStall(): Stall | undefined
  /** Since when, and why, a newer program on the disk has not taken over. */
  handOverProblem(): { readonly at: number; readonly because: string } | undefined
  /** What keeps the local audit from being written, while something does. */
  auditProblem(): AgentError | undefined
  /** The configured site that is meant, if any. */
  siteNamed(wanted: unknown): string | undefined
}

/** What a method may do with the connection that called it. */
export interface Caller {
  watch(): void
  /** To be awaited with the site right before a session or a token of it goes out. Throws if it must not. */
  release(site: string): Promise<void>
  /** Who calls, made sure of right now. Throws if it is somebody else's program by now. */
  confirm(): Promise<CallingTool>
  /** Tells what the sign-in that was asked for waits for. */
  notifyStep(site: string, step: WaitsFor): void
}

/** As a plug-in gets it, but for the secrets, which are revealed where the frame is made. */
type Answer<T> = { [K in keyof T]: K extends 'sessionToken' | 'accessToken' ? SecretText : T[K] }

export type Handlers = {
  [M in Exclude<Method, 'hello'>]: (params: Params<M>, desk: Desk, caller: Caller) => Promise<Answer<Result<M>>>
}

/** One function a method; the parameters have been judged before. */
export const handlers: Handlers = {
  async 'session/get'({ site, minValidityS, interactive }, desk, caller) {
    const { session, generation } = await desk.session({ site, minValidityMs: minValidityS * 1000, interactive })
    await caller.release(session.site)
    return {
      site: session.site,
      apiUrl: session.apiUrl,
      login: session.login,
      userId: session.userId,
      name: session.name,
      sessionToken: new SecretText(session.sessionToken),
      expiresAt: toSeconds(session.expiresAt),
      expiry: session.expiry,
      obtainedBy: session.obtainedBy,
      generation,
    }
  },
  async 'session/watch'(_params, desk, caller) {
    caller.watch()
    return { sites: desk.status().map(toWireStatus) }
  },
  async 'session/reportRejected'({ site, generation }, desk) {
    return toWireStatus(await desk.reportRejected(site, generation))
  },
  async 'rest/get'({ site }, desk, caller) {
    const token = await desk.restToken(site)
    await caller.release(token.site)
    const { apiUrl, accessToken, expiresAt } = token
    return { site: token.site, apiUrl, accessToken: new SecretText(accessToken), expiresAt: toSeconds(expiresAt) }
  },
  async 'autodesk/get'({ site, minValidityS }, desk, caller) {
    const token = await desk.autodeskToken(site, minValidityS * 1000)
    await caller.release(token.site)
    const { accessToken, expiresAt, scopes } = token
    return {
      site: token.site,
      accessToken: new SecretText(accessToken),
      expiresAt: toSeconds(expiresAt),
      ...(scopes === undefined ? {} : { scopes: [...scopes] }),
    }
  },
  async signIn({ site, switchUser, openBrowser }, desk, caller) {
    const onStep = (canonical: string, step: WaitsFor): void => caller.notifyStep(canonical, step)
    return toWireStatus(await desk.signIn({ site, switchUser, openBrowser, onStep }))
  },
  async 'signIn/way'({ site }, desk) {
    return desk.wayIn(site)
  },
  async 'signIn/paste'({ site, url }, desk) {
    return toWireStatus(await desk.pasteRedirect(site, url))
  },
  async 'signIn/credentials'({ site, login, passphrase, code }, desk) {
    const credentials = {
      login,
      passphrase: new Secret(passphrase),
      ...(code === undefined ? {} : { code: new Secret(code) }),
    }
    try {
      return toWireStatus(await desk.submitCredentials(site, credentials))
    } finally {
      credentials.passphrase.wipe()
      credentials.code?.wipe()
    }
  },
  async 'signIn/cancel'({ site }, desk) {
    return toWireStatus(desk.cancelSignIn(site))
  },
  async signOut({ site }, desk) {
    return toWireStatus(await desk.signOut(site))
  },
  async status(_params, desk) {
    const problem = desk.auditProblem()
    const handOver = desk.handOverProblem()
    return {
      agent: {
        ...{ version, pid: process.pid, startedAt: toSeconds(desk.startedAt) },
        ...toWireStall(desk.lastStall()),
        ...(handOver ? { handOver: { failedAt: toSeconds(handOver.at), because: handOver.because } } : {}),
      },
      sites: desk.status().map(toWireStatus),
      ...(problem ? { audit: { problem: problem.message, advice: problem.advice } } : {}),
    }
  },
  ...toolHandlers,
}

/** Whether a method's answer holds a secret. */
export function handsOut(method: string): boolean {
  return isMethod(method) && method !== 'hello' && scopeOf[method] !== 'status'
}

export function toWireStatus(status: SiteStatus): WireSiteStatus {
  const { expiresAt, signInEndsAt, leftAtSite, ...rest } = status
  return {
    ...rest,
    ...(leftAtSite === undefined ? {} : { leftAtSite: { ...leftAtSite, until: toSeconds(leftAtSite.until) } }),
    ...(expiresAt === undefined ? {} : { expiresAt: toSeconds(expiresAt) }),
    ...(signInEndsAt === undefined ? {} : { signInEndsAt: toSeconds(signInEndsAt) }),
  }
}

function toWireStall(stall: Stall | undefined): Pick<Result<'status'>['agent'], 'lastStall'> {
  if (stall === undefined) return {}
  const { endedAt, during, ...rest } = stall
  return { lastStall: { ...rest, endedAt: toSeconds(endedAt), during: [...during] } }
}
