import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { describe, expect, test } from 'vitest'
import type { Fetch } from '../../src/ports.ts'
import { makeCertificates } from '../sandbox/certificates.ts'
import { startSite } from '../sandbox/site/site.ts'
import { row, troubles } from './doctor-stage.ts'
import { stage, useDoctorStage } from './doctor-stage-of-each-test.ts'
import { nodeFetch } from './world.ts'

useDoctorStage()

describe('one thing broken at a server is one row', () => {
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
