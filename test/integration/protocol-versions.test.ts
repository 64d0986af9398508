import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { AgentClient } from '../../src/client/node/agent-client.ts'
import { type ClaimedEndpoint, claimEndpoint } from '../../src/socket/claim-endpoint.ts'
import { type Endpoint, readEndpointFile } from '../../src/socket/endpoint-file.ts'
import { finished, startProcess } from '../sandbox/processes.ts'
import { hello, RawLine } from './raw-line.ts'
import { type SiteStage, startSiteStage } from './site-stage.ts'

let stage: SiteStage
let root: string
let file: string
let claimed: ClaimedEndpoint | undefined
beforeAll(async () => {
  stage = await startSiteStage()
  root = await mkdtemp(join(tmpdir(), 'sg-session-versions-'))
  file = join(root, 'sg-session', 'endpoint.json')
})
afterEach(() => claimed?.release())
afterAll(async () => {
  await stage.close()
  await rm(root, { recursive: true, force: true })
})

/** An agent whose newest version of the protocol this is. */
async function startAgent(newestProtocol?: number, person?: string): Promise<Endpoint> {
  const more = newestProtocol === undefined ? {} : { newestProtocol }
  const agent = stage.agent(person ?? 'artist', 'web', {}, {}, more)
  claimed = await claimEndpoint([file], () => agent.listen())
  if (person) await agent.signIn(undefined)
  const endpoint = await readEndpointFile(file)
  if (!endpoint) throw new Error('the agent announced nothing')
  return endpoint
}

const node = (): AgentClient =>
  new AgentClient({ endpointFiles: [file], caller: { name: 'today', version: '1' }, timeoutMs: 5_000 })

/** What the Python client has to say about the session: its person, or an error. */
async function python(): Promise<string> {
  const script = [
    'import sg_session',
    'try:',
    '    print(sg_session.get_session().login)',
    'except sg_session.SgSessionError as error:',
    '    print(error.code, error, error.advice, sep="|")',
  ].join('\n')
  const { PATH = '' } = process.env
  const env = {
    PATH,
    SG_SESSION_ENDPOINT: file,
    PYTHONPATH: resolve('src/client/python'),
    PYTHONDONTWRITEBYTECODE: '1',
  }
  return (await finished(startProcess('python3', ['-c', script], env))).stdout.trim()
}

async function greetWith(endpoint: Endpoint, protocol: number): Promise<unknown> {
  const line = await RawLine.tls(endpoint)
  line.send(hello(endpoint.key.reveal(), { protocol }))
  return line.message()
}

describe('an agent of the next version of the protocol', () => {
  test('serves today’s clients as today', async () => {
    const endpoint = await startAgent(2, 'artist')
    const client = node()
    expect(await client.getSession()).toMatchObject({ login: 'artist@studio.example' })
    client.close()
    expect(await python()).toBe('artist@studio.example')
    expect(await greetWith(endpoint, 1)).toMatchObject({ result: { protocol: 1 } })
    expect(await greetWith(endpoint, 2)).toMatchObject({ result: { protocol: 2 } })
  })
})

describe('an agent of the one after that', () => {
  const said = 'this agent speaks protocol 3 and 2, the client 1'
  const advice = 'Update the sg-session client of the program that asks, and start that program again.'

  test('tells today’s clients to be updated', async () => {
    await startAgent(3)
    const client = node()
    await expect(client.status()).rejects.toMatchObject({ code: 'unsupported_version', message: said, advice })
    client.close()
    expect(await python()).toBe(`unsupported_version|${said}|${advice}`)
  })
})

describe('today’s agent', () => {
  test('tells a client of the next version that sg-session is to be updated, and which version it could speak', async () => {
    const endpoint = await startAgent()
    expect(await greetWith(endpoint, 2)).toMatchObject({
      error: {
        message: 'this agent speaks protocol 1, the client 2',
        data: {
          code: 'unsupported_version',
          advice: 'Update sg-session on this machine, and start it again: the program that asks is newer.',
          protocols: [1],
        },
      },
    })
    // A version before the first is none.
    expect(await greetWith(endpoint, 0)).toMatchObject({ error: { data: { protocols: [1] } } })
  })

  test('is not started where one of another version answers already', async () => {
    await startAgent(3)
    const second = stage.agent('artist', 'web')
    await expect(claimEndpoint([file], () => second.listen())).rejects.toMatchObject({ code: 'agent_already_running' })
  })
})
