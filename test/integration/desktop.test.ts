import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inflateSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { BusConnection } from '../sandbox/desktop/connection.ts'
import { startDesktop } from '../sandbox/desktop/desktop.ts'
import { type Keyring, startKeyring } from '../sandbox/desktop/keyring.ts'
import { pss } from '../sandbox/desktop/memory.ts'
import { type MessageBusDaemon, startSessionBus } from '../sandbox/desktop/message-bus.ts'
import { startNotificationServer } from '../sandbox/desktop/notification-server.ts'
import { startPanel } from '../sandbox/desktop/panel.ts'
import { startSystemBus } from '../sandbox/desktop/system-bus.ts'
import { finished, startProcess } from '../sandbox/processes.ts'
import { FakeTrayItem, registerAs } from './fake-tray-item.ts'

let folder: string
let bus: MessageBusDaemon
let client: BusConnection
const closing: (() => unknown)[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sg-session-desktop-test-'))
  bus = await startSessionBus({ folder })
  client = await BusConnection.open(bus.address)
})
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
  client.close()
  await bus.stop()
  await rm(folder, { recursive: true })
})

test('a bus of its own has nobody on it but who was asked there', async () => {
  const [names] = await client.call('org.freedesktop.DBus', '/', 'org.freedesktop.DBus', 'ListNames')
  expect((names as string[]).filter((name) => !name.startsWith(':'))).toEqual(['org.freedesktop.DBus'])
  const [startable] = await client.call('org.freedesktop.DBus', '/', 'org.freedesktop.DBus', 'ListActivatableNames')
  expect(startable).toEqual(['org.freedesktop.DBus'])
})

describe('panel', () => {
  const menu = [
    { label: 'Sign in…' },
    { label: 'Copy _token', enabled: false },
    { label: 'Secret', visible: false },
    { label: 'Sites', children: [{ label: 'my__site' }] },
  ]
  const show = async (name = 'org.example.Tray') => {
    const panel = await startPanel(bus.address)
    closing.push(() => panel.stop())
    const fake = await FakeTrayItem.register(bus.address, name, menu)
    closing.push(() => fake.quit())
    return { panel, fake, item: await panel.item() }
  }

  test.each(['org.example.Tray', '/org/example/Tray'])('shows an item that registers as %s', async (name) => {
    const { panel, item } = await show(name)
    expect(item.shown()).toMatchObject({ id: 'fake', status: 'Active', tooltip: 'before', menuPath: '/Menu' })
    const watcher = 'org.kde.StatusNotifierWatcher'
    const [all] = await client.call(
      watcher,
      '/StatusNotifierWatcher',
      'org.freedesktop.DBus.Properties',
      'GetAll',
      's',
      [watcher],
    )
    expect(all).toEqual({
      IsStatusNotifierHostRegistered: true,
      ProtocolVersion: 0,
      RegisteredStatusNotifierItems: [`${item.owner}${item.path}`],
    })
    expect(panel.items()).toEqual([item])
  })

  test('the icon is a PNG of the pixels that were sent', async () => {
    const { item } = await show()
    const png = item.iconPng()
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([2, 1])
    const data = png.subarray(png.indexOf('IDAT') + 4, png.indexOf('IEND') - 8)
    // Filter type 0, then two pixels as red, green, blue, alpha.
    expect([...inflateSync(data)]).toEqual([0, 10, 20, 30, 200, 10, 20, 30, 200])
  })

  test('clicks what a person would, and names what there is when it cannot', async () => {
    const { fake, item } = await show()
    expect(await item.labels()).toEqual(['Sign in…', 'Copy token', 'Sites'])
    await item.click('Sign in…')
    await item.click('Sites', 'my_site')
    expect(fake.clicked).toEqual(['Sign in…', 'my__site'])
    await expect(item.click('Sign out')).rejects.toThrow('"Sign out" is not in the menu: Sign in… | Copy token | Sites')
    await expect(item.click('Secret')).rejects.toThrow('"Secret" is not in the menu')
    await expect(item.click('Copy token')).rejects.toThrow('"Copy token" is disabled')
    await expect(item.click('Sites', 'other')).rejects.toThrow('"other" is not in the menu: my_site')
  })

  test('when the menu is drawn anew under the pointer, the click finds the new entry', async () => {
    const { fake, item } = await show()
    fake.beforeClick = () => {
      fake.beforeClick = () => undefined
      fake.draw(menu)
    }
    await item.click('Sign in…')
    expect(fake.clicked).toEqual(['Sign in…'])
  })

  test('shows what is new when the item says so, and not before', async () => {
    const { fake, item } = await show()
    const before = item.iconHash()
    fake.tooltip = 'after'
    fake.pixel = [255, 0, 255, 0]
    await expect(item.untilShown((shown) => shown.tooltip === 'after', 'the tooltip', 100)).rejects.toThrow(
      /the tooltip did not come in 100 ms; there was .*"tooltip":"before"/,
    )
    fake.signal('NewToolTip')
    const after = await item.untilShown((shown) => shown.tooltip === 'after', 'the tooltip')
    expect(after.icon?.hash).not.toBe(before)
    expect(item.signals).toEqual(['NewToolTip'])
  })

  test('waits for a menu, and says what there was when it does not come', async () => {
    const { fake, item } = await show()
    const wanted = item.untilMenu((lines) => lines[0]?.label === 'Sign out', 'a signed-in menu')
    fake.draw([{ label: 'Sign out' }])
    expect((await wanted).map(({ label }) => label)).toEqual(['Sign out'])
    await expect(item.untilMenu((lines) => lines.length > 1, 'more', 50)).rejects.toThrow(
      'more did not come in 50 ms; there was ["Sign out"]',
    )
  })

  test('an item goes when its program does', async () => {
    const { panel, fake, item } = await show()
    fake.quit()
    await item.untilGone()
    expect(panel.items()).toEqual([])
    await expect(item.untilMenu(() => true, 'a menu')).rejects.toThrow()
  })

  test('refuses a name nobody owns, and an item that cannot be read', async () => {
    const panel = await startPanel(bus.address)
    closing.push(() => panel.stop())
    await expect(registerAs(client, 'org.example.Nobody/StatusNotifierItem/1')).rejects.toThrow('nobody owns')
    await registerAs(client, '/nothing')
    await expect(panel.item(200)).rejects.toThrow(/refused.*nobody owns.*no \\"GetAll\\" here/)
  })

  test('there is one panel on a bus', async () => {
    await show()
    await expect(startPanel(bus.address)).rejects.toThrow('owned by somebody else')
  })
})

describe('notifications', () => {
  const name = 'org.freedesktop.Notifications'
  const path = '/org/freedesktop/Notifications'
  const notify = async (summary: string, replaces = 0) => {
    const body = ['app', replaces, '', summary, 'body', ['default', 'View', 'sign-in', 'Sign in'], {}, -1]
    const [id] = await client.call(name, path, name, 'Notify', 'susssasa{sv}i', body)
    return Number(id)
  }
  const start = async () => {
    const server = await startNotificationServer(bus.address)
    closing.push(() => server.stop())
    const signals: unknown[] = []
    await client.follow(`type='signal',interface='${name}'`, ({ member, body }) => signals.push([member, ...body]))
    return { server, signals }
  }

  test('are kept as they were asked for, and a program learns what the server can', async () => {
    const { server } = await start()
    expect(await client.call(name, path, name, 'GetCapabilities')).toEqual([['actions', 'body', 'persistence']])
    const coming = server.until(({ summary }) => summary === 'Signed out', 'a notification')
    const id = await notify('Signed out')
    expect(await coming).toEqual({
      id,
      app: 'app',
      summary: 'Signed out',
      body: 'body',
      actions: { default: 'View', 'sign-in': 'Sign in' },
      hints: {},
      replaces: 0,
      timeoutMs: -1,
      closed: undefined,
    })
    expect(await notify('Signed in', id)).toBe(id)
    expect(server.shown.map(({ summary, replaces }) => [summary, replaces])).toEqual([
      ['Signed out', 0],
      ['Signed in', id],
    ])
  })

  test('a click reaches the program, and the notification is closed then', async () => {
    const { server, signals } = await start()
    const id = await notify('Signed out')
    expect(() => server.invoke(id, 'sign-out')).toThrow('"sign-out" is no action of it: default | sign-in')
    server.invoke(id, 'sign-in')
    await expect
      .poll(() => signals)
      .toEqual([
        ['ActionInvoked', id, 'sign-in'],
        ['NotificationClosed', id, 2],
      ])
    expect(() => server.invoke(id, 'sign-in')).toThrow('not to be seen')
  })

  test('the person lets one go, time another, the program a third', async () => {
    const { server, signals } = await start()
    const ids = [await notify('one'), await notify('two'), await notify('three')]
    const [one = 0, two = 0, three = 0] = ids
    server.close(one, 'dismissed')
    server.close(two, 'expired')
    await client.call(name, path, name, 'CloseNotification', 'u', [three])
    expect(server.shown.map(({ closed }) => closed)).toEqual(['dismissed', 'expired', 'taken back'])
    await expect.poll(() => signals.length).toBe(3)
    await expect(server.until(({ summary }) => summary === 'four', 'a fourth', 50)).rejects.toThrow(/"three"/)
  })
})

test('the keyring keeps a secret, and is not there any more when it was stopped', async (context) => {
  let keyring: Keyring
  try {
    keyring = await startKeyring({ busAddress: bus.address, folder })
  } catch (error) {
    if ((error as { code?: string }).code !== 'ENOENT') throw error
    return context.skip('gnome-keyring is not installed: apt-get install gnome-keyring libsecret-tools')
  }
  closing.push(() => keyring.stop())
  const env = { PATH: process.env['PATH'] ?? '', DBUS_SESSION_BUS_ADDRESS: bus.address, HOME: folder }
  const shell = (script: string) => finished(startProcess('sh', ['-c', script], env))
  const lookup = 'secret-tool lookup site studio'
  if ((await shell('command -v secret-tool')).status !== 0) return context.skip('apt-get install libsecret-tools')
  const stored = await shell(`printf 'a secret' | secret-tool store --label=test site studio && ${lookup}`)
  expect(stored).toEqual({ status: 0, stdout: 'a secret', stderr: '' })
  await keyring.stop()
  expect((await shell(lookup)).status).not.toBe(0)
})

test('the system bus tells who listens of sleep and wake', async () => {
  const system = await startSystemBus({ folder })
  closing.push(() => system.stop())
  const program = await BusConnection.open(system.address)
  closing.push(() => program.close())
  const heard: unknown[] = []
  const manager = 'org.freedesktop.login1.Manager'
  await program.follow(`type='signal',interface='${manager}'`, ({ member, body }) => heard.push([member, ...body]))
  const place = '/org/freedesktop/login1'
  await program.call('org.freedesktop.login1', place, manager, 'Inhibit', 'ssss', ['sleep', 'it', 'to save', 'delay'])
  await system.untilInhibited('sleep')
  system.suspend()
  system.resume()
  await expect
    .poll(() => heard)
    .toEqual([
      ['PrepareForSleep', true],
      ['PrepareForSleep', false],
    ])
})

test('memory is that of a process and all below it', async () => {
  // Two shells above a Node; it ends by itself.
  const script = `sh -c '"${process.execPath}" -e "setTimeout(() => {}, 2000)" & wait' & wait`
  const shell = startProcess('sh', ['-c', script], {})
  closing.push(() => shell.ended)
  await expect.poll(() => pss(shell.pid)).toBeGreaterThan(10_000)
  expect(await pss(shell.pid)).toBeLessThan(await pss(process.pid))
  await expect(pss(2 ** 22 + 1)).rejects.toThrow('no process')
})

test('a desktop without a bus says so, and has no panel', async () => {
  const desktop = await startDesktop({ bus: false, power: false })
  closing.push(() => desktop.stop())
  expect(desktop.env).toMatchObject({ DISPLAY: expect.stringMatching(/^:\d+$/), DBUS_SESSION_BUS_ADDRESS: 'disabled:' })
  expect(() => desktop.panel).toThrow('this desktop was started without "panel"')
})
