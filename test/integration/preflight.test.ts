import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { PartialConfig } from '../../src/config/config.ts'
import { inspectSite } from '../../src/preflight/inspect-site.ts'
import { tryPassphrase } from '../../src/preflight/passphrase-try.ts'
import type { PersonFacts, Subject } from '../../src/preflight/person-facts.ts'
import { type PreflightReport, preflightReportSchema, reportOn } from '../../src/preflight/preflight-report.ts'
import { type PersonalSession, readOwnUser } from '../../src/preflight/site-user.ts'
import { Secret } from '../../src/secrets/secret.ts'
import { systemClock } from '../../src/system/system-clock.ts'
import { sandboxPeople } from '../sandbox/people.ts'
import { type Site, startSite } from '../sandbox/site/site.ts'
import type { SiteSwitches } from '../sandbox/site/switches.ts'
import { codeOf, nodeFetch, refusalOf } from './world.ts'

const ports = { fetch: nodeFetch, clock: systemClock }
const soon = (): AbortSignal => AbortSignal.timeout(20_000)
const passphrase = 'legacy-passphrase'

let site: Site
beforeAll(async () => {
  site = await startSite()
})
afterAll(() => site.close())
afterEach(async () => {
  await fetch(`${site.url}/sandbox/reset`, { method: 'POST' })
})

/** Every session token that a test had to do with. */
const tokens: string[] = []

/** A session as the agent holds one of a person. */
function sessionOf(key: string): PersonalSession {
  const token = site.mintSession(key)
  tokens.push(token)
  return { apiUrl: site.url, sessionToken: new Secret(token), userId: site.person(key).id }
}

async function attempt(login: string, typed = passphrase, code?: string) {
  const tried = await tryPassphrase(ports, {
    site: site.url,
    credentials: { login, passphrase: new Secret(typed) },
    askCode: async () => (code === undefined ? undefined : new Secret(code)),
    signal: soon(),
  })
  if (tried.session) tokens.push(tried.session.sessionToken.reveal())
  return tried
}

interface Looking {
  /** Not signed in where the person cannot be, or this says so. */
  readonly signedIn?: boolean
  readonly tries?: boolean
  readonly code?: string
  readonly config?: Pick<NonNullable<PartialConfig['sites']>[number], 'broker'>
}

/** The whole of it for one person, as the command does it. */
async function preflight(
  key: string,
  { signedIn = true, tries = true, code, config }: Looking = {},
): Promise<PreflightReport> {
  const person = site.person(key)
  const seen = await inspectSite({ url: site.url, broker: config?.broker }, ports, soon())
  const session = signedIn && person.isActive ? sessionOf(key) : undefined
  const tried = tries && site.switches.mode !== 'saml2' ? await attempt(person.login, passphrase, code) : undefined
  const looked = session ?? tried?.session
  const agent: PersonFacts['agent'] = session
    ? { signedIn: true, login: person.login, userId: person.id, obtainedBy: 'web' }
    : { signedIn: false, problem: { code: 'login_required', says: 'nobody is signed in', next: 'Sign in.' } }
  const report = reportOn({
    ...{ nowMs: site.clock.now(), site: site.url, signIn: 'auto', agent },
    ...seen,
    user: looked && (await readOwnUser(nodeFetch, looked, soon())),
    passphrase: tried ?? { notTried: 'declined' },
  })
  return preflightReportSchema.parse(report)
}

function states(report: PreflightReport, ...wanted: Subject[]): string[] {
  return wanted.map((subject) => {
    const { state } = report.findings.find((finding) => finding.subject === subject) ?? {}
    return state ?? 'not there'
  })
}

const shown = ['seat', 'lock', 'legacy_sign_in', 'passphrase', 'personal_access_token', 'two_factor'] as const
const good = { default: 'ok ok ok ok not_needed not_needed', oxygen: 'ok ok ok ok ok not_needed' }
/** A 102 of an Identity site says nothing of what it was for. */
const refused = { default: 'ok ok missing missing unknown unknown', oxygen: 'ok ok missing unknown unknown not_needed' }

/** Who differs from the others. */
const special: Readonly<Record<string, Partial<Record<'default' | 'oxygen' | 'saml2', string>>>> = {
  disabled: {
    default: 'unknown unknown missing missing unknown unknown',
    oxygen: 'unknown unknown missing unknown unknown not_needed',
    saml2: 'unknown unknown not_needed not_needed not_needed not_needed',
  },
  'no-pat': { oxygen: refused.oxygen },
  'deleted-pat': { default: refused.default, oxygen: refused.oxygen },
  'no-passphrase': { default: refused.default, oxygen: refused.oxygen },
  'two-factor': { default: 'ok ok missing unknown unknown missing' },
}

// The login of the one who was deleted is somebody else's by now.
const people = sandboxPeople.filter(({ key, site: row }) => row && key !== 'retired').map(({ key }) => key)

describe.each(['default', 'saml2', 'oxygen'] as const)('on a site with sign-in "%s"', (mode) => {
  const usual = mode === 'saml2' ? 'ok ok not_needed not_needed not_needed not_needed' : good[mode]

  test.each(people)('%s hears what they lack', async (key) => {
    site.switches.mode = mode
    const report = await preflight(key)
    expect(states(report, ...shown).join(' ')).toBe(special[key]?.[mode] ?? usual)
    expect(report).toMatchObject({ authentication: mode, version: '8.89.0.9724', signIn: 'web' })
  })

  test('one try is one sign-in, and a site that takes none is not asked', async () => {
    site.switches.mode = mode
    await preflight('artist')
    expect(site.calls.get('get_session_token') ?? 0).toBe(mode === 'saml2' ? 0 : 1)
  })
})

describe('a try', () => {
  test('asks for the code where the site does, and the site takes it', async () => {
    site.switches.mode = 'default'
    const report = await preflight('two-factor', { code: '246810' })
    expect(states(report, ...shown).join(' ')).toBe('ok ok ok ok not_needed ok')
    expect(report.tried).toEqual({ login: 'two-factor', withCode: true, accepted: true, code: null })
  })

  test('with a wrong code is refused', async () => {
    site.switches.mode = 'default'
    expect((await preflight('two-factor', { code: '000000' })).tried).toMatchObject({
      withCode: true,
      accepted: false,
      code: 'passphrase_rejected',
    })
  })

  test('of somebody who is not signed in shows their user too, by the session it made', async () => {
    const report = await preflight('supervisor', { signedIn: false })
    expect(report.user).toMatchObject({
      login: 'supervisor',
      email: 'supervisor@studio.example',
      permissionGroup: 'manager',
    })
    expect(states(report, 'seat')).toEqual(['ok'])
  })

  test('that the site answers with the number for Identity sites leaves passphrase and token open', async () => {
    site.switches.oxygenPasswordFault = 110
    expect(states(await preflight('no-pat'), ...shown).join(' ')).toBe(refused.oxygen)
  })

  test('of a locked user is refused, and the lock is seen with the session', async () => {
    site.switches.mode = 'default'
    for (let wrong = 0; wrong < 5; wrong += 1) await attempt('supervisor', 'wrong')
    const report = await preflight('supervisor')
    expect(states(report, 'lock', 'legacy_sign_in')).toEqual(['missing', 'missing'])
    expect(report.findings.find(({ subject }) => subject === 'lock')?.says).toMatch(/locked until 2\d{3}-/)
    site.clock.advance(6 * 60_000)
    expect(states(await preflight('supervisor'), 'lock', 'legacy_sign_in')).toEqual(['ok', 'ok'])
  })

  test('on a site that has not moved fails for a deleted token, which looks like a wrong passphrase', async () => {
    site.switches.mode = 'default'
    const report = await preflight('deleted-pat')
    expect(states(report, 'legacy_sign_in', 'personal_access_token')).toEqual(['missing', 'unknown'])
    const said = report.findings.find(({ subject }) => subject === 'personal_access_token')?.says
    expect(said).toContain('refused like a wrong passphrase')
    expect(states(await preflight('no-pat'), 'legacy_sign_in')).toEqual(['ok'])
  })

  test('that meets a broken site came to nothing, and that is what it says', async () => {
    const before = await inspectSite({ url: site.url, broker: undefined }, ports, soon())
    expect(before.info.hasLauncher).toBe(true)
    site.faults.inject({ path: '/api3/json', does: { kind: 'html' } })
    expect((await attempt('artist')).outcome).toMatchObject({ accepted: false, code: 'site_unreachable' })
  })

  test('ends when the person has had enough, with their reason', async () => {
    const stop = new AbortController()
    site.switches.mode = 'default'
    const trying = tryPassphrase(ports, {
      site: site.url,
      credentials: { login: 'two-factor', passphrase: new Secret(passphrase) },
      askCode: () => {
        stop.abort(new Error('enough'))
        return Promise.reject(stop.signal.reason)
      },
      signal: stop.signal,
    })
    await expect(trying).rejects.toThrow('enough')
  })
})

describe('the user', () => {
  const fields = [
    'email',
    'sg_status_list',
    'locked_until',
    'can_impersonate_this_user',
    'permission_rule_set.PermissionRuleSet.code',
  ]

  test.each<SiteSwitches['hiddenFieldAnswer']>(['left-out', 'refused'])(
    'keeps to themselves what people may not read (%s), and the rest is read',
    async (hiddenFieldAnswer) => {
      for (const field of fields) {
        Object.assign(site.switches, { hiddenUserFields: [field], hiddenFieldAnswer })
        const user = await readOwnUser(nodeFetch, sessionOf('artist'), soon())
        const seen = Object.entries(user ?? {}).flatMap(([name, value]) => (value === undefined ? [name] : []))
        const hidden = {
          email: ['email', 'namesakes'],
          sg_status_list: ['status'],
          locked_until: ['lockedUntil'],
          can_impersonate_this_user: ['canBeImpersonated'],
          'permission_rule_set.PermissionRuleSet.code': ['permissionGroup'],
        }[field]
        expect([field, seen]).toEqual([field, hidden])
        expect(user).toMatchObject({ login: 'artist@studio.example' })
      }
    },
  )

  test('whose login is hidden is not shown at all', async () => {
    Object.assign(site.switches, { hiddenUserFields: ['login'] })
    expect(await readOwnUser(nodeFetch, sessionOf('artist'), soon())).toBeUndefined()
  })

  test('whose session is over is not shown', async () => {
    const session = sessionOf('artist')
    site.expireSessions()
    expect(await readOwnUser(nodeFetch, session, soon())).toBeUndefined()
  })

  test.each([
    ['shared-a', ['shared-b']],
    ['case-lower', ['case-upper']],
    ['case-upper', ['case-lower']],
    ['artist', []],
  ])('%s is told who shares the address', async (key, namesakes) => {
    expect((await readOwnUser(nodeFetch, sessionOf(key), soon()))?.namesakes).toEqual(namesakes)
  })

  test('a disabled namesake does not count', async () => {
    site.person('shared-b').status = 'dis'
    expect((await readOwnUser(nodeFetch, sessionOf('shared-a'), soon()))?.namesakes).toEqual([])
  })

  test('a site that answers nonsense is unreachable, not a person without rights', async () => {
    const session = sessionOf('artist')
    site.faults.inject({ path: '/api3/json', does: { kind: 'status', status: 500 } })
    expect(await codeOf(readOwnUser(nodeFetch, session, soon()))).toBe('site_unreachable')
  })
})

describe('the site and the broker', () => {
  test('a broker that is not there is a finding', async () => {
    const report = await preflight('artist', { config: { broker: 'http://127.0.0.1:9' }, tries: false })
    expect(report.signIn).toBe('broker')
    expect(report.findings.find(({ subject }) => subject === 'browser_sign_in')).toMatchObject({
      state: 'unknown',
      evidence: 'tried',
      next: expect.stringContaining('VPN'),
    })
  })

  test('a site that is not there is an error', async () => {
    expect(await refusalOf(inspectSite({ url: 'http://127.0.0.1:9', broker: undefined }, ports, soon()))).toMatch(
      /^site_unreachable: .*"http:\/\/127\.0\.0\.1:9"/,
    )
  })
})

test('nothing that was typed or made by it is in a report', async () => {
  for (const mode of ['default', 'oxygen'] as const) {
    site.switches.mode = mode
    for (const key of ['artist', 'no-pat', 'two-factor']) {
      const report = JSON.stringify(await preflight(key, { code: '246810' }))
      for (const secret of [passphrase, '246810', ...tokens]) expect(report).not.toContain(secret)
    }
  }
  expect(tokens.length).toBeGreaterThan(10)
})
