import { createSocket } from 'node:dgram'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AgentClient } from '../../src/client/node/agent-client.ts'
import { type Running, untilSaid } from '../sandbox/processes.ts'
import { type AppStage, demandElectron, openStage } from './app/app-stage.ts'
import { isLocal, type SocketWatch, watchSockets } from './open-sockets.ts'
import { type Scene, setScene } from './scene.ts'

/** Nobody beyond this machine can reach the agent, whatever it is doing: looked at all the time, not only between two steps. */
describe('what an agent of a person opens to others', () => {
  let scene: Scene
  beforeAll(async () => {
    scene = await setScene()
    await scene.studio.startBroker()
  })
  afterAll(() => scene?.close())

  async function start(): Promise<{ agent: Running; watch: SocketWatch; client: AgentClient }> {
    const agent = scene.studio.startSgSession('agent', '--allow-insecure-loopback')
    const watch = watchSockets(agent.pid)
    await untilSaid(agent, 'is ready', 20_000)
    const file = join(scene.studio.folder, 'run', 'sg-session', 'endpoint.json')
    const client = new AgentClient({ endpointFiles: [file], caller: { name: 'test', version: '1' } })
    return { agent, watch, client }
  }

  async function changeWay(signIn: string): Promise<void> {
    const file = join(scene.studio.folder, 'home', '.config', 'sg-session', 'settings.json')
    const settings = JSON.parse(await readFile(file, 'utf8')) as { sites: Record<string, unknown>[] }
    for (const site of settings.sites) site['signIn'] = signIn
    await writeFile(file, JSON.stringify(settings))
  }

  const ports = (sockets: readonly string[]): number[] => sockets.map((socket) => Number(/\d+$/.exec(socket)?.[0]))

  test('is on loopback from its start to its end: signed out, signing in through the broker, signed in, renewing, closing', async () => {
    const { agent, watch, client } = await start()
    expect(watch.now()).toHaveLength(1)
    const [own = ''] = watch.now()
    expect(own).toMatch(/^tcp 127\.0\.0\.1:\d+$/)
    const signingIn = client.signIn({})
    await expect.poll(() => watch.now().length, { timeout: 20_000 }).toBe(3)
    const pending = watch.now().filter((socket) => socket !== own)
    expect(pending.map((socket) => socket.replace(/\d+$/, ''))).toEqual(['tcp 127.0.0.1:', 'tcp ::1:'])
    expect(new Set(ports(pending)).size).toBe(1)
    await scene.answerBrowser()
    await signingIn
    await expect.poll(watch.now, { timeout: 20_000 }).toEqual([own])
    const { generation } = await client.getSession()
    scene.site.expireSessions()
    expect(await client.reportRejected({ generation })).toMatchObject({ state: 'signed_in' })
    expect((await client.getSession()).generation).toBeGreaterThan(generation)
    await client.signOut()
    expect(watch.now()).toEqual([own])
    client.close()
    await agent.stop()
    watch.stop()
    // Never anything else, however briefly.
    expect(watch.seen()).toEqual([own, ...pending].sort())
  })

  test.each(['web', 'legacy'])('is its one socket while somebody signs in the way "%s"', async (way) => {
    await changeWay(way)
    const { agent, watch, client } = await start()
    const asked = new Promise<void>((done) => {
      const over = (): void => done()
      client.signIn({}, { onBrowser: over, onCredentialsWanted: over }).then(over, over)
    })
    await asked
    await client.cancelSignIn().catch(() => undefined)
    client.close()
    await agent.stop()
    watch.stop()
    expect(watch.seen()).toHaveLength(1)
    expect(watch.seen().every(isLocal)).toBe(true)
  })
})

test('what the tray app opens to others is on loopback too: signed out, signing in, signed in, locked', async (context) => {
  let stage: AppStage | undefined
  try {
    stage = await openStage(demandElectron(context), {
      prepare: async ({ studio }) => {
        const file = join(studio.folder, 'home', '.config', 'sg-session', 'settings.json')
        const settings = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>
        await writeFile(file, JSON.stringify({ ...settings, session: { endOnScreenLock: true } }))
      },
    })
    const { scene, desktop } = stage
    const watch = watchSockets(stage.app.process().pid ?? 0)
    await scene.studio.startBroker()
    const tray = await stage.tray()
    const before = watch.now().length
    const signingIn = scene.studio.startSgSession('sign-in')
    await expect.poll(() => watch.now().length, { timeout: 20_000 }).toBe(before + 2)
    await scene.answerBrowser()
    await signingIn.ended
    await tray.untilMenu((menu) => menu.some(({ label }) => label === 'Sign out'), 'that it is signed in')
    await desktop.screenSaver.untilAsked()
    await desktop.screenSaver.lock()
    await tray.untilShown(({ tooltip }) => tooltip.includes('Not signed in'), 'that it is signed out', 15_000)
    await stage.quit()
    watch.stop()
    expect(watch.seen().length).toBeGreaterThanOrEqual(3)
    expect(watch.seen().filter((socket) => !isLocal(socket))).toEqual([])
  } finally {
    await stage?.close()
  }
})

test('the watch would see a socket on every address', async () => {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '0.0.0.0', done))
  const six = createServer()
  await new Promise<void>((done) => six.listen(0, '::', done))
  const datagrams = createSocket('udp4')
  await new Promise<void>((done) => datagrams.bind(0, done))
  const watch = watchSockets(process.pid)
  expect(watch.now().filter((socket) => !isLocal(socket)).length).toBeGreaterThanOrEqual(3)
  watch.stop()
  for (const one of [server, six, datagrams]) one.close()
})
