import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { duration, judgeAgent } from '../../../src/doctor/agent.ts'
import { judgeBrowser, type Openers } from '../../../src/doctor/browser.ts'
import { judgeClocks } from '../../../src/doctor/clock.ts'
import { judgeBroker } from '../../../src/doctor/identity.ts'
import { judgeKeychain, type KeychainSight } from '../../../src/doctor/keychain.ts'
import { judgeAuthorities, judgeProxy, type ProxyAnswer } from '../../../src/doctor/network.ts'
import { usualPlaces } from '../../../src/doctor/python-places.ts'
import { judgePythons } from '../../../src/doctor/pythons.ts'
import { obstacleOf } from '../../../src/doctor/reach.ts'
import { findListener, judgePorts } from '../../../src/doctor/redirect-ports.ts'
import { judgeUpdates } from '../../../src/doctor/updates.ts'

describe('the clock', () => {
  const minute = 60_000
  const at = (name: string, aheadMs: number) => ({ address: `https://${name}.example`, aheadMs })
  test('within a minute is right; past it is not', () => {
    expect(judgeClocks([at('site', minute)])).toMatchObject({
      state: 'ok',
      found: 'agrees with 1 of the servers to 60 s',
    })
    expect(judgeClocks([at('site', minute + 1)])).toMatchObject({ state: 'warning' })
    expect(judgeClocks([at('site', -minute - 1)]).found).toBe('this machine is 60 s behind "https://site.example"')
  })

  test('of this machine is the wrong one where most servers say so; else the server’s', () => {
    const ours = judgeClocks([at('site', 90_000), at('broker', 91_000), at('issuer', 0)])
    expect(ours.advice).toContain('Set the clock of this machine')
    const theirs = judgeClocks([at('site', 0), at('broker', -90_000), at('issuer', 100)])
    expect(theirs).toMatchObject({ found: 'this machine is 90 s behind "https://broker.example"' })
    expect(theirs.advice).toContain('tell whoever runs that one')
  })

  test('is not known where nobody says the time', () => {
    expect(judgeClocks([])).toMatchObject({ state: 'skipped' })
  })
})

describe('the agent', () => {
  const status = {
    agent: { version: '1.0.0', pid: 7, startedAt: 1_000 },
    sites: [{ site: 'https://a.example', state: 'signed_out' as const }],
  }
  const expected = { version: '1.0.0', sites: ['https://a.example'], nowMs: 1_090_000 }
  test.each([
    ['the same', expected, 'ok', undefined],
    ['another version', { ...expected, version: '1.1.0' }, 'warning', 'This is 1.1.0.'],
    ['another site configured since', { ...expected, sites: ['https://b.example'] }, 'warning', 'https://a.example'],
    ['a site fewer', { ...expected, sites: [] }, 'warning', 'has changed since'],
  ])('that is %s', (_name, wanted, state, advice) => {
    const found = judgeAgent('/run/endpoint.json', status, wanted)
    expect(found).toMatchObject({ state, found: 'version 1.0.0, process 7, up 1 min; announced in /run/endpoint.json' })
    if (advice) expect(found.advice).toContain(advice)
    else expect(found.advice).toBeUndefined()
  })

  test.each([
    ['is said', 'ok', 2_000, 60, 'busy', undefined],
    ['that a client cannot have missed says where to look', 'warning', 5_000, 60, 'busy', 'send its log'],
    ['that was not its own doing says so', 'warning', 5_000, 60, 'not_running', 'something stopped the process'],
  ] as const)('that stood still %s', (_what, state, lastedMs, agoS, because, advice) => {
    const lastStall = { endedAt: 1_090 - agoS, lastedMs, because, during: ['rest/get', 'session/get'] }
    const found = judgeAgent('/run/endpoint.json', { ...status, agent: { ...status.agent, lastStall } }, expected)
    const said = `; stood still for ${lastedMs / 1000}.0 s during rest/get, session/get, 1 min ago`
    expect(found).toMatchObject({ state, found: expect.stringContaining(said) })
    if (advice) expect(found.advice).toContain(advice)
    else expect(found.advice).toBeUndefined()
  })

  test('whose successor on the disk did not take over says why, whatever else is not as expected', () => {
    const agent = { ...status.agent, handOver: { failedAt: 1_000, because: 'it ended with 3' } }
    const found = judgeAgent('/run/endpoint.json', { ...status, agent }, { ...expected, version: '9.0.0' })
    expect(found).toMatchObject({ state: 'warning', advice: 'Quit sg-session and start it again.' })
    expect(found.found).toContain('is another one and has not taken over: it ended with 3')
  })

  test('that stood still the day before yesterday is not judged by it', () => {
    const lastStall = { endedAt: 1_090, lastedMs: 9_000, because: 'busy' as const, during: [] }
    const later = { ...expected, nowMs: 1_090_000 + 48 * 3600_000 }
    const found = judgeAgent('/run/endpoint.json', { ...status, agent: { ...status.agent, lastStall } }, later)
    expect(found.state).toBe('ok')
    expect(found.found).not.toContain('stood still')
  })

  test.each([
    [0, '0 s'],
    [59.4, '59 s'],
    [3599, '59 min'],
    [7500, '2 h 5 min'],
    [93_600, '1 d 2 h'],
  ])('has been up for %s seconds', (seconds, text) => expect(duration(seconds)).toBe(text))
})

describe('a redirect port', () => {
  const free = { port: 14285 }
  test('that Windows reserves is as good as taken, and the advice says how to see it', () => {
    const reserved = { port: 21842, refused: { host: '127.0.0.1', code: 'EACCES' } }
    const [first, second] = judgePorts([free, reserved])
    expect([first?.state, second?.state]).toEqual(['ok', 'warning'])
    expect(second?.advice).toContain('excludedportrange')
    expect(judgePorts([reserved])[0]?.state).toBe('failed')
  })

  test('is found in Linux’s tables by whoever listens on it, on any address', () => {
    const table = [
      '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
      '   0: 0100007F:37CD 0100007F:9C40 01 00000000:00000000 00:00000000 00000000  1000        0 111 1',
      '   1: 0100007F:37CD 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1001        0 222 1',
      '   2: 00000000000000000000000001000000:5552 00000000000000000000000000000000:0000 0A 0:0 0:0 0  1002 0 333 1',
    ].join('\n')
    expect(findListener(table, 14285)).toEqual({ uid: 1001, inode: '222' })
    expect(findListener(table, 21842)).toEqual({ uid: 1002, inode: '333' })
    expect(findListener(table, 27391)).toBeUndefined()
    expect(findListener('', 14285)).toBeUndefined()
  })
})

describe('the browser', () => {
  const all: Openers = {
    platform: 'linux',
    hasDisplay: true,
    named: undefined,
    opener: '/usr/bin/xdg-open',
    browser: 'firefox.desktop',
  }
  test.each<[string, Partial<Openers>, string]>([
    ['all is there', {}, 'ok'],
    ['nothing opens', { opener: undefined }, 'failed'],
    ['no browser', { browser: undefined }, 'failed'],
    ['no display', { hasDisplay: false }, 'warning'],
    ['no display, but a browser is named', { hasDisplay: false, named: '/usr/bin/lynx' }, 'ok'],
    ['the named one is not there', { named: 'missing' }, 'warning'],
    ['macOS and Windows need no more than their opener', { platform: 'darwin', browser: undefined }, 'ok'],
    ['macOS without it', { platform: 'darwin', opener: undefined }, 'failed'],
  ])('when %s', (_name, change, state) => {
    const found = judgeBrowser({ ...all, ...change })
    expect(found.state).toBe(state)
    if (state !== 'ok') expect(found.advice).toContain('--no-browser')
  })
})

describe('the keychain', () => {
  const sights: KeychainSight[] = ['open', 'locked', 'startable', 'none', 'no-bus', 'unknown', 'of-the-system']
  test('is nothing to worry about where nothing is to be remembered', () => {
    for (const sight of sights)
      expect(judgeKeychain(sight, { rememberSignIn: false, program: { kind: 'tray-app' } }).state).toBe('ok')
  })

  test.each([
    ['open', 'ok'],
    ['startable', 'ok'],
    ['of-the-system', 'ok'],
    ['unknown', 'ok'],
    ['locked', 'warning'],
    ['none', 'warning'],
    ['no-bus', 'warning'],
  ] as const)('that is %s, where sign-ins are to be remembered', (sight, state) => {
    const found = judgeKeychain(sight, { rememberSignIn: true, program: { kind: 'tray-app' } })
    expect(found.state).toBe(state)
    expect(found.advice === undefined).toBe(state === 'ok')
    const headless = judgeKeychain(sight, { rememberSignIn: true, program: { kind: 'command-line' } })
    expect(headless.found).toContain('a headless agent remembers nothing')
  })
})

describe('a proxy', () => {
  test.each<[ProxyAnswer, boolean, string, string]>([
    [200, false, 'ok', 'is used for https://a.example'],
    ['connected', true, 'ok', 'with a user name and password'],
    [407, false, 'failed', 'wants a user name and password'],
    [407, true, 'failed', 'does not take this user name and password'],
    [403, false, 'failed', 'refuses to connect (403)'],
    [502, false, 'failed', 'refuses to connect (502)'],
    ['nobody-listens', false, 'failed', 'nobody listens there'],
    ['no-answer', false, 'failed', 'does not answer as a proxy'],
  ])('that says %s', (answer, hasCredentials, state, found) => {
    expect(judgeProxy(answer, ['https://a.example'], hasCredentials)).toMatchObject({
      state,
      found: expect.stringContaining(found),
    })
  })
})

describe('authorities', () => {
  const leaf = readFileSync('test/vectors/other-certificate.pem', 'utf8')
  test.each([
    ['text', 'failed', 'holds no whole PEM certificate'],
    ['-----BEGIN CERTIFICATE-----\nAAAA', 'failed', 'holds no whole PEM certificate'],
    ['-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----', 'failed', 'certificate 1 of 1 cannot be read'],
    [
      `${leaf}\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----`,
      'failed',
      'certificate 2 of 2 cannot be read',
    ],
  ])('%j', (pem, state, found) => {
    expect(judgeAuthorities(pem, Date.now())).toMatchObject({ state, found })
  })

  test('that are past their time, or will be soon, are named', () => {
    expect(judgeAuthorities(leaf, Date.parse('2200-01-01'))).toMatchObject({
      state: 'warning',
      found: expect.stringContaining('has expired on'),
    })
  })
})

describe('what stands in the way of an address', () => {
  test.each([
    ['CERT_HAS_EXPIRED', 'certificate-expired'],
    ['net::ERR_CERT_DATE_INVALID', 'certificate-expired'],
    ['CERT_NOT_YET_VALID', 'certificate-not-yet-valid'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'certificate-unknown-authority'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'certificate-unknown-authority'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'certificate-unknown-authority'],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'certificate-unknown-authority'],
    ['net::ERR_CERT_AUTHORITY_INVALID', 'certificate-unknown-authority'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'certificate-other-name'],
    ['net::ERR_CERT_COMMON_NAME_INVALID', 'certificate-other-name'],
    ['CERT_REVOKED', 'certificate-refused'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'certificate-refused'],
    ['net::ERR_SSL_PROTOCOL_ERROR', 'certificate-refused'],
    ['ENOTFOUND', 'name-unknown'],
    ['EAI_AGAIN', 'name-unknown'],
    ['net::ERR_NAME_NOT_RESOLVED', 'name-unknown'],
    ['ECONNREFUSED', 'nobody-listens'],
    ['EHOSTUNREACH', 'no-route'],
    ['net::ERR_INTERNET_DISCONNECTED', 'no-route'],
    ['UND_ERR_CONNECT_TIMEOUT', 'no-answer'],
    ['no answer in time', 'no-answer'],
    ['net::ERR_PROXY_CONNECTION_FAILED', 'proxy'],
    ['net::ERR_TUNNEL_CONNECTION_FAILED', 'proxy'],
    ['UND_ERR_ABORTED', 'proxy'],
    ['ECONNRESET', undefined],
    ['no usable answer', undefined],
  ])('%s', (reason, obstacle) => expect(obstacleOf(reason)).toBe(obstacle))
})

describe('a broker', () => {
  const site = { url: 'https://a.example', broker: 'https://b.example' }
  const identity = { issuer: 'https://id.example', clientId: 'app' }
  const metadata = {
    issuer: site.broker,
    token_endpoint: `${site.broker}/token`,
    challenge_endpoint: `${site.broker}/challenge`,
    sites_supported: [site.url],
    grant_types_supported: [],
    dpop_signing_alg_values_supported: [],
    sg_session_identity: { issuer: identity.issuer, client_id: 'app' },
  }
  test.each([
    ['all is right', {}, 'ok'],
    ['it is an older one', { sg_session_identity: undefined }, 'ok'],
    [
      'it spells the issuer with a slash',
      { sg_session_identity: { issuer: `${identity.issuer}/`, client_id: 'app' } },
      'ok',
    ],
    ['it takes another app', { sg_session_identity: { issuer: identity.issuer, client_id: 'x' } }, 'failed'],
    ['it asks another issuer', { sg_session_identity: { issuer: 'https://evil.example', client_id: 'app' } }, 'failed'],
    ['it does not serve the site', { sites_supported: ['https://c.example'] }, 'failed'],
  ])('when %s', (_name, change, state) => {
    expect(judgeBroker({ ...metadata, ...change }, site, identity).state).toBe(state)
  })
})

describe('Pythons', () => {
  test('that are none at all', () => {
    expect(judgePythons([], '1.0.0')).toEqual([{ check: 'python', state: 'skipped', found: 'no Python was found' }])
  })

  test('are looked for where each system puts them', () => {
    const folders = (platform: NodeJS.Platform) =>
      usualPlaces({ platform, env: {}, home: '/home/a' }).map(({ folder }) => folder)
    expect(folders('linux')).toContain('/usr/autodesk')
    expect(folders('darwin')).toContain('/Applications/Autodesk')
    expect(folders('win32')[0]).toMatch(/Program Files.Autodesk$/)
    for (const platform of ['linux', 'darwin'] as const) expect(folders(platform)).toContain('/home/a/.pyenv/versions')
  })
})

describe('updates', () => {
  const feed = { channel: 'latest' } as const
  const day = Date.parse('2026-05-12T09:00:00Z')
  const terms = { issuedAt: day, expiresAt: day + 30 * 24 * 3600_000 }
  const same = { kind: 'none', because: 'same', version: '1.3.0', terms } as const
  const release = { version: '1.4.0', url: new URL('https://updates.example/a'), sha512: '', size: 1 }

  test('are as they should be where the feed is signed and counts', () => {
    expect(judgeUpdates(feed, same, undefined)).toEqual({
      state: 'ok',
      found: 'latest: 1.3.0, signed, until 2026-06-11; the app has not looked yet',
    })
    const looked = { at: day, kind: 'none', detail: '' } as const
    expect(judgeUpdates(feed, { kind: 'update', release, terms }, looked).found).toBe(
      'latest: 1.4.0, signed, until 2026-06-11; last looked at 2026-05-12T09:00:00.000Z',
    )
    expect(judgeUpdates(feed, { ...same, because: 'staged' }, looked).found).toContain(
      '1.3.0, not for this machine yet',
    )
  })

  test('whose feed is not to be believed have failed, and say why', () => {
    const refused = { kind: 'refused', because: 'wrong_signature', detail: 'not the configured key’s' } as const
    expect(judgeUpdates(feed, refused, undefined)).toMatchObject({
      state: 'failed',
      found: 'is refused: wrong_signature: not the configured key’s',
      advice: expect.stringContaining('update.publicKey'),
    })
  })

  test('whose feed cannot be asked are a warning: nothing depends on it', () => {
    const finding = { kind: 'unreachable', detail: 'it answered 502' } as const
    expect(judgeUpdates(feed, finding, undefined)).toMatchObject({
      state: 'warning',
      found: 'could not be asked: it answered 502',
    })
  })

  test('that the app did not take last time are a warning, with the reason', () => {
    const refused = { at: day, kind: 'refused', detail: '1.4.0: its SHA-512 is another' } as const
    expect(judgeUpdates(feed, same, refused)).toMatchObject({
      state: 'warning',
      found: expect.stringContaining('its SHA-512 is another'),
    })
  })
})
