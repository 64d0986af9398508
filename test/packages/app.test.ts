import { readlink } from 'node:fs/promises'
import { afterAll, expect, test } from 'vitest'
import type { SeenProcess } from './machine.ts'
import {
  bringIn,
  deb,
  importClient,
  install,
  keep,
  mainProcess,
  ours,
  packageFile,
  place,
  quit,
  sharedDebian,
} from './stage.ts'
import { openStudioIn, type StudioInRoot } from './studio-in-root.ts'

/** An artist's workstation with Debian 12, a studio outside it, and the deb installed as IT would. Tests go on from one another. */
let studio: StudioInRoot
let before: string[] = []
const debian = sharedDebian('workstation', async (machine, context) => {
  studio = await openStudioIn(machine)
  const file = await bringIn(machine, await packageFile(context, 'newer', deb))
  before = await machine.files()
  const { status, stdout } = await install(machine, file, studio.options)
  await keep('install-with-options.txt', stdout)
  if (status !== 0) throw new Error(`apt-get install ended with ${status}: ${stdout}`)
})
afterAll(async () => {
  await debian.close()
  await studio?.close()
})

const policyFile = '/etc/sg-session/policy.json'
/** What apt and dpkg write down of what they did; homes are looked at by themselves. */
const notOurs = / \/(home\/|var\/log\/(apt\/|dpkg\.log)|var\/cache\/apt\/|var\/lib\/apt\/)/
const isRenderer = ({ arguments: args }: SeenProcess): boolean => args.includes('--type=renderer')

interface PolicyReport {
  readonly values: { key: string; value: string; source: string; file?: string }[]
  readonly findings: { state: string; about?: string; found: string }[]
}

async function policyReport(): Promise<PolicyReport & { status: number }> {
  const { status, stdout } = await studio.sgSession('doctor', '--policy', '--json')
  return { status, ...(JSON.parse(stdout) as PolicyReport) }
}

test('what IT told the installer is the policy of the machine, root’s alone and locked', async (context) => {
  const machine = await debian.open(context)
  const { SG_SESSION_SITE: url, SG_SESSION_BROKER: broker, SG_SESSION_CLIENT_ID: clientId } = studio.options
  expect(JSON.parse(await machine.demand(['cat', policyFile]))).toEqual({
    locked: {
      sites: [{ url, broker }],
      identity: { clientId },
      tools: { consent: 'allow-all' },
      app: { startAtLogin: true },
    },
  })
  expect(await machine.demand(['stat', '--format', '%U:%G %a', policyFile, '/etc/sg-session'])).toBe(
    'root:root 644\nroot:root 755\n',
  )
  const { status, values } = await policyReport()
  expect(status).toBe(0)
  for (const key of ['identity.clientId', 'tools.consent', 'app.startAtLogin'])
    expect(
      values.find((one) => one.key === key),
      key,
    ).toMatchObject({ source: 'locked', file: policyFile })
})

test('at the artist’s login the app starts as the autostart entry says, serves, and asks nothing', async (context) => {
  const machine = await debian.open(context)
  const entry = await machine.demand(['cat', '/etc/xdg/autostart/sg-session.desktop'])
  expect(/^Exec=(.*)$/m.exec(entry)?.[1]).toBe(`${place}/sg-session-app --autostart`)
  const { main } = await studio.login.startApp('--autostart')
  expect(main.status).toMatch(new RegExp(`^Uid:\\s+${studio.login.user.uid}\\s`, 'm'))
  const { sites } = JSON.parse((await studio.sgSession('status', '--json')).stdout) as { sites: { site: string }[] }
  expect(sites.map(({ site }) => site)).toEqual([studio.options['SG_SESSION_SITE']])
  // A window of any kind, with a question or without, would be a renderer.
  expect((await ours(machine)).filter(isRenderer)).toEqual([])
})

test('it runs in Chromium’s sandbox: no switch against it, and a window’s process is shut in', async (context) => {
  const machine = await debian.open(context)
  const { user, env } = studio.login
  // A second start by hand shows the running app's window.
  expect((await machine.run([`${place}/sg-session-app`, '--status'], { user, env })).status).toBe(0)
  await expect.poll(async () => (await ours(machine)).filter(isRenderer).length, { timeout: 30_000 }).toBeGreaterThan(0)
  const all = await ours(machine)
  const main = await mainProcess(machine, user)
  // Chromium itself starts helpers of other kinds with such switches; they show nothing of the network.
  for (const { arguments: args } of [main, ...all.filter(isRenderer)])
    expect(args.filter((one) => /^--(no-sandbox|disable-.*sandbox|no-zygote)/.test(one))).toEqual([])
  for (const { pid, status } of all.filter(isRenderer)) {
    // SECCOMP_MODE_FILTER, see proc(5).
    expect(status).toMatch(/^Seccomp:\s+2$/m)
    expect(status).toMatch(/^NoNewPrivs:\s+1$/m)
    expect(status).toMatch(/^CapEff:\s+0+$/m)
    for (const space of ['user', 'pid', 'net'])
      expect(await readlink(`/proc/${pid}/ns/${space}`), space).not.toBe(
        await readlink(`/proc/${main.pid}/ns/${space}`),
      )
  }
})

test('the artist signs in on the site, and Debian’s Python reads and writes there as that artist', async (context) => {
  await debian.open(context)
  await studio.signIn()
  const { status, stdout, stderr } = await studio.plugIn()
  expect(status, stdout + stderr).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({ login: 'artist@studio.example', created_by: { type: 'HumanUser' } })
  await keep('plug-in.json', stdout)
  const got = await studio.sgSession('get', '--json')
  expect(JSON.parse(got.stdout)).toMatchObject({ site: studio.options['SG_SESSION_SITE'] })
})

test('what IT locked stays, whatever the artist’s settings say, and the doctor says whose it is', async (context) => {
  const machine = await debian.open(context)
  const other = 'https://other.example'
  await studio.writeSettings({
    ...studio.settings,
    sites: [{ url: other }],
    tools: { consent: 'prompt' },
    app: { startAtLogin: false },
  })
  const { values } = await policyReport()
  expect(values.find(({ key }) => key === 'tools.consent')).toMatchObject({ value: 'allow-all', source: 'locked' })
  expect(JSON.stringify(values.filter(({ key }) => key.startsWith('sites')))).not.toContain(other)
  await quit(machine, await mainProcess(machine, studio.login.user))
  await studio.login.startApp('--autostart')
  const { stdout } = await studio.sgSession('status', '--json')
  expect(stdout).toContain(studio.options['SG_SESSION_SITE'])
  expect(stdout).not.toContain(other)
  await studio.writeSettings(studio.settings)
  await quit(machine, await mainProcess(machine, studio.login.user))
})

const untrusted: [name: string, make: string, mend: string, why: RegExp][] = [
  [
    'is owned by the user',
    `chown artist ${policyFile}`,
    `chown root ${policyFile}`,
    /policy\.json: must be owned by root/,
  ],
  [
    'the user can write to',
    `chmod 666 ${policyFile}`,
    `chmod 644 ${policyFile}`,
    /policy\.json: must not be writable by group or others/,
  ],
  [
    'lies in a folder the user can write to',
    'chmod 777 /etc/sg-session',
    'chmod 755 /etc/sg-session',
    /\/etc\/sg-session: must not be writable/,
  ],
  [
    'lies in a folder of the user',
    'chown artist /etc/sg-session',
    'chown root /etc/sg-session',
    /\/etc\/sg-session: must be owned by root/,
  ],
  [
    'is a link to a file of the user',
    `mv ${policyFile} /root/kept && cp /root/kept /home/artist/p.json && ln -s /home/artist/p.json ${policyFile}`,
    `rm ${policyFile} /home/artist/p.json && mv /root/kept ${policyFile}`,
    /policy\.json: a policy must not be reached through a link/,
  ],
]
for (const [name, make, mend, why] of untrusted) {
  test(`a policy that ${name} is refused: nothing starts with it, and the doctor says why`, async (context) => {
    const machine = await debian.open(context)
    await machine.demand(['sh', '-c', make])
    const agent = await studio.sgSession('agent', '--json')
    const report = await policyReport()
    await machine.demand(['sh', '-c', mend])
    expect(agent.status).toBe(71)
    expect(JSON.parse(agent.stdout).error).toMatchObject({
      code: 'config_invalid',
      message: expect.stringMatching(why),
    })
    expect(report.status).toBe(3)
    expect(report.findings.map(({ about, found }) => `${about}: ${found}`).join()).toMatch(why)
  })
}

test('where users cannot make namespaces, chrome-sandbox shuts the windows in', async (context) => {
  const machine = await debian.open(context)
  const { user, env } = studio.login
  // In a chroot nobody may make user namespaces: user_namespaces(7).
  await machine.demand(['mount', '--rbind', '/', '/mnt'])
  const become = ['setpriv', '--reuid', `${user.uid}`, '--regid', `${user.uid}`, '--init-groups']
  machine.start(['chroot', '/mnt', ...become, `${place}/sg-session-app`, '--status'], { env })
  const all = async (): Promise<SeenProcess[]> =>
    (await machine.processes()).filter(({ executable }) => executable.includes(`${place}/`))
  await expect.poll(async () => (await all()).filter(isRenderer).length, { timeout: 60_000 }).toBeGreaterThan(0)
  const found = await all()
  expect(found.some(({ executable }) => executable.endsWith('/chrome-sandbox'))).toBe(true)
  for (const { status } of found.filter(isRenderer)) {
    expect(status).toMatch(/^Seccomp:\s+2$/m)
    expect(status).toMatch(/^NoNewPrivs:\s+1$/m)
  }
  const [main] = found.filter(
    ({ executable, arguments: args }) => executable.endsWith('-app') && !args.some((one) => one.startsWith('--type=')),
  )
  if (main) await quit(machine, main)
  await machine.demand(['umount', '--lazy', '/mnt'])
})

test('erased by the artist and purged by root while it runs, it leaves no file and no process', async (context) => {
  const machine = await debian.open(context)
  await studio.login.startApp('--autostart')
  const { status, stdout } = await studio.sgSession('erase', '--yes')
  await keep('erase.txt', stdout)
  expect(status, stdout).toBe(0)
  expect(await ours(machine)).toEqual([])
  const inHome = (await machine.files('/home')).filter((line) => !before.includes(line))
  // Fontconfig's own, which every program with a window writes and reads.
  expect(inHome.filter((line) => !line.startsWith('d') && !line.includes('/.cache/fontconfig/'))).toEqual([])

  await studio.login.startApp('--autostart')
  await machine.demand(importClient)
  const purge = await machine.run(['sh', '-c', 'exec apt-get purge -y sg-session <&- 2>&1'])
  await keep('purge-while-it-runs.txt', purge.stdout)
  expect(purge.status, purge.stdout).toBe(0)
  expect(await ours(machine)).toEqual([])
  const left = (await machine.files()).filter((line) => !before.includes(line) && !notOurs.test(line))
  await keep('left-after-purge.txt', left.length === 0 ? 'none\n' : `${left.join('\n')}\n`)
  process.stdout.write(`files left of the machine before the installation: ${left.join(', ') || 'none'}\n`)
  expect(left).toEqual([])
})
