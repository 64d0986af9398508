import { chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ownEntry } from '../../src/audit/audit-entry.ts'
import { writeLine } from '../../src/audit/audit-line.ts'
import type { Check } from '../../src/doctor/world.ts'
import { AgentError } from '../../src/errors.ts'
import type { Fetch } from '../../src/ports.ts'
import { row, troubles } from './doctor-stage.ts'
import { stage, startAnotherAgent, stopAgent, useDoctorStage } from './doctor-stage-of-each-test.ts'
import { nodeFetch } from './world.ts'

useDoctorStage()

describe('where everything is right', () => {
  test('every row is ok, or says why it was not looked at', async () => {
    const report = await stage.examine()
    expect(troubles(report)).toEqual([])
    expect(report.ok).toBe(true)
    // Which Pythons there are is this machine's business: doctor-pythons.test.ts.
    const rows = report.findings.filter(({ check }) => check !== 'python')
    expect(rows.map(({ check, state }) => `${state} ${check}`)).toEqual([
      'ok versions',
      'ok agent',
      'ok endpoint-file',
      'skipped audit',
      'ok policy',
      'ok settings',
      'ok keychain',
      'ok browser',
      'ok redirect-port',
      'ok redirect-port',
      'ok redirect-port',
      'ok clock',
      'ok proxy',
      'ok certificate-authorities',
      'ok identity',
      'ok broker',
      'ok site',
      'ok way-in',
      'skipped autodesk-token',
      'skipped scripts',
      'skipped updates',
    ])
    expect(row(report, 'agent').found).toMatch(/^version \S+, process \d+, up \d+ s; announced in .*endpoint\.json$/)
    expect(row(report, 'endpoint-file').found).toContain('600 in a folder of 700')
    expect(row(report, 'site').found).toBe(
      'ShotGrid 8.89.0.9724; people prove who they are by Autodesk Identity (oxygen); its App Session Launcher is on',
    )
    expect(row(report, 'way-in').found).toBe('"broker": a broker is configured for the site')
    expect(row(report, 'broker').found).toBe(`serves "${stage.world.site.url}" and takes sign-ins of this Autodesk app`)
    expect(row(report, 'identity').found).toContain('answers and is itself')
    expect(row(report, 'scripts').advice).toContain('"sg_status_list"')
    expect(row(report, 'autodesk-token').found).toBe(
      'not asked: whether the site takes an Autodesk access token needs a sign-in',
    )
  })

  test('asks servers without any credential, and the site for nothing but what it says to everybody', async () => {
    const asked: string[] = []
    const watching: Fetch = (url, init) => {
      asked.push(
        `${init.method} ${new URL(url).pathname} ${new Headers(init.headers).get('authorization')} ${init.body}`,
      )
      return nodeFetch(url, init)
    }
    await stage.examine({ wayOut: { fetch: watching, proxyFor: async () => undefined } })
    expect([...new Set(asked)].toSorted()).toEqual(
      [
        'GET /.well-known/oauth-authorization-server null undefined',
        'GET /.well-known/openid-configuration null undefined',
        'GET /.well-known/openid-configuration null null',
        'POST /api3/json null {"method_name":"info","params":[]}',
      ].toSorted(),
    )
    expect(stage.world.site.sessions()).toEqual([])
  })
})

describe('a check', () => {
  const good: Check = async () => [{ check: 'policy', state: 'ok', found: 'fine' }]

  test('that throws is a row, and says nothing that may be secret', async () => {
    const bad: Check = () => {
      throw new Error('Bearer hunter2')
    }
    const worse: Check = async () => Promise.reject(new AgentError('config_invalid', 'the file "x" is wrong'))
    const report = await stage.examine(
      {},
      {
        checks: [
          ['agent', bad],
          ['broker', worse],
          ['policy', good],
        ],
      },
    )
    expect(report.findings).toEqual([
      { check: 'agent', state: 'failed', found: 'could not be looked at: Error', advice: expect.any(String) },
      {
        check: 'broker',
        state: 'failed',
        found: 'could not be looked at: the file "x" is wrong',
        advice: expect.any(String),
      },
      { check: 'policy', state: 'ok', found: 'fine' },
    ])
    expect(report.ok).toBe(false)
  })

  test('that hangs, deaf to its signal, is a row, and costs no longer than it may', async () => {
    const deaf: Check = () => new Promise(() => undefined)
    const told: string[][] = []
    const startedMs = performance.now()
    const report = await stage.examine(
      {},
      {
        checks: [
          ['agent', deaf],
          ['policy', good],
        ],
        limitMs: 200,
        hardLimitMs: 400,
        onProgress: (names) => void told.push([...names]),
      },
    )
    expect(performance.now() - startedMs).toBeLessThan(10_000)
    expect(report.findings.map(({ state }) => state)).toEqual(['failed', 'ok'])
    expect(told).toEqual([['agent', 'policy'], ['agent'], []])
  })
})
describe('the audit', () => {
  test('is where it should be, closed to others, and has a last entry', async () => {
    expect(row(await stage.examine(), 'audit')).toMatchObject({ state: 'skipped', found: 'there is none yet' })
    await mkdir(stage.paths.stateFolder, { mode: 0o700 })
    const file = join(stage.paths.stateFolder, 'audit.jsonl')
    const entry = { at: Date.UTC(2026, 10, 22), method: 'signOut', outcome: 'ok' } as const
    await writeFile(file, `${writeLine(ownEntry(entry))}\n`, { mode: 0o600 })
    expect(row(await stage.examine(), 'audit')).toMatchObject({
      state: 'ok',
      found: expect.stringMatching(/^\d+ bytes, the last entry of 2026-11-22T00:00:00.000Z$/),
    })
    await chmod(file, 0o644)
    const open = row(await stage.examine(), 'audit')
    expect(open).toMatchObject({ state: 'failed', found: 'is open to others (644)' })
    expect(open.advice).toContain('others can read it')
    await rm(file)
    await symlink('/dev/null', file)
    expect(row(await stage.examine(), 'audit')).toMatchObject({ state: 'failed', found: 'is no file' })
    await rm(stage.paths.stateFolder, { recursive: true })
  })

  test('that the agent cannot write is what the agent says', async () => {
    await stopAgent()
    await writeFile(stage.paths.stateFolder, '')
    await startAnotherAgent({ stateFolder: stage.paths.stateFolder })
    await expect.poll(async () => row(await stage.examine(), 'audit').state, { timeout: 30_000 }).toBe('failed')
    const found = row(await stage.examine(), 'audit')
    expect(found.found).toContain('cannot be written: its folder is a file')
    expect(found.advice).toContain('Tools are served all the same')
    await rm(stage.paths.stateFolder)
  })
})
