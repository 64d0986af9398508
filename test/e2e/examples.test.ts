import { spawnSync } from 'node:child_process'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as page from '../../docs/examples/web-app/page/proof.js'
import { freePorts } from '../sandbox/free-ports.ts'
import { startProcess, untilSaid } from '../sandbox/processes.ts'
import { findSecret } from './find-secret.ts'
import { findPython } from './pythons.ts'
import { type Scene, setScene } from './scene.ts'

const clientId = 'review-notes'
const blenderMissing =
  spawnSync('blender', ['--version']).status === 0 ? undefined : 'there is no Blender here: apt-get install blender'

let scene: Scene
let origin: string
beforeAll(async () => {
  const [port = 0] = await freePorts(1)
  origin = `http://localhost:${port}`
  scene = await setScene({ webApp: { origin, clientId } })
  await scene.studio.startBroker()
  await scene.studio.startAgent()
  await scene.signIn()
})
afterAll(() => scene.close())

describe('the examples', () => {
  // The oldest and the newest that sg_session is for.
  for (const version of ['3.7', '3.13']) {
    test(`work as their programs would use them, under Python ${version}`, async (context) => {
      const interpreter = findPython(version)
      if (!interpreter) return context.skip(`there is no Python ${version} on this machine`)
      const folder = resolve('test/python/examples')
      const { status, stderr } = await scene.studio.python(
        interpreter,
        ...['-W', 'error', '-m', 'unittest', 'discover', '-v', '-s', folder, '-t', folder],
      )
      expect(status, stderr).toBe(0)
      expect(stderr).toMatch(/^Ran \d\d tests/m)
    })
  }

  test('Blender’s add-on is installed in a real Blender, and shows the artist’s tasks there', async (context) => {
    if (blenderMissing) return context.skip(blenderMissing)
    const { status, stdout, stderr } = await scene.studio.python(
      'env',
      `PYTHONPATH=${['src/client/python', 'docs/examples', 'test/python/stand_in'].map((one) => resolve(one)).join(':')}`,
      `XDG_CONFIG_HOME=${join(scene.studio.folder, 'blender')}`,
      ...['blender', '--background', '--factory-startup', '--python-use-system-env', '--python-exit-code', '1'],
      ...['--python', resolve('test/python/examples/in_blender.py')],
    )
    expect(status, stdout + stderr).toBe(0)
    expect(stdout).toContain('Signed in as Plain Artist')
    expect(stdout).toContain('Amber Coast / sq10_sh010 / Animation')
    expect(stdout).toContain('12 open tasks')
  })
})

describe('the web app as a service', () => {
  const settings = () => ({
    origin,
    broker: scene.studio.brokerUrl,
    site: scene.site.url,
    identity: { issuer: scene.identity.issuer, clientId },
  })
  const start = async (content: unknown) => {
    const file = join(scene.studio.folder, 'web-app.json')
    await writeFile(file, JSON.stringify(content))
    const program = [resolve('docs/examples/web-app/main.ts'), file]
    return startProcess(process.execPath, program, { PATH: process.env['PATH'] ?? '' })
  }

  test('signs a person in through the broker, and writes a note as they', async () => {
    const service = await start(settings())
    await untilSaid(service, `${origin} is served`, 20_000)
    const send = async (path: string, headers: Record<string, string> = {}, content?: unknown) => {
      const body = content === undefined ? {} : { method: 'POST', body: JSON.stringify(content) }
      return fetch(`${origin}${path}`, { ...body, headers: { origin, 'content-type': 'application/json', ...headers } })
    }
    const keys = await page.makeKeyPair()
    const asked = await fetch(`${scene.studio.brokerUrl}/challenge`, { method: 'POST' })
    const { challenge } = (await asked.json()) as { challenge: string }
    const nonce = await page.nonceFor(challenge, keys.publicKey)
    const { idToken: subjectToken, accessToken } = await scene.identity.signIn('artist', { nonce, clientId })
    const proof = await page.proveExchange(keys, {
      tokenEndpoint: `${scene.studio.brokerUrl}/token`,
      subjectToken,
      challenge,
    })
    const signedIn = await send('/api/session', {}, { subjectToken, accessToken, proof })
    expect([signedIn.status, await signedIn.json()]).toMatchObject([200, { person: { name: 'Plain Artist' } }])
    const cookie = signedIn.headers.get('set-cookie')?.split(';')[0] ?? ''
    const { projects } = (await (await send('/api/projects', { cookie })).json()) as { projects: { id: number }[] }
    const note = { projectId: projects[0]?.id, subject: 'From the web', content: 'Looks good.' }
    expect(await (await send('/api/notes', { cookie }, note)).json()).toMatchObject({ createdBy: 'Plain Artist' })
    expect(await service.stop()).toBe(0)
    expect(service.stdout() + service.stderr()).toBe(`${origin} is served\n`)
    expect(await findSecret(accessToken, scene.studio.folder)).toEqual([])
  })

  test('is copied with the packages it needs, as this repository has them', async () => {
    const dependenciesOf = async (file: string): Promise<Record<string, string>> =>
      JSON.parse(await readFile(file, 'utf8')).dependencies
    expect(await dependenciesOf('package.json')).toMatchObject(
      await dependenciesOf('docs/examples/web-app/package.json'),
    )
    const imported = await Promise.all(
      (await readdir('docs/examples/web-app'))
        .filter((name) => name.endsWith('.ts'))
        .map((name) => readFile(join('docs/examples/web-app', name), 'utf8')),
    )
    const packages = imported.flatMap((text) => [...text.matchAll(/ from '([a-z@][^':]*)'/g)].map(([, name]) => name))
    const named = Object.keys(await dependenciesOf('docs/examples/web-app/package.json'))
    expect([...new Set(packages)].sort()).toEqual(named.sort())
  })

  test('does not start with settings it does not know, and names them', async () => {
    const service = await start({ ...settings(), clientSecret: 'no' })
    expect(await service.ended).toBe(1)
    expect(service.stderr()).toContain('clientSecret')
  })
})
