import { chmod, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { dirname, join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { ownEntry } from '../../src/audit/audit-entry.ts'
import { writeLine } from '../../src/audit/audit-line.ts'
import type { Check } from '../../src/doctor/world.ts'
import { AgentError } from '../../src/errors.ts'
import type { Fetch } from '../../src/ports.ts'
import { systemClock } from '../../src/system/system-clock.ts'
import { makeCertificates } from '../sandbox/certificates.ts'
import { startSite } from '../sandbox/site/site.ts'
import { type DoctorStage, row, startDoctorStage, troubles } from './doctor-stage.ts'
import { otherUserMissing } from './other-user.ts'
import { nodeFetch } from './world.ts'

let stage: DoctorStage
let agent: { stop(): Promise<void> }
beforeAll(async () => {
  stage = await startDoctorStage()
})
afterAll(() => stage.close())
beforeEach(async () => {
  await stage.writeSettings(stage.settings)
  await rm(stage.paths.policyFile, { force: true })
  agent = await stage.startAgent()
})
afterEach(async () => {
  stage.world.site.faults.clear()
  stage.world.identity.faults.clear()
  await agent.stop()
  await rm(dirname(endpointFile()), { recursive: true, force: true })
})

const endpointFile = (): string => stage.paths.endpointFiles[0] ?? ''

describe('where everything is right', () => {
  test('every row is ok, or says why it was not looked at', async () => {
    const report = await stage.examine()
    expect(troubles(report)).toEqual([])
    expect(report.ok).toBe(true)
    // Which Pythons there are is this machine's business: doctor-pythons.test.ts.
    const rows = report.findings.filter(({ check }) => check !== 'python')
    expect(rows.map(({ check, state }) => `${state} ${check}`)).toEqual([
      'ok versions',
      'ok agent',
      'ok endpoint-file',
      'skipped audit',
      'ok policy',
      'ok settings',
      'ok keychain',
      'ok browser',
      'ok redirect-port',
      'ok redirect-port',
      'ok redirect-port',
      'ok clock',
      'ok proxy',
      'ok certificate-authorities',
      'ok identity',
      'ok broker',
      'ok site',
      'ok way-in',
      'skipped autodesk-token',
      'skipped scripts',
      'skipped updates',
    ])
    expect(row(report, 'agent').found).toMatch(/^version \S+, process \d+, up \d+ s; announced in .*endpoint\.json$/)
    expect(row(report, 'endpoint-file').found).toContain('600 in a folder of 700')
    expect(row(report, 'site').found).toBe(
      'ShotGrid 8.89.0.9724; people prove who they are by Autodesk Identity (oxygen); its App Session Launcher is on',
    )
    expect(row(report, 'way-in').found).toBe('"broker": a broker is configured for the site')
    expect(row(report, 'broker').found).toBe(`serves "${stage.world.site.url}" and takes sign-ins of this Autodesk app`)
    expect(row(report, 'identity').found).toContain('answers and is itself')
    expect(row(report, 'scripts').advice).toContain('"sg_status_list"')
    expect(row(report, 'autodesk-token').found).toBe(
      'not asked: whether the site takes an Autodesk access token needs a sign-in',
    )
  })

  test('asks servers without any credential, and the site for nothing but what it says to everybody', async () => {
    const asked: string[] = []
    const watching: Fetch = (url, init) => {
      asked.push(
        `${init.method} ${new URL(url).pathname} ${new Headers(init.headers).get('authorization')} ${init.body}`,
      )
      return nodeFetch(url, init)
    }
    await stage.examine({ wayOut: { fetch: watching, proxyFor: async () => undefined } })
    expect([...new Set(asked)].toSorted()).toEqual(
      [
        'GET /.well-known/oauth-authorization-server null undefined',
        'GET /.well-known/openid-configuration null undefined',
        'GET /.well-known/openid-configuration null null',
        'POST /api3/json null {"method_name":"info","params":[]}',
      ].toSorted(),
    )
    expect(stage.world.site.sessions()).toEqual([])
  })
})

describe('one thing broken is one row', () => {
  test('no agent', async () => {
    await agent.stop()
    const report = await stage.examine()
    expect(troubles(report)).toEqual(['warning agent'])
    expect(row(report, 'agent')).toEqual({ state: 'warning', found: 'none is running', advice: 'Start sg-session.' })
    expect(report.ok).toBe(true)
  })

  test('an agent that was killed and left its file behind', async () => {
    const left = await readFile(endpointFile(), 'utf8')
    await agent.stop()
    await mkdir(dirname(endpointFile()), { recursive: true, mode: 0o700 })
    await writeFile(endpointFile(), left, { mode: 0o600 })
    const report = await stage.examine()
    expect(troubles(report)).toEqual(['failed agent'])
    expect(row(report, 'agent').found).toMatch(/announces process \d+, which does not answer: nobody listens/)
    expect(row(report, 'agent').advice).toContain('Start sg-session: it replaces the file.')
  })

  test('something else that listens where the agent was', async () => {
    const left = JSON.parse(await readFile(endpointFile(), 'utf8')) as { port: number }
    const silent = await listen(createServer())
    await writeFile(endpointFile(), JSON.stringify({ ...left, port: portOf(silent) }), { mode: 0o600 })
    const report = await stage.examine({})
    silent.close()
    expect(troubles(report)).toEqual(['failed agent'])
    expect(row(report, 'agent').found).toContain('did not answer the connection')
  })

  test('an agent that serves other sites than are configured since', async () => {
    await stage.writeSettings({
      ...stage.settings,
      sites: [...(stage.settings.sites ?? []), { url: 'http://localhost:9', signIn: 'legacy' }],
    })
    const report = await stage.examine()
    expect(troubles(report)).toEqual(['warning agent', 'failed site'])
    expect(row(report, 'agent').advice).toContain('the configuration has changed since it started')
  })

  test.each([
    [
      'a file that others may read',
      async () => chmod(endpointFile(), 0o644),
      /endpoint\.json" is open to other users|it is open to other users/,
    ],
    ['a folder that others may enter', async () => chmod(dirname(endpointFile()), 0o755), /is open to other users/],
    [
      'a link',
      async () => {
        await writeFile(join(stage.bin, 'elsewhere.json'), await readFile(endpointFile()), { mode: 0o600 })
        await rm(endpointFile())
        await symlink(join(stage.bin, 'elsewhere.json'), endpointFile())
      },
      /cannot be read as this user's file/,
    ],
    ['a file of another kind', async () => writeFile(endpointFile(), '{}', { mode: 0o600 }), /is not an endpoint file/],
  ])('an endpoint that is %s', async (_name, spoil, found) => {
    await spoil()
    const report = await stage.examine()
    expect(troubles(report)).toEqual(['failed endpoint-file'])
    expect(row(report, 'endpoint-file').found).toMatch(found)
    expect(row(report, 'endpoint-file').advice).toContain('No tool believes it.')
    expect(row(report, 'agent')).toMatchObject({ state: 'skipped' })
  })

  test('a policy that somebody else could have written; the rest is read', async () => {
    await writeFile(stage.paths.policyFile, '{ "locked": { "session": { "maxAgeHours": 1 } } }')
    await chmod(stage.paths.policyFile, 0o666)
    const report = await stage.examine()
    expect(troubles(report)).toEqual(['failed policy'])
    expect(row(report, 'policy').found).toMatch(/must (not be writable by group or others|be owned by root)/)
    expect(row(report, 'site').state).toBe('ok')
  })

  test.runIf(!otherUserMissing)('a policy that root alone wrote is trusted, and said to be', async () => {
    await writeFile(stage.paths.policyFile, '{ "locked": { "session": { "maxAgeHours": 1 } } }', { mode: 0o644 })
    const report = await stage.examine()
    expect(troubles(report)).toEqual([])
    expect(row(report, 'policy').found).toBe('is used, and only root can have written it')
  })

  test('one wrong value among the settings; the others count', async () => {
    await stage.writeSettings({ ...stage.settings, session: { maxAgeHours: 99, remindBeforeMinutes: 5 } })
    const report = await stage.examine()
    expect(troubles(report)).toEqual(['failed settings'])
    expect(row(report, 'settings').found).toContain('"session.maxAgeHours"')
    expect(row(report, 'way-in').state).toBe('ok')
  })

  test('one wrong site among several; the others are asked', async () => {
    const [site] = stage.settings.sites ?? []
    await stage.writeSettings({ ...stage.settings, sites: [{ url: 'ftp://wrong.example' }, ...(site ? [site] : [])] })
    const report = await stage.examine()
    expect(troubles(report)).toEqual(['failed settings'])
    expect(row(report, 'settings').found).toContain('"sites.0.url": must be an https URL')
    expect(row(report, 'site').state).toBe('ok')
  })

  test('settings that are no JSON: what needs none of them is looked at all the same', async () => {
    await writeFile(stage.paths.settingsFile, '{ "sites": [')
    const report = await stage.examine()
    expect(troubles(report)).toEqual(['warning agent', 'failed settings'])
    expect(row(report, 'settings').found).toMatch(/^is not JSON/)
    expect(row(report, 'endpoint-file').state).toBe('ok')
    expect(row(report, 'browser').state).toBe('ok')
  })

  test('no site yet', async () => {
    await stage.writeSettings({})
    await agent.stop()
    const report = await stage.examine()
    expect(troubles(report)).toEqual(['warning agent', 'warning settings'])
    expect(row(report, 'settings').found).toBe('no site is configured')
  })

  test('a keychain that is wanted where there is no desktop', async () => {
    await stage.writeSettings({ ...stage.settings, session: { rememberSignIn: true } })
    const report = await stage.examine()
    expect(troubles(report)).toEqual(['warning keychain'])
    expect(row(report, 'keychain').found).toMatch(/^no desktop’s bus.*a headless agent remembers nothing$/)
  })

  test.each([
    ['no display', { DISPLAY: undefined }, 'warning', /no display/],
    ['a BROWSER that is not there', { BROWSER: 'netscape:mosaic' }, 'warning', /BROWSER .* not there/],
  ])('%s', async (_name, env, state, found) => {
    const report = await stage.examine({ system: systemWith(env) })
    expect(troubles(report)).toEqual([`${state} browser`])
    expect(row(report, 'browser').found).toMatch(found)
    expect(row(report, 'browser').advice).toContain('--no-browser')
  })

  test('no browser, and then no opener either', async () => {
    await rm(join(stage.bin, 'xdg-mime'))
    const none = await stage.examine()
    await rm(join(stage.bin, 'xdg-open'))
    const nothing = await stage.examine()
    await stage.writeProgram('xdg-open', 'exit 1')
    await stage.writeProgram('xdg-mime', 'echo artist-browser.desktop')
    expect([troubles(none), troubles(nothing)]).toEqual([['failed browser'], ['failed browser']])
    expect(row(none, 'browser').found).toContain('but no browser to open')
    expect(row(nothing, 'browser').found).toBe('there is nothing to open a browser with')
  })

  test('a redirect port that is taken, and by whom; then all of them', async () => {
    const [first = 0, ...others] = stage.world.redirectPorts
    const taken = [await listen(createServer(), first, '127.0.0.1')]
    const one = await stage.examine()
    for (const port of others) taken.push(await listen(createServer(), port, '::1'))
    const all = await stage.examine()
    for (const server of taken) server.close()
    expect(troubles(one)).toEqual(['warning redirect-port'])
    expect(one.findings.find(({ about }) => about === String(first))).toMatchObject({
      found: expect.stringMatching(
        new RegExp(`^is taken on 127\\.0\\.0\\.1 by ".+" \\(process ${process.pid}\\) \\(EADDRINUSE\\)$`),
      ),
      advice: expect.stringContaining('A sign-in takes another port.'),
    })
    expect(troubles(all)).toEqual(['failed redirect-port', 'failed redirect-port', 'failed redirect-port'])
    expect(all.findings.find(({ about }) => about === String(others[0]))?.found).toContain('on ::1')
  })

  test.each([
    [120_000, /120 s ahead of/],
    [-4 * 3600_000, /4 h behind/],
  ])('a clock that is %s ms off', async (skewMs, found) => {
    const report = await stage.examine({ clock: { now: () => systemClock.now() + skewMs } })
    // An agent that started in the future has been up for nothing.
    expect(troubles(report)).toEqual(['warning clock'])
    expect(row(report, 'clock').found).toMatch(found)
    expect(row(report, 'clock').advice).toContain('Set the clock of this machine')
  })

  test('the broker is down', async () => {
    await stage.world.stopBroker()
    const report = await stage.examine()
    await stage.world.restartBroker()
    expect(troubles(report)).toEqual(['failed broker'])
    expect(row(report, 'broker').found).toBe('nobody listens there (ECONNREFUSED)')
  })

  test('the broker takes sign-ins of another Autodesk app', async () => {
    await stage.writeSettings({ ...stage.settings, identity: { ...stage.settings.identity, clientId: 'other-app' } })
    const report = await stage.examine()
    expect(troubles(report)).toEqual(['failed broker'])
    expect(row(report, 'broker').found).toContain('but it takes sign-ins of the Autodesk app "sg-session-tray"')
  })

  test('the broker does not serve the site', async () => {
    const other = await startSite()
    await stage.writeSettings({ ...stage.settings, sites: [{ url: other.url, broker: stage.world.broker.url }] })
    const report = await stage.examine()
    await other.close()
    expect(troubles(report)).toEqual(['warning agent', 'failed broker'])
    expect(row(report, 'broker').found).toBe(`is a broker, but does not serve "${other.url}"`)
  })

  test.each([
    ['503', { kind: 'status', status: 503 }],
    ['a web page', { kind: 'html' }],
    ['nothing whole', { kind: 'half-body' }],
  ] as const)('the identity answers with %s', async (_name, does) => {
    stage.world.identity.faults.inject({ path: '/', does })
    const report = await stage.examine()
    expect(troubles(report)).toEqual(['failed identity'])
    expect(row(report, 'identity').found).toContain('reading the metadata')
  })

  test('the identity says that it is somebody else', async () => {
    const posing: Fetch = async (url, init) => {
      const answer = await nodeFetch(url, init)
      if (!url.includes('openid-configuration')) return answer
      return Response.json({ ...((await answer.json()) as object), issuer: 'https://evil.example' })
    }
    const report = await stage.examine({ wayOut: { fetch: posing, proxyFor: async () => undefined } })
    expect(troubles(report)).toEqual(['failed identity'])
    expect(row(report, 'identity').found).toContain('cannot be trusted')
  })

  test.each([
    ['503', { kind: 'status', status: 503 }, /answered 503/],
    ['a web page', { kind: 'html' }, /a web page \(a proxy or sign-in page in between\?\)/],
    ['a redirect', { kind: 'status', status: 302, headers: { location: 'https://elsewhere.example' } }, /answered 302/],
    ['a reset', { kind: 'reset' }, /site_unreachable|ECONNRESET|UND_ERR_SOCKET/],
    ['nothing, for longer than anybody waits', { kind: 'delay', ms: 60_000 }, /did not answer in time/],
  ] as const)('the site answers with %s', async (_name, does, found) => {
    stage.world.site.faults.inject({ path: '/api3/json', does })
    const report = await stage.examine({}, { limitMs: 3_000 })
    expect(troubles(report)).toEqual(['failed site'])
    expect(row(report, 'site').found).toMatch(found)
    expect(row(report, 'way-in').state).toBe('ok')
  })
})

describe('a site’s certificate', () => {
  const hour = 3600_000
  test.each([
    ['is from an unknown authority', {}, false, 'its certificate is from an authority this machine does not know'],
    ['is for another name', { names: ['studio.example'] }, true, 'its certificate is for another name'],
    ['has expired', { until: Date.now() - hour }, true, 'its certificate has expired'],
    ['is not valid yet', { from: Date.now() + hour }, true, 'its certificate is not valid yet'],
  ])('%s', async (_name, flaw, isKnown, found) => {
    const certificates = await makeCertificates(flaw)
    const site = await startSite({ tls: certificates })
    await stage.writeSettings({ ...stage.settings, sites: [{ url: site.url, signIn: 'web' }] })
    if (isKnown) setDefaultCACertificates([...getCACertificates('default'), certificates.ca])
    const report = await stage.examine()
    await site.close()
    expect(troubles(report)).toEqual(['warning agent', 'failed site'])
    expect(row(report, 'site').found).toContain(found)
  })
})

describe('the ways in', () => {
  test.each([
    [
      { signIn: 'auto' },
      {},
      'ok',
      '"web": no broker is configured, and the site signs programs in through the browser',
    ],
    [{ signIn: 'auto' }, { launcher: false }, 'ok', '"legacy": no broker is configured'],
    [{ signIn: 'auto' }, { launcher: false, mode: 'saml2' }, 'failed', 'its App Session Launcher is off'],
    [{ signIn: 'web' }, { launcher: false }, 'failed', '"web": the configuration says so'],
    [{ signIn: 'legacy' }, { mode: 'saml2' }, 'failed', '"legacy": the configuration says so'],
    [{ signIn: 'legacy' }, { mode: 'default' }, 'ok', '"legacy": the configuration says so'],
  ] as const)('%j on a site with %j: %s', async (configured, switches, state, found) => {
    const site = await startSite({ switches })
    await stage.writeSettings({ sites: [{ url: site.url, ...configured }] })
    const report = await stage.examine()
    await site.close()
    expect(row(report, 'way-in')).toMatchObject({ state, found: expect.stringContaining(found) })
    expect(row(report, 'site').state).toBe('ok')
    expect(row(report, 'identity').state).toBe('skipped')
    expect(row(report, 'redirect-port').state).toBe('skipped')
    expect(report.findings.some(({ check }) => check === 'scripts')).toBe(site.switches.mode === 'oxygen')
  })
})

describe('a check', () => {
  const good: Check = async () => [{ check: 'policy', state: 'ok', found: 'fine' }]

  test('that throws is a row, and says nothing that may be secret', async () => {
    const bad: Check = () => {
      throw new Error('Bearer hunter2')
    }
    const worse: Check = async () => Promise.reject(new AgentError('config_invalid', 'the file "x" is wrong'))
    const report = await stage.examine(
      {},
      {
        checks: [
          ['agent', bad],
          ['broker', worse],
          ['policy', good],
        ],
      },
    )
    expect(report.findings).toEqual([
      { check: 'agent', state: 'failed', found: 'could not be looked at: Error', advice: expect.any(String) },
      {
        check: 'broker',
        state: 'failed',
        found: 'could not be looked at: the file "x" is wrong',
        advice: expect.any(String),
      },
      { check: 'policy', state: 'ok', found: 'fine' },
    ])
    expect(report.ok).toBe(false)
  })

  test('that hangs, deaf to its signal, is a row, and costs no longer than it may', async () => {
    const deaf: Check = () => new Promise(() => undefined)
    const told: string[][] = []
    const startedMs = performance.now()
    const report = await stage.examine(
      {},
      {
        checks: [
          ['agent', deaf],
          ['policy', good],
        ],
        limitMs: 200,
        hardLimitMs: 400,
        onProgress: (names) => void told.push([...names]),
      },
    )
    expect(performance.now() - startedMs).toBeLessThan(10_000)
    expect(report.findings.map(({ state }) => state)).toEqual(['failed', 'ok'])
    expect(told).toEqual([['agent', 'policy'], ['agent'], []])
  })
})

function systemWith(env: Record<string, string | undefined>) {
  return {
    platform: process.platform,
    env: { ...stage.env, ...env },
    home: stage.env['HOME'] ?? '',
    uid: process.getuid?.() ?? -1,
  }
}

function listen(server: Server, port = 0, host = '127.0.0.1'): Promise<Server> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, host, exclusive: true }, () => resolve(server))
  })
}

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address ? address.port : 0
}

describe('the audit', () => {
  test('is where it should be, closed to others, and has a last entry', async () => {
    expect(row(await stage.examine(), 'audit')).toMatchObject({ state: 'skipped', found: 'there is none yet' })
    await mkdir(stage.paths.stateFolder, { mode: 0o700 })
    const file = join(stage.paths.stateFolder, 'audit.jsonl')
    const entry = { at: Date.UTC(2026, 10, 22), method: 'signOut', outcome: 'ok' } as const
    await writeFile(file, `${writeLine(ownEntry(entry))}\n`, { mode: 0o600 })
    expect(row(await stage.examine(), 'audit')).toMatchObject({
      state: 'ok',
      found: expect.stringMatching(/^\d+ bytes, the last entry of 2026-11-22T00:00:00.000Z$/),
    })
    await chmod(file, 0o644)
    const open = row(await stage.examine(), 'audit')
    expect(open).toMatchObject({ state: 'failed', found: 'is open to others (644)' })
    expect(open.advice).toContain('others can read it')
    await rm(file)
    await symlink('/dev/null', file)
    expect(row(await stage.examine(), 'audit')).toMatchObject({ state: 'failed', found: 'is no file' })
    await rm(stage.paths.stateFolder, { recursive: true })
  })

  test('that the agent cannot write is what the agent says', async () => {
    await agent.stop()
    await writeFile(stage.paths.stateFolder, '')
    agent = await stage.startAgent({ stateFolder: stage.paths.stateFolder })
    await expect.poll(async () => row(await stage.examine(), 'audit').state, { timeout: 30_000 }).toBe('failed')
    const found = row(await stage.examine(), 'audit')
    expect(found.found).toContain('cannot be written: its folder is a file')
    expect(found.advice).toContain('Tools are served all the same')
    await rm(stage.paths.stateFolder)
  })
})
