import { readFile, writeFile } from 'node:fs/promises'
import { afterAll, expect, test } from 'vitest'
import { untilSaid } from '../sandbox/processes.ts'
import { bringIn, install, keep, packageFile, sharedDebian } from './stage.ts'

/** A Debian 12 with nothing but what Debian calls minimal, and the broker's deb. Later tests go on where earlier ones have left it. */
const brokerDeb = /^sg-broker.*\.deb$/
const port = 18_443
const database = '/var/lib/sg-broker/broker.sqlite'
let before: string[] = []
const debian = sharedDebian('clean', async (machine, context) => {
  const file = await bringIn(machine, await packageFile(context, 'older', brokerDeb))
  await bringIn(machine, await packageFile(context, 'newer', brokerDeb))
  await machine.demand(['apt-get', 'update', '-qq'])
  await machine.demand(['apt-get', 'install', '-y', '-qq', 'adduser', 'ca-certificates', 'libstdc++6'])
  before = await machine.files()
  const { status, stdout } = await install(machine, file)
  await keep('broker-install.txt', stdout)
  if (status !== 0) throw new Error(`apt-get install ended with ${status}: ${stdout}`)
})
afterAll(() => debian.close())

const modes = ['stat', '--format', '%a %U:%G %n', '/etc/sg-broker', '/var/lib/sg-broker', '/usr/bin/sg-broker']
const asBroker = ['setpriv', '--reuid', 'sg-broker', '--regid', 'sg-broker', '--clear-groups', '--no-new-privs', '--']

/** As in a container that is read-only but for its database. */
const onReadOnlyDisk = [
  ...['unshare', '--mount', 'sh', '-c'],
  [
    'mount --bind / /mnt && mount -o remount,bind,ro /mnt && mount --bind /var/lib/sg-broker /mnt/var/lib/sg-broker',
    'mount --rbind /dev /mnt/dev && mount --rbind /proc /mnt/proc && ! touch /mnt/tmp/x 2>/dev/null && exec chroot /mnt "$@"',
  ].join(' && '),
  'sh',
]

test('its user, its folders and its files are there, and nobody is asked anything', async (context) => {
  const machine = await debian.open(context)
  expect(await machine.demand(modes)).toBe(
    '750 root:sg-broker /etc/sg-broker\n700 sg-broker:sg-broker /var/lib/sg-broker\n755 root:root /usr/bin/sg-broker\n',
  )
  const user = await machine.demand(['getent', 'passwd', 'sg-broker'])
  expect(user).toMatch(/:\/var\/lib\/sg-broker:\/usr\/sbin\/nologin\n$/)
  expect(await machine.demand(['dpkg', '--verify', 'sg-broker'])).toBe('')
  const unit = await machine.demand(['cat', '/lib/systemd/system/sg-broker.service'])
  expect(unit).toContain('\nExecStart=/usr/bin/sg-broker serve --config /etc/sg-broker/broker.json\n')
  for (const file of [
    '/usr/share/man/man8/sg-broker.8.gz',
    '/usr/share/sg-broker/broker.schema.json',
    '/usr/share/doc/sg-broker/examples/broker.json',
  ])
    expect((await machine.run(['test', '-s', file])).status, file).toBe(0)
})

test('the program needs no Node, and says its version and its schema', async (context) => {
  const machine = await debian.open(context)
  expect((await machine.run(['which', 'node'])).status).not.toBe(0)
  const bare = { env: { PATH: '/nonexistent' } }
  const version = await machine.demand(['/usr/bin/sg-broker', '--version'], bare)
  expect(version).toMatch(/^\d+\.\d+\.\d+-test\n$/)
  const schema = await machine.demand(['/usr/bin/sg-broker', 'schema'], bare)
  const shipped = await machine.demand(['cat', '/usr/share/sg-broker/broker.schema.json'])
  expect(JSON.parse(schema)).toEqual(JSON.parse(shipped))
})

test('it serves as its own user, from a configuration that only root can write, and writes to nothing but its database', async (context) => {
  const machine = await debian.open(context)
  const example = await machine.demand(['cat', '/usr/share/doc/sg-broker/examples/broker.json'])
  const listen = { host: '127.0.0.1', port, behindTlsProxy: true, trustedProxies: ['127.0.0.1'] }
  const config = { ...(JSON.parse(example) as object), listen }
  await writeFile(machine.outside('/etc/sg-broker/broker.json'), JSON.stringify(config))
  await writeFile(machine.outside('/etc/sg-broker/script.key'), 'not-a-real-key-0123456789abcdef\n')
  await machine.demand(['sh', '-c', 'chown root:sg-broker /etc/sg-broker/*; chmod 0640 /etc/sg-broker/*'])
  const running = machine.start([
    ...onReadOnlyDisk,
    ...asBroker,
    'sg-broker',
    'serve',
    '--config',
    '/etc/sg-broker/broker.json',
  ])
  await untilSaid(running, 'serves', 30_000)
  const health = await fetch(`http://127.0.0.1:${port}/health/live`, { headers: { host: 'sg-broker.studio.example' } })
  expect(health.status).toBe(200)
  await machine.demand([
    'sh',
    '-c',
    'cd /proc && for one in [0-9]*; do case "$(readlink "$one/exe")" in */sg-broker) kill "$one" ;; esac; done',
  ])
  expect(await running.ended).toBe(0)
  expect(await machine.demand(['stat', '--format', '%a %U', database])).toBe('600 sg-broker\n')
})

/** What would be asked of systemd, written down: nothing but systemd itself can be the first process of a machine. */
async function recordSystemctl(machine: Awaited<ReturnType<typeof debian.open>>): Promise<() => Promise<string>> {
  await machine.demand(['mkdir', '-p', '/run/systemd/system'])
  const record = '/tmp/systemctl-calls'
  await writeFile(machine.outside(record), '')
  await writeFile(machine.outside('/usr/bin/systemctl'), `#!/bin/sh\necho "$*" >>${record}\n`, { mode: 0o755 })
  return () => readFile(machine.outside(record), 'utf8')
}

test('an upgrade keeps configuration, database and what was set up otherwise, and restarts what runs', async (context) => {
  const machine = await debian.open(context)
  const calls = await recordSystemctl(machine)
  await machine.demand(['chmod', '0755', '/etc/sg-broker'])
  const list = [
    'sh',
    '-c',
    'sha256sum /etc/sg-broker/* /var/lib/sg-broker/*; stat -c "%a %U:%G %n" /etc/sg-broker /etc/sg-broker/*',
  ]
  const was = await machine.demand(list)
  const file = `/tmp/${(await packageFile(context, 'newer', brokerDeb)).split('/').at(-1)}`
  const { status, stdout } = await install(machine, file)
  expect([status, stdout]).toEqual([0, expect.stringMatching(/^Unpacking sg-broker .* over /m)])
  expect(await machine.demand(list)).toBe(was)
  expect(await calls()).toBe('daemon-reload\ntry-restart sg-broker.service\n')
})

test('removed, it is stopped first and leaves configuration and database; purged, the database that nobody else can read', async (context) => {
  const machine = await debian.open(context)
  const calls = await recordSystemctl(machine)
  await machine.demand(['apt-get', 'remove', '-y', '-qq', 'sg-broker'])
  expect(await calls()).toBe('--quiet disable --now sg-broker.service\ndaemon-reload\n')
  expect((await machine.run(['test', '-s', '/etc/sg-broker/broker.json'])).status).toBe(0)
  await machine.demand(['rm', '-r', '/run/systemd/system', '/usr/bin/systemctl'])
  const { stderr, stdout } = await machine.run(['dpkg', '--purge', 'sg-broker'])
  expect(`${stdout}${stderr}`).toContain('/var/lib/sg-broker is kept')
  const left = (await machine.files()).filter((line) => !before.includes(line) && /sg-broker/.test(line))
  await keep('broker-purge.txt', left.join('\n'))
  expect(left.filter((line) => !line.includes('/var/lib/sg-broker'))).toEqual([])
  expect(left).toContainEqual('drwx------ root:root /var/lib/sg-broker')
  expect((await machine.run(['getent', 'passwd', 'sg-broker'])).status).toBe(2)
})

test('installed again, it has its database again; purged as asked, nothing is left', async (context) => {
  const machine = await debian.open(context)
  const file = `/tmp/${(await packageFile(context, 'newer', brokerDeb)).split('/').at(-1)}`
  expect((await install(machine, file)).status).toBe(0)
  expect(await machine.demand(['stat', '--format', '%a %U', '/var/lib/sg-broker', database])).toBe(
    '700 sg-broker\n600 sg-broker\n',
  )
  await machine.demand(['dpkg', '--purge', 'sg-broker'], { env: { SG_BROKER_PURGE_DATABASE: 'yes' } })
  const left = (await machine.files()).filter((line) => !before.includes(line) && /sg-broker/.test(line))
  expect(left).toEqual([])
})
