import { readFile, rm, writeFile } from 'node:fs/promises'
import { createServer as createWebServer } from 'node:http'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { firstProgram } from '../../src/doctor/browser.ts'
import type { Finding } from '../../src/doctor/finding.ts'
import { version } from '../../src/version.ts'
import { type Scene, setScene } from '../e2e/scene.ts'
import { commandLineProgram, compileCache, type Finished, finished, startProcess } from '../sandbox/processes.ts'

const canary = 'hunter2-canary'

let scene: Scene
let settings: string
const closing: (() => unknown)[] = []
beforeAll(async () => {
  scene = await setScene()
  settings = await readFile(settingsFile(), 'utf8')
})
afterAll(() => scene.close())
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
  await writeFile(settingsFile(), settings)
})

const settingsFile = (): string => join(scene.studio.folder, 'home', '.config', 'sg-session', 'settings.json')

/** Runs it as the artist does, but without the Pythons of this machine, which have their own tests. */
function doctor(args: readonly string[] = [], env: Record<string, string> = {}): Promise<Finished> {
  const path = { PATH: join(scene.studio.folder, 'bin'), PYENV_ROOT: scene.studio.folder }
  const all = { ...scene.studio.env, ...path, ...compileCache, ...env }
  return finished(
    startProcess(process.execPath, [commandLineProgram, 'doctor', '--allow-insecure-loopback', ...args], all),
  )
}

async function findings(
  env: Record<string, string> = {},
): Promise<{ status: number; rows: Finding[]; troubles: string[] }> {
  const { status, stdout } = await doctor(['--json'], env)
  const { findings: rows } = JSON.parse(stdout) as { findings: Finding[] }
  const wrong = rows.filter(({ state }) => state === 'failed' || state === 'warning')
  return { status, rows, troubles: wrong.map(({ state, check }) => `${state} ${check}`) }
}

async function changeSettings(change: object): Promise<void> {
  await writeFile(settingsFile(), JSON.stringify({ ...(JSON.parse(settings) as object), ...change }))
}

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => server.close())
  const address = server.address()
  return typeof address === 'object' && address ? address.port : 0
}

async function startEverything(): Promise<void> {
  const broker = await scene.studio.startBroker()
  closing.push(() => broker.stop())
  const agent = await scene.studio.startAgent()
  closing.push(() => agent.stop())
}

const atStudio = { sites: [{ url: 'https://studio.example', signIn: 'web' }] }

describe('sg-session doctor', () => {
  test('finds nothing wrong where nothing is: a table for people, JSON for programs, 0', async () => {
    await startEverything()
    const { status, stdout, stderr } = await doctor()
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^ok {7}agent {20}version .* process \d+, up \d+ s;/m)
    expect(stdout).toMatch(/\n\n\d+ ok, 0 warnings, 0 failed, \d+ skipped\n$/)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
    expect(stdout).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f]/)
    const json = await doctor(['--json'])
    expect(json.stdout.split('\n')).toHaveLength(2)
    const report = JSON.parse(json.stdout) as { ok: boolean; version: string; at: string; findings: Finding[] }
    expect([report.ok, report.version, report.at]).toEqual([
      true,
      version,
      expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    ])
    expect(report.findings.map(({ check }) => check)).toEqual(
      expect.arrayContaining(['agent', 'site', 'broker', 'identity']),
    )
  })

  test('works with no agent, no network worth the name and settings that are broken, and ends with 3', async () => {
    await writeFile(settingsFile(), '{')
    const { status, stdout, stderr } = await doctor()
    expect([status, stderr]).toEqual([3, ''])
    expect(stdout).toMatch(/^failed {3}settings +\S+settings\.json:\s+is not JSON: see line 1$/m)
    expect(stdout).toMatch(/^ +→ sg-session does not start with it\./m)
    expect(stdout).toContain('none is running')
  })

  test('a proxy that is not there fails by itself: what lies behind it was not asked', async () => {
    const gone = createServer()
    const port = await listening(gone)
    gone.close()
    await changeSettings({ ...atStudio, network: { proxy: `http://artist:${canary}@127.0.0.1:${port}` } })
    const { status, rows, troubles } = await findings()
    expect([status, troubles]).toEqual([3, ['warning agent', 'failed proxy']])
    expect(rows.find(({ check }) => check === 'proxy')).toMatchObject({
      about: `http://127.0.0.1:${port}`,
      found: 'is used for https://studio.example, with a user name and password; nobody listens there',
    })
    expect(rows.find(({ check }) => check === 'site')).toMatchObject({ state: 'skipped' })
    expect(rows.find(({ check }) => check === 'way-in')).toMatchObject({ state: 'ok' })
  })

  test.each([
    [407, 'Proxy Authentication Required', /does not take this user name and password \(407\)/],
    [403, 'Forbidden', /it refuses to connect \(403\)/],
  ])(
    'a proxy that answers %i is told what it said; the password goes to the proxy and into no output',
    async (code, words, found) => {
      const asked: (string | undefined)[] = []
      const proxy = createWebServer()
      proxy.on('connect', (request, socket) => {
        asked.push(request.headers['proxy-authorization'])
        socket.end(`HTTP/1.1 ${code} ${words}\r\n\r\n`)
      })
      const port = await listening(proxy)
      await changeSettings(atStudio)
      const { status, rows, troubles } = await findings({ https_proxy: `http://artist:${canary}@127.0.0.1:${port}` })
      expect([status, troubles]).toEqual([3, ['warning agent', 'failed proxy']])
      expect(rows.find(({ check }) => check === 'proxy')?.found).toMatch(found)
      expect(asked).toContain(`Basic ${Buffer.from(`artist:${canary}`).toString('base64')}`)
      expect(JSON.stringify(rows)).not.toContain(canary)
    },
  )

  test.each([
    ['/missing/ca.pem', 'cannot be read'],
    ['package.json', 'holds no PEM certificate'],
  ])('a file of authorities that is none fails by itself: %s', async (file, found) => {
    await startEverything()
    await changeSettings({ network: { extraCa: file } })
    const { rows, troubles } = await findings()
    expect(troubles).toEqual(['failed certificate-authorities'])
    expect(rows.find(({ check }) => check === 'certificate-authorities')?.found).toContain(found)
  })

  test.each(['environment', 'configuration'])(
    'a password of a proxy with a bare percent sign in the %s is a row that says how to write it',
    async (where) => {
      const proxy = `http://artist:${canary}%@127.0.0.1:9`
      await changeSettings(where === 'environment' ? atStudio : { ...atStudio, network: { proxy } })
      const { rows } = await findings(where === 'environment' ? { https_proxy: proxy } : {})
      const found = rows.find(({ check }) => check === 'proxy')
      expect(found).toMatchObject({ state: 'failed', advice: expect.stringContaining('"%25"') })
      expect(found?.found).toContain(where)
      expect(JSON.stringify(rows)).not.toContain(canary)
    },
  )

  test('an environment whose proxy is no address is a row, not an end', async () => {
    await changeSettings(atStudio)
    const { troubles } = await findings({ https_proxy: `http://artist:${canary}@` })
    expect(troubles).toContain('failed proxy')
  })

  test('prints every value with its source; of a proxy neither user name nor password', async () => {
    await changeSettings({
      network: { proxy: `http://artist:${canary}@proxy.example:3128` },
      session: { maxAgeHours: 8 },
    })
    const { status, stdout } = await doctor(['--policy'])
    expect(status).toBe(0)
    expect(stdout).toMatch(/^session\.maxAgeHours +settings {2}file +8$/m)
    expect(stdout).toMatch(/^identity\.scopes +built-in {2}file +openid, user-profile:read$/m)
    expect(stdout).toMatch(/^sites\[0\]\.broker +settings +first-start +http:\/\/127\.0\.0\.1:\d+$/m)
    expect(stdout).toMatch(/^network\.proxy +settings +file +http:\/\/proxy\.example:3128$/m)
    expect(stdout).toContain(`\nsettings: ${settingsFile()}\n`)
    const json = await doctor(['--policy', '--json'])
    const { values } = JSON.parse(json.stdout) as {
      values: { key: string; value: string; source: string; artist: string; file?: string }[]
    }
    const own = { source: 'settings', file: settingsFile(), artist: 'file' }
    expect(values).toContainEqual({ key: 'session.maxAgeHours', value: '8', ...own })
    expect(stdout + json.stdout).not.toMatch(new RegExp(`${canary}|artist:`))
  })

  test('prints the values that count beside what is wrong, and ends with 3', async () => {
    await changeSettings({ session: { maxAgeHours: 99, remindBeforeMinutes: 5 } })
    const { status, stdout } = await doctor(['--policy'])
    expect(status).toBe(3)
    expect(stdout).toMatch(/^session\.remindBeforeMinutes +settings +file +5$/m)
    expect(stdout).toMatch(/^session\.maxAgeHours +built-in +file +12$/m)
    expect(stdout).toMatch(/^failed +settings/m)
  })

  test('says nothing that is secret: not of the agent, the session, the environment or the configuration', async () => {
    await startEverything()
    await scene.signIn()
    const { sessionToken } = JSON.parse((await scene.studio.sgSession('get', '--json')).stdout) as Record<
      string,
      string
    >
    const endpoint = join(scene.studio.folder, 'run', 'sg-session', 'endpoint.json')
    const { key } = JSON.parse(await readFile(endpoint, 'utf8')) as Record<string, string>
    const env = {
      SG_SCRIPT_KEY: canary,
      SHOTGRID_API_KEY: canary,
      HTTPS_PROXY: `http://artist:${canary}@proxy.example`,
      BROWSER: `https://artist:${canary}@x`,
    }
    const said = await Promise.all([doctor([], env), doctor(['--json'], env), doctor(['--policy'], env)])
    const text = said.map(({ stdout, stderr }) => stdout + stderr).join('')
    expect(text).toContain('ok       agent')
    for (const secret of [sessionToken, key, canary, 'script-key-with-sudo']) expect(text).not.toContain(secret)
  })

  test('ends in fifteen seconds when everything hangs', async () => {
    const silent = await listening(createServer())
    const url = `http://127.0.0.1:${silent}`
    await changeSettings({ sites: [{ url, broker: url }], identity: { issuer: url, clientId: 'x' } })
    const python = join(scene.studio.folder, 'bin', 'python3')
    await writeFile(python, '#!/bin/sh\nexec /bin/sleep 60\n', { mode: 0o755 })
    closing.push(() => rm(python))
    const startedMs = performance.now()
    const { status, stdout } = await doctor(['--json'])
    expect(performance.now() - startedMs).toBeLessThan(15_000)
    const { findings: rows } = JSON.parse(stdout) as { findings: Finding[] }
    expect(status).toBe(3)
    for (const check of ['site', 'broker', 'identity'])
      expect(rows.find((one) => one.check === check)).toMatchObject({
        state: 'failed',
        found: expect.stringContaining('did not answer in time'),
      })
    expect(rows.find(({ check }) => check === 'endpoint-file')).toMatchObject({ state: 'skipped' })
  })
})

test('through TLS, with the studio’s own authority and without', async () => {
  const secure = await setScene({ tls: true })
  const file = join(secure.studio.folder, 'home', '.config', 'sg-session', 'settings.json')
  const run = async (): Promise<Finding[]> => {
    const env = { ...secure.studio.env, PATH: join(secure.studio.folder, 'bin'), PYENV_ROOT: secure.studio.folder }
    const { stdout } = await finished(startProcess(process.execPath, [commandLineProgram, 'doctor', '--json'], env))
    return (JSON.parse(stdout) as { findings: Finding[] }).findings.filter(({ state }) => state === 'failed')
  }
  const broker = await secure.studio.startBroker()
  expect(await run()).toEqual([])
  const content = JSON.parse(await readFile(file, 'utf8')) as object
  await writeFile(file, JSON.stringify({ ...content, network: {} }))
  const failed = await run()
  expect(failed.map(({ check }) => check)).toEqual(['identity', 'broker', 'site'])
  for (const { found, advice } of failed) {
    expect(found).toMatch(/^its certificate is from an authority this machine does not know \([A-Z_]+\)$/)
    expect(advice).toContain('docs/configuration.md')
  }
  await broker.stop()
  await secure.close()
})

const script = await firstProgram(['script'], { PATH: process.env['PATH'] })

describe.runIf(script)('on a terminal', () => {
  const onTerminal = async (env: Record<string, string>): Promise<string> => {
    const command = `'${process.execPath}' '${commandLineProgram}' doctor --allow-insecure-loopback`
    const path = { PATH: join(scene.studio.folder, 'bin'), PYENV_ROOT: scene.studio.folder }
    const all = { ...scene.studio.env, ...path, ...compileCache, TERM: 'xterm', ...env }
    return (await finished(startProcess(script ?? '', ['-qec', command, '/dev/null'], all))).stdout
  }

  test('states have colours, unless somebody wants none', async () => {
    const [coloured, plain, dumb] = await Promise.all(
      [{}, { NO_COLOR: '1' }, { TERM: 'dumb' }].map((environment) => onTerminal(environment)),
    )
    expect(coloured).toContain('\x1b[32mok     \x1b[0m')
    for (const said of [plain, dumb]) {
      expect(said).toContain('ok')
      expect(said).not.toContain('\x1b[32m')
    }
  })

  test('what takes longer than a second says what it is at, and cleans up behind itself', async () => {
    const silent = await listening(createServer())
    await changeSettings({ sites: [{ url: `http://127.0.0.1:${silent}`, signIn: 'web' }] })
    const said = await onTerminal({})
    const lines = said.split('\r\x1b[K')
    expect(lines.length).toBeGreaterThan(2)
    expect(lines.slice(1, -1).filter((line) => !/^looking at .*site/.test(line))).toEqual([])
    expect(lines.at(-1)).toMatch(/^\S*ok .*versions/)
  })
})
