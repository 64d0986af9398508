import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { BrokerProcess } from './broker-process.ts'

const unit = 'build/systemd/sg-broker.service'
const has = (command: string) => spawnSync(command, ['--version']).status === 0
const analyze = (...args: string[]) => spawnSync('systemd-analyze', args, { encoding: 'utf8' })

describe('the systemd unit', () => {
  beforeEach((context) => {
    if (!has('systemd-analyze')) context.skip('systemd-analyze is not installed')
  })

  test('says nothing that systemd does not understand', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sg-session-test-'))
    const file = join(folder, 'sg-broker.service')
    // Here it is not installed; what systemd looks for is an executable.
    await writeFile(file, (await readFile(unit, 'utf8')).replace('/usr/bin/sg-broker', process.execPath))
    const { status, stderr } = analyze('verify', '--man=no', '--recursive-errors=no', file)
    await rm(folder, { recursive: true })
    expect([status, stderr.split('\n').filter((line) => line.includes('sg-broker.service'))]).toEqual([0, []])
  })

  test('leaves a stolen process little: systemd’s own exposure level is below 2 of 10', () => {
    const { status, stdout, stderr } = analyze('security', '--offline=true', '--no-pager', '--threshold=20', unit)
    expect([status, stdout.split('\n').filter((line) => line.includes('exposure level')), stderr]).toMatchObject([
      0,
      [expect.stringContaining('OK')],
      '',
    ])
  })

  test('allows every system call that a working broker makes', async (context) => {
    if (!has('strace')) return context.skip('strace is not installed')
    const broker = await BrokerProcess.prepare()
    const trace = join(broker.folder, 'trace')
    await broker.writeConfig()
    await broker.start('strace', '-D', '-f', '-qq', '-e', 'signal=none', '-o', trace)
    await broker.exchange()
    await broker.close({ keepFolder: true })
    const made = new Set(
      [...(await readFile(trace, 'utf8')).matchAll(/^\d+ +(?:<\.\.\. )?(\w+)/gm)].map(([, name]) => name),
    )
    await rm(broker.folder, { recursive: true })
    expect(made.size).toBeGreaterThan(30)
    const allowed = callsOf('@system-service')
    for (const group of ['@privileged', '@resources', '@keyring']) {
      for (const call of callsOf(group)) allowed.delete(call)
    }
    expect([...made].filter((call) => call && !allowed.has(call) && !toleratedCalls.has(call))).toEqual([])
  })
})

/** SQLite gives its journals the owner of the database when it runs as root. The service never does; these tests may. */
const toleratedCalls = new Set(process.getuid?.() === 0 ? ['fchown'] : [])

function callsOf(group: string): Set<string> {
  const calls = new Set<string>()
  for (const line of analyze('syscall-filter', '--no-pager', group).stdout.split('\n').slice(1)) {
    const word = line.trim()
    if (word.startsWith('@')) for (const call of callsOf(word)) calls.add(call)
    else if (/^\w+$/.test(word)) calls.add(word)
  }
  return calls
}
