import { mkdtemp, readdir, readFile, rename, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Agent, AuditEntry } from '../../src/agent.ts'
import type { AuditLine } from '../../src/audit/audit-line.ts'
import { readAudit } from '../../src/audit/read-audit.ts'
import { AgentClient } from '../../src/client/node/agent-client.ts'
import { type ClaimedEndpoint, claimEndpoint } from '../../src/socket/claim-endpoint.ts'
import { readEndpointFile } from '../../src/socket/endpoint-file.ts'
import { version } from '../../src/version.ts'
import { otherUserMissing, runAsOtherUser } from './other-user.ts'
import { hello, RawLine } from './raw-line.ts'
import { type SiteStage, startSiteStage } from './site-stage.ts'
import { codeOf } from './world.ts'

/** A busy machine is no failure. */
const patiently = { timeout: 20_000 }

/** An agent that writes its audit, and a program that calls it. */
let folder: string
let stage: SiteStage
let agent: Agent
let claimed: ClaimedEndpoint
let tool: AgentClient
const place = (...parts: string[]): string => join(folder, ...parts)
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sg-session-audit-'))
  stage = await startSiteStage()
  await start()
  await agent.signIn(undefined)
})
afterAll(async () => {
  await stop()
  await stage.close()
  await rm(folder, { recursive: true, force: true })
})

async function start(): Promise<void> {
  agent = stage.agent('artist', 'web', {}, {}, { stateFolder: place('state') })
  claimed = await claimEndpoint([place('run', 'endpoint.json')], () => agent.listen())
  tool = new AgentClient({
    endpointFiles: [place('run', 'endpoint.json')],
    caller: { name: 'maya\u202e', version: '2026' },
  })
}

async function stop(): Promise<void> {
  tool.close()
  await claimed.release()
  await agent.close()
}

const lines = async (): Promise<readonly AuditLine[]> =>
  (await readAudit(place('state', 'audit.jsonl'), { most: 10_000 })).lines

async function untilWritten(isWanted: (line: AuditLine) => boolean): Promise<AuditLine> {
  let found: AuditLine | undefined
  await expect
    .poll(async () => {
      found = (await lines()).find(isWanted)
      return found
    }, patiently)
    .toBeDefined()
  if (!found) throw new Error('there is no such line')
  return found
}

test('what is handed out is in the file: to which program, for which site, and what let it', async () => {
  const session = await tool.getSession()
  const bearer = await tool.getRestToken()
  const line = await untilWritten(({ method }) => method === 'session/get')
  expect(line).toEqual({
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    executable: process.execPath,
    ...(line.script === undefined ? {} : { script: line.script }),
    pid: process.pid,
    uid: process.getuid?.(),
    ...{ claimedName: 'maya', claimedVersion: '2026' },
    ...{ method: 'session/get', site: stage.site.url, scope: 'session', outcome: 'ok', allowedBy: 'mode' },
    ...{ ms: expect.any(Number), count: 1 },
  })
  await untilWritten(({ method }) => method === 'rest/get')
  const text = await readFile(place('state', 'audit.jsonl'), 'utf8')
  const key = (await readEndpointFile(place('run', 'endpoint.json')))?.key.reveal()
  for (const secret of [session.sessionToken, bearer.accessToken, key]) expect(text).not.toContain(secret)
})

test('that a session began is in it, whoever signed in', async () => {
  expect(await untilWritten(({ method }) => method === 'signedIn')).toMatchObject({
    ...{ executable: process.execPath, pid: process.pid, claimedName: 'sg-session', claimedVersion: version },
    ...{ site: stage.site.url, outcome: 'ok' },
  })
})

test('what is polled is not: status, and the watching for changes', async () => {
  await tool.status()
  await codeOf(tool.getSession({ site: 'https://elsewhere.example' }))
  await untilWritten(({ outcome }) => outcome === 'site_unknown')
  expect((await lines()).filter(({ method }) => method === 'status' || method === 'session/watch')).toEqual([])
})

test('the recent calls are the same entries, newest first, and each is told of', async () => {
  const told: AuditEntry[] = []
  const stopListening = agent.calls.entries.listen((entry) => told.push(entry))
  await codeOf(tool.call('session/get', { site: 'https://third.example' }))
  await codeOf(tool.call('signIn/cancel', {}))
  stopListening()
  expect(told.map(({ method }) => method)).toContain('signIn/cancel')
  expect(agent.calls.recent()[0]).toMatchObject({
    ...{ executable: process.execPath, pid: process.pid, claimed: { name: 'maya', version: '2026' } },
    ...{ method: 'signIn/cancel', site: stage.site.url, outcome: 'ok' },
  })
})

test('a hundred wrong keys are a few lines, and none of them holds a key', async () => {
  const endpoint = await readEndpointFile(place('run', 'endpoint.json'))
  if (!endpoint) throw new Error('there is no endpoint')
  const before = (await lines()).length
  const wrong = Array.from({ length: 100 }, async (_, index) => {
    const line = await RawLine.tls(endpoint)
    line.send(hello(`wrong-key-${index}`))
    return line
  })
  // On a busy machine some are too slow for the time a stranger has.
  const held = (await Promise.allSettled(wrong)).flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const counted = (entries: readonly AuditLine[]): number =>
    entries.filter(({ outcome }) => outcome === 'wrong_key').reduce((sum, { count }) => sum + count, 0)
  await expect.poll(async () => counted(await lines()), patiently).toBeGreaterThan(20)
  for (const line of held) line.close()
  // Calls of before that are counted together are told of late.
  const added = (await lines()).slice(before).filter(({ method }) => method === 'hello')
  expect(added.length).toBeLessThan(20)
  expect(added[0]).toMatchObject({ outcome: 'wrong_key' })
  expect(added[0]).not.toHaveProperty('executable')
  expect(await readFile(place('state', 'audit.jsonl'), 'utf8')).not.toContain('wrong-key-')
})

test.skipIf(otherUserMissing)('another user of this machine is in it, with their number', async () => {
  const endpoint = await readEndpointFile(place('run', 'endpoint.json'))
  if (!endpoint) throw new Error('there is no endpoint')
  const script = `
    import { connect } from 'node:tls'
    const line = connect({ host: '127.0.0.1', port: ${endpoint.port}, rejectUnauthorized: false })
    line.on('error', () => undefined).on('data', (data) => console.log(String(data))).on('close', () => console.log('cut'))
    line.write(${JSON.stringify(`${JSON.stringify(hello(endpoint.key.reveal()))}\n`)})`
  expect((await runAsOtherUser(script)).trim()).toBe('cut')
  // A connection that is over before it is looked at is nobody's, and has no number.
  const found = await untilWritten(({ outcome, uid }) => outcome === 'other_user' && uid !== undefined)
  expect(found).toMatchObject({ method: 'hello', uid: 65_534 })
})

test('a file that cannot be written keeps nobody waiting: it is said, and made good', async () => {
  await untilWritten(({ method }) => method === 'signedIn')
  await rename(place('state'), place('away'))
  await symlink(place('nowhere'), place('state'))
  await tool.getSession()
  await expect.poll(() => agent.audit.problem?.message, patiently).toMatch(/^the audit ".*" cannot be written: /)
  expect((await tool.status()).audit?.problem).toBe(agent.audit.problem?.message)
  await tool.signOut()
  await rm(place('state'))
  await rename(place('away'), place('state'))
  await expect.poll(() => agent.audit.problem, patiently).toBeUndefined()
  await untilWritten(({ method }) => method === 'signOut')
  await untilWritten(({ method, outcome }) => method === 'signedOut' && outcome === 'signed_out')
  expect((await tool.status()).audit).toBeUndefined()
})

test('an agent that starts again goes on where the last one ended', async () => {
  const before = await lines()
  await stop()
  await start()
  await codeOf(tool.getSession())
  await untilWritten(({ outcome }) => outcome === 'login_required')
  expect((await lines()).slice(0, before.length)).toEqual(before)
  expect((await readdir(place('state'))).filter((name) => name.startsWith('audit'))).toEqual(['audit.jsonl'])
})
