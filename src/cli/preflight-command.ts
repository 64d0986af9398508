import type { AgentClient } from '../client/node/agent-client.ts'
import { type Config, findSite, originSchema, type SiteConfig } from '../config/config.ts'
import { readConfig } from '../config/config-files.ts'
import { AgentError, errorTable, isErrorCode } from '../errors.ts'
import type { Ports } from '../ports.ts'
import { inspectSite, noPassphrases, problemOf } from '../preflight/inspect-site.ts'
import { type TriedPassphrase, tryPassphrase } from '../preflight/passphrase-try.ts'
import type { AgentFacts, NoTry, PersonFacts } from '../preflight/person-facts.ts'
import { isSomethingMissing, reportOn } from '../preflight/preflight-report.ts'
import { type PersonalSession, readOwnUser } from '../preflight/site-user.ts'
import { Secret } from '../secrets/secret.ts'
import { standardPaths } from '../system/paths.ts'
import { systemClock } from '../system/system-clock.ts'
import { useSystemNetwork } from '../system/system-network.ts'
import { askForCode, askForCredentials } from './ask-credentials.ts'
import type { Output } from './output.ts'
import { describePreflight } from './preflight-text.ts'
import { Questions } from './questions.ts'
import { exitStatus, testTokenFailure } from './token-test.ts'

export interface PreflightOptions {
  readonly site?: string
  /** HumanUser.login; asked for when not given. */
  readonly login?: string
  /** undefined: ask whether to. */
  readonly tryLegacy?: boolean
  readonly expectPatFailure: boolean
  readonly json: boolean
  readonly allowInsecureLoopback: boolean
}

const askLimitMs = 30_000

/**
 * What one person has and lacks for signing in to a site. Returns the exit status. Throws `site_unknown`, `site_unreachable`,
 * `config_invalid`, and what ends a question.
 */
export async function preflightCommand(
  client: AgentClient,
  output: Output,
  options: PreflightOptions,
): Promise<number> {
  const { config, site } = await chooseSite(options)
  const ports = { fetch: useSystemNetwork(config.network), clock: systemClock }
  if (options.expectPatFailure) {
    const known = (await askAgent(client, site.url)).session?.login
    return testTokenFailure(ports, output, { site: site.url, given: options.login, known })
  }
  output.remark(`Asking ${site.url} …`)
  const seen = await inspectSite(site, ports, AbortSignal.timeout(askLimitMs))
  const { agent, session } = await askAgent(client, site.url)
  let user = session && (await readOwnUser(ports.fetch, session, AbortSignal.timeout(askLimitMs)))
  const passphrase = await tryAtTerminal(ports, output, options, { site: site.url, login: session?.login, ...seen })
  if (!user && 'session' in passphrase && passphrase.session) {
    // Before it is thrown away, it can be looked with.
    user = await readOwnUser(ports.fetch, passphrase.session, AbortSignal.timeout(askLimitMs))
  }
  const facts = { nowMs: ports.clock.now(), site: site.url, signIn: site.signIn, ...seen, agent, user, passphrase }
  const report = reportOn(facts)
  output.result(report, describePreflight(report))
  return isSomethingMissing(report) ? exitStatus.missing : 0
}

/** The site that is meant: also one that nothing is configured for, to look before anybody is set up. */
async function chooseSite({ site: wanted, allowInsecureLoopback }: PreflightOptions): Promise<{
  config: Config
  site: Pick<SiteConfig, 'url' | 'signIn' | 'broker'>
}> {
  const rules = { insecureLoopback: allowInsecureLoopback }
  const { config } = await readConfig(standardPaths(), rules)
  try {
    return { config, site: findSite(config, wanted) }
  } catch (error) {
    if (wanted === undefined) throw error
    const address = originSchema(rules).safeParse(wanted.includes('://') ? wanted : `https://${wanted}`)
    if (address.success) return { config, site: { url: address.data, signIn: 'auto' } }
    throw new AgentError('site_unknown', `"${wanted}" ${address.error.issues[0]?.message ?? 'is no address'}`)
  }
}

interface AgentAnswer {
  readonly agent: AgentFacts
  readonly session?: PersonalSession & { readonly login: string }
}

/** What the agent knows without asking anybody to sign in; that none runs is an answer too. */
async function askAgent(client: AgentClient, site: string): Promise<AgentAnswer> {
  try {
    const { login, userId, obtainedBy, apiUrl, sessionToken } = await client.getSession({ site, minValidityS: 0 })
    const account = (await statusOf(client, site))?.account
    const agent = { signedIn: true, login, userId, obtainedBy, ...(account === undefined ? {} : { account }) } as const
    return { agent, session: { apiUrl, sessionToken: new Secret(sessionToken), userId, login } }
  } catch (error) {
    if (!(error instanceof AgentError)) throw error
    const reason = (await statusOf(client, site))?.reason
    const last = isErrorCode(reason) ? { last: problemOf(new AgentError(reason)) } : {}
    // Where an agent would be announced, and the like, is for the doctor.
    const problem = { code: error.code, says: errorTable[error.code].sentence, next: error.advice }
    return { agent: { signedIn: false, problem, ...last } }
  }
}

async function statusOf(client: AgentClient, site: string) {
  try {
    return (await client.status()).sites.find((one) => one.site === site)
  } catch (error) {
    if (error instanceof AgentError) return undefined
    throw error
  }
}

interface TryPlan extends Pick<PersonFacts, 'site' | 'info'> {
  /** Whoever is signed in. */
  readonly login: string | undefined
}

/** Asks whether to try, then for login and passphrase; nothing is asked where nobody sits or nothing can come of it. */
async function tryAtTerminal(
  ports: Pick<Ports, 'fetch' | 'clock'>,
  output: Output,
  options: PreflightOptions,
  { site, info, login }: TryPlan,
): Promise<TriedPassphrase | NoTry> {
  if (noPassphrases(site, info)) return { notTried: 'pointless' }
  // A program that reads the answer has nobody who expects to be asked.
  if (options.tryLegacy === false || (options.tryLegacy === undefined && options.json)) return { notTried: 'declined' }
  const questions = Questions.atTerminal()
  if (!questions) return { notTried: 'no_terminal' }
  try {
    if (!options.tryLegacy) {
      questions.say('Whether a passphrase and a token are good, only a try can tell: one sign-in at the site.')
      questions.say('A wrong passphrase counts there as a failed sign-in, and several of them lock the user.')
      if (!/^y(es)?$/i.test(await questions.ask('Try login and passphrase now? [y/N] ')))
        return { notTried: 'declined' }
    }
    const credentials = await askForCredentials(questions, { given: options.login, known: login })
    output.remark(`Trying at ${site} …`)
    const askCode = (): Promise<Secret | undefined> => askForCode(questions)
    return await tryPassphrase(ports, { site, credentials, askCode, signal: questions.interrupted })
  } finally {
    questions.close()
  }
}
