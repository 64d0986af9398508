import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, expect, type TestContext, test } from 'vitest'
import { judgeArguments, judgeSecondLaunch } from '../../../app/command-line.ts'
import { type AppStage, demandElectron, openStage } from './app-stage.ts'
import { addressesAsked, watchOpeners, windowNamed } from './every-window.ts'

let opening: Promise<AppStage> | undefined
afterAll(async () => {
  await (await opening?.catch(() => undefined))?.close()
})

function onStage(context: TestContext): Promise<AppStage> {
  opening ??= openStage(demandElectron(context), {
    async prepare({ studio }) {
      await Promise.all([watchOpeners(studio), studio.startBroker()])
    },
  })
  return opening
}

/** What the running app shows, listens on, and has had opened. */
async function look({
  app,
  scene,
}: AppStage): Promise<{ windows: string[]; pid: number | undefined; opened: readonly string[] }> {
  const windows = await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().map((one) => one.getTitle()))
  return { windows, pid: app.process().pid, opened: await addressesAsked(scene.studio) }
}

async function closeWindows({ app }: AppStage): Promise<void> {
  await app.evaluate(({ BrowserWindow }) => {
    for (const one of BrowserWindow.getAllWindows()) one.destroy()
  })
}

const onlyStatus = { windows: ['sg-session'], opened: [] }

test('a plain second launch ends by itself with 0, and the running app shows its status window', async (context) => {
  const stage = await onStage(context)
  await stage.tray()
  expect(await look(stage)).toMatchObject({ windows: [], opened: [] })
  expect(await stage.startAgain()).toBe(0)
  await windowNamed(stage, 'status')
  expect(await look(stage)).toMatchObject(onlyStatus)
})

const strange: Readonly<Record<string, readonly string[]>> = {
  addresses: ['https://attacker.example/', 'javascript:alert(1)', 'file:///etc/passwd', 'app://sg-session/page.html'],
  'look-alikes': [
    '--sign-in=1',
    '--sign-in ',
    '--Sign-In',
    '-sign-in',
    'sign-in',
    '--sign-in=https://attacker.example',
  ],
  'switches of Chromium': [
    '--remote-debugging-port=0',
    '--renderer-cmd-prefix=/bin/false',
    '--gpu-launcher=/bin/false',
  ],
  'switches of Node': ['--inspect=0', '--require=/nonexistent.cjs', '--js-flags=--expose-gc'],
  'names and files': ['../../etc/passwd', '%00', '\u202e', '{"wants":"sign-in"}', '__proto__', '--'],
  '20 KB in one': ['x'.repeat(20 * 1024)],
  '500 of them': Array(500).fill('--x=https://attacker.example/'),
}

/** Longer than what Chromium reads of a message at once. */
const long: Readonly<Record<string, readonly string[]>> = {
  '100 KB in one': ['x'.repeat(100 * 1024)],
  '2,000 of them': Array(2_000).fill('--x=https://attacker.example/'),
}

test.for(Object.entries(strange))(
  'strange arguments of a second launch are nothing but a second launch: %s',
  async ([, args], context) => {
    await launchStrangely(await onStage(context), args)
  },
)

test.for(Object.entries(long))('so are long ones: %s', async ([, args], context) => {
  const stage = await onStage(context)
  const version = await stage.app.evaluate(() => process.versions['electron'] ?? '')
  // Such a message ends the running app there, whatever that is: nothing of ours has been asked yet.
  if (Number.parseInt(version, 10) < 41) context.skip(`Electron ${version} has CVE-2026-34776, fixed in 41.0.0`)
  await launchStrangely(stage, args)
})

async function launchStrangely(stage: AppStage, args: readonly string[]): Promise<void> {
  await closeWindows(stage)
  const before = await look(stage)
  expect(await stage.startAgain(...args)).toBe(0)
  await windowNamed(stage, 'status')
  expect(await look(stage)).toEqual({ ...before, ...onlyStatus })
  expect((await stage.scene.studio.sgSession('status')).status).toBe(0)
}

const strangeData: readonly unknown[] = [
  ...[undefined, null, 0, 1, '', 'sign-in', true, [], ['sign-in'], {}, { wants: 'quit' }, { wants: 'Sign-In' }],
  ...[{ wants: ['sign-in'] }, { wants: { toString: 'sign-in' } }, { Wants: 'sign-in' }, { wants: null }],
  ...[
    { wants: 'sign-in\0' },
    { wants: 'x'.repeat(5_000_000) },
    { command: { does: 'signOut' } },
    { site: 'https://attacker.example' },
  ],
]

test('what another program says as a second instance is taken for a plain second launch', async (context) => {
  const stage = await onStage(context)
  expect(strangeData.map(judgeSecondLaunch)).toEqual(strangeData.map(() => 'status'))
  const prototypes = [JSON.parse('{"__proto__":{"wants":"sign-in"}}'), Object.create({ wants: 'quit' })]
  expect(prototypes.map(judgeSecondLaunch)).not.toContain('quit')
  await closeWindows(stage)
  await stage.app.evaluate(({ app }, all) => {
    const argv = ['sg-session', '--sign-in', 'https://attacker.example/', '--quit', 'x'.repeat(100_000)]
    for (const data of all) app.emit('second-instance', { preventDefault() {} }, argv, '/nonexistent', data)
    const trap = {
      get wants(): string {
        throw new Error('read')
      },
    }
    for (const data of [() => 'sign-in', Symbol('x'), 10n, Object.create(null), trap]) {
      try {
        app.emit('second-instance', { preventDefault() {} }, argv, undefined, data)
      } catch {
        // Only data that cannot come from another process can throw.
      }
    }
  }, strangeData)
  await windowNamed(stage, 'status')
  await sleep(300)
  expect(await look(stage)).toMatchObject(onlyStatus)
  const { stdout } = await stage.scene.studio.sgSession('status', '--json')
  expect(JSON.parse(stdout)).toMatchObject({ sites: [{ state: 'signed_out' }] })
})

test('200 second launches at once are one window', async (context) => {
  const stage = await onStage(context)
  await closeWindows(stage)
  await stage.app.evaluate(({ app }) => {
    for (let count = 0; count < 200; count++) app.emit('second-instance', {}, [], '/', { wants: 'status' })
  })
  await windowNamed(stage, 'status')
  expect(await look(stage)).toMatchObject(onlyStatus)
})

test('--sign-in starts a sign-in in the app that runs, at the address of the issuer', async (context) => {
  const stage = await onStage(context)
  expect(judgeArguments(['app', '--sign-in']).wants).toBe('sign-in')
  expect(await stage.startAgain('--sign-in', 'https://attacker.example/')).toBe(0)
  await windowNamed(stage, 'sign-in')
  expect(await stage.scene.studio.openedAddress()).toMatch(`${stage.scene.identity.issuer}/`)
  expect((await look(stage)).opened).toHaveLength(1)
})
