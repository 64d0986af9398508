import { chmod, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { systemClock } from '../../src/system/system-clock.ts'
import { row, troubles } from './doctor-stage.ts'
import { endpointFile, stage, stopAgent, useDoctorStage } from './doctor-stage-of-each-test.ts'
import { otherUserMissing } from './other-user.ts'

useDoctorStage()

describe('one thing broken on this machine is one row', () => {
  test('no agent', async () => {
    await stopAgent()
    const report = await stage.examine()
    expect(troubles(report)).toEqual(['warning agent'])
    expect(row(report, 'agent')).toEqual({ state: 'warning', found: 'none is running', advice: 'Start sg-session.' })
    expect(report.ok).toBe(true)
  })

  test('an agent that was killed and left its file behind', async () => {
    const left = await readFile(endpointFile(), 'utf8')
    await stopAgent()
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
    await stopAgent()
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
    [120_000, /1(19|20|21) s ahead of/],
    [-4 * 3600_000, /4 h behind/],
  ])('a clock that is %s ms off', async (skewMs, found) => {
    const report = await stage.examine({ clock: { now: () => systemClock.now() + skewMs } })
    // An agent that started in the future has been up for nothing.
    expect(troubles(report)).toEqual(['warning clock'])
    expect(row(report, 'clock').found).toMatch(found)
    expect(row(report, 'clock').advice).toContain('Set the clock of this machine')
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
