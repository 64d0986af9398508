import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { claimEndpoint } from '../../src/socket/claim-endpoint.ts'
import type { Judgement } from './snippets/judge-command-lines.ts'
import { judgeJson } from './snippets/judge-json.ts'
import { type Block, readBlocks, snippetPages } from './snippets/read-blocks.ts'
import { readCommands } from './snippets/read-commands.ts'
import { startWorld, type World } from './world.ts'

/** Every snippet that people copy out of the pages: Python and JavaScript are run, JSON is judged, commands are parsed. */
const blocks = snippetPages.flatMap((page) => readBlocks(page))
const place = ({ page, line }: Block): string => `${page}:${line}`
const of = (...languages: string[]): Block[] => blocks.filter(({ language }) => languages.includes(language))

/** Nothing to run: diagrams, what a program answers, and what is played by test/integration/protocol-page.test.ts. */
const shown = ['text', 'csv', 'protocol']
/** What is never run here: each says why. */
const foreign = ['nginx', 'yaml', 'bat']

test('every block says what it is, and one that is not run says why', () => {
  const known = ['python', 'js', 'sh', 'console', 'json', ...shown, ...foreign]
  const unknown = blocks.filter(({ language }) => !known.includes(language))
  expect(unknown.map((block) => `${place(block)} ${block.language || 'has no language'}`)).toEqual([])
  expect(of(...foreign).filter(({ notRun }) => !notRun)).toEqual([])
  expect(of('protocol').filter(({ page }) => page !== 'docs/PROTOCOL.md')).toEqual([])
})

describe('not run, and why', () => {
  const excused = blocks.filter(({ notRun }) => notRun)
  test.for(excused.map((block) => [place(block), block.notRun ?? '', block] as const))('%s: %s', ([, , block]) => {
    // What is ours, and could be run, has no excuse.
    expect(['sh', ...foreign]).toContain(block.language)
  })
})

describe('JSON', () => {
  test.for(of('json').map((block) => [place(block), block] as const))('%s is what it says', ([, block]) => {
    expect(judgeJson(block.judgedAs, block.text)).toEqual([])
  })

  test.each([
    ['policy', '{"locked": {"session": {"maxAgeHour": 10}}}', 'maxAgeHour'],
    ['policy', '{"session": {}}', 'locked'],
    ['settings', '{"nothing": {}}', 'nothing'],
    ['part of broker.json', '"listen": { "prt": 8443 }', 'prt'],
    ['broker.json', '{}', 'issuer'],
    ['doctor report', '{"version": "1", "ok": true, "at": "now", "findings": []}', 'at'],
    [
      'error of the protocol',
      '{"code": -1, "message": "", "data": {"code": "no_such_code", "advice": ""}}',
      'data.code',
    ],
    ['policy', '{', 'JSON'],
    [undefined, '{}', 'nothing above it'],
    ['nobody knows', '{}', 'none of'],
  ])('%s %s would be found', (kind, text, wrong) => expect(judgeJson(kind, text).join()).toContain(wrong))
})

describe('commands', () => {
  const shells = [...of('sh'), ...of('console').map((block) => ({ ...block, text: typed(block.text) }))]
  const lines = shells.flatMap((block) => readCommands(block.text).map((words) => ({ block, words })))
  const ours = lines.filter(({ words: [name = ''] }) => ['sg-session', 'sg-broker'].includes(name))

  test.for(shells.map((block) => [place(block), block] as const))('%s is shell', ([, block]) => {
    const { status, stderr } = spawnSync('sh', ['-n'], { input: block.text, encoding: 'utf8' })
    expect([status, stderr]).toEqual([0, ''])
  })

  /** None of these exists. */
  const wrong = ['sg-session gett', 'sg-session get --jsn', 'sg-session exec', 'sg-broker people sett'].map((line) =>
    line.split(' '),
  )
  let judgement: Judgement
  beforeAll(() => {
    const input = JSON.stringify([...ours.map(({ words }) => words), ...wrong])
    const script = 'test/integration/snippets/judge-command-lines.ts'
    // As on the broker's machine, where the pages have it set.
    const env = { ...process.env, SG_BROKER_CONFIG: '/etc/sg-broker/broker.json' }
    const { stdout, stderr, status } = spawnSync(process.execPath, [script], { input, env, encoding: 'utf8' })
    if (status !== 0) throw new Error(stderr)
    judgement = JSON.parse(stdout)
  })

  test('of ours exist, with their options and arguments', () => {
    expect(ours.length).toBeGreaterThan(25)
    const refused = ours.flatMap(({ block, words }, at) =>
      judgement.against[at] ? [`${place(block)} ${words.join(' ')}: ${judgement.against[at]}`] : [],
    )
    expect(refused).toEqual([])
  })

  test('of ours that there are not would be found', () => {
    expect(judgement.against.slice(ours.length)).toEqual(wrong.map(() => expect.any(String)))
  })

  test('of ours in the text exist too', () => {
    const commands = new Set(judgement.commands)
    const options = new Set(judgement.options)
    const named = snippetPages.flatMap((page) =>
      [...readFileSync(page, 'utf8').matchAll(/`((?:sg-session|sg-broker) [^`\n]+)`/g)].map(([, line = '']) => ({
        page,
        line,
      })),
    )
    expect(named.length).toBeGreaterThan(80)
    // The domain separation of a nonce, and who a changelog says made the package.
    const noCommands = ['sg-session nonce 1', 'sg-session <root@localhost>']
    const unknown = named.filter(({ line }) => {
      if (noCommands.includes(line)) return false
      const [program = '', ...rest] = line.split(/ -- |…/)[0]?.split(/[\s[\]|]+/) ?? []
      const [command = '-'] = rest
      const isKnown = command.startsWith('-') || command === '' || commands.has(`${program} ${command}`)
      return !isKnown || rest.some((word) => word.startsWith('--') && !options.has(word.split('=')[0] ?? ''))
    })
    expect(unknown).toEqual([])
  })

  test('of npm are scripts of this package, and the files and switches they are given exist', () => {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> }
    const sources = globSync(['build/*.{ts,mjs}', 'test/sandbox/*.ts', 'test/{soak,fuzz,bench}/*.ts']).map((file) =>
      readFileSync(file, 'utf8'),
    )
    const wrong = lines
      .filter(({ words: [name], block }) => name === 'npm' && !block.notRun?.includes('registry'))
      .flatMap(({ block, words: [, first = '', ...rest] }) => {
        if (['ci', 'pack', 'install'].includes(first)) return []
        const [script = '', ...args] = first === 'run' ? rest : [first, ...rest]
        const unknown = args.filter((word) => {
          if (word.startsWith('--') && word !== '--') return !sources.some((source) => source.includes(word.slice(2)))
          return word.includes('/') && !existsSync(word)
        })
        return [...(scripts[script] ? unknown : [`npm run ${script}`])].map((word) => `${place(block)} ${word}`)
      })
    expect(wrong).toEqual([])
  })

  test('of the system stand in blocks that say why they are not run, or are harmless', () => {
    const harmless = ['npm', 'sg-session', 'sg-broker', 'curl', 'mkdir', 'cat', 'grep', 'tail', 'cut', 'python3', '-m']
    const wrong = lines.filter(({ block, words: [name = ''] }) => !block.notRun && !harmless.includes(name))
    expect(wrong.map(({ block, words }) => `${place(block)} ${words.join(' ')}`)).toEqual([])
  })
})

describe('a page that is followed', () => {
  let world: World
  let folder: string
  let agent: ReturnType<World['agent']>
  let release: () => Promise<void>
  let env: Record<string, string>
  beforeAll(async () => {
    world = await startWorld({ agentIdentity: { serveAccessToken: true } })
    folder = await mkdtemp(join(tmpdir(), 'sg-session-snippets-'))
    await mkdir(join(folder, 'run'), { mode: 0o700 })
    agent = world.agent('artist')
    const claimed = await claimEndpoint([join(folder, 'run', 'sg-session', 'endpoint.json')], () => agent.listen())
    release = () => claimed.release()
    const clients = ['src/client/python', 'test/python/stand_in'].map((path) => resolve(path))
    env = {
      PATH: process.env['PATH'] ?? '',
      HOME: folder,
      SHOTGUN_HOME: folder,
      XDG_RUNTIME_DIR: join(folder, 'run'),
      PYTHONPATH: clients.join(':'),
      PYTHONDONTWRITEBYTECODE: '1',
    }
  })
  afterAll(async () => {
    await release?.()
    await world?.close()
    await rm(folder, { recursive: true, force: true })
  })

  const expireSessions = async (): Promise<void> => {
    const headers = { 'content-type': 'application/json' }
    await fetch(`${world.site.url}/sandbox/sessions/expire`, { method: 'POST', headers, body: '{}' })
  }
  /** What a `<!-- when: … -->` brings about. */
  const states: Readonly<Record<string, () => Promise<unknown>>> = {
    'nobody is signed in': async () => {
      await expireSessions()
      await agent.signOut(undefined)
    },
    'the site has ended the session': expireSessions,
  }
  const bringAbout = async ({ when, ...block }: Block): Promise<void> => {
    const change = when === undefined ? () => signedIn() : states[when]
    if (!change) throw new Error(`${place({ when, ...block })}: "${when}" is none of ${Object.keys(states).join(', ')}`)
    await change()
  }
  const signedIn = async (): Promise<unknown> => {
    const [status] = agent.status()
    return status?.state === 'signed_in' ? undefined : agent.signIn(undefined)
  }

  const pythonPages = [...new Set(of('python').map(({ page }) => page))]
  test.for(pythonPages)('%s, in Python', async (page) => {
    await signedIn()
    const follower = new Follower(env)
    try {
      for (const block of of('python').filter((one) => one.page === page)) {
        await bringAbout(block)
        expect((await follower.run(block)).failed, place(block)).toBeNull()
      }
    } finally {
      await follower.end()
    }
  })

  test.for(of('js').map((block) => [place(block), block] as const))('%s, in Node', async ([, block]) => {
    await bringAbout(block)
    const file = join(folder, `${block.line}.mjs`)
    await writeFile(file, block.text)
    const child = spawn(process.execPath, ['--import', resolve('test/integration/snippets/from-sources.mjs'), file], {
      env,
    })
    const said = { stdout: '', stderr: '' }
    for (const stream of ['stdout', 'stderr'] as const) child[stream].on('data', (chunk) => (said[stream] += chunk))
    const [status] = (await once(child, 'close')) as [number]
    expect([status, said.stderr]).toEqual([0, ''])
    expect(said.stdout).toContain('artist@studio.example')
  })

  test('a snippet that fails would be found, with the line of its page', async () => {
    await signedIn()
    const follower = new Follower(env)
    const [block] = readBlocks('docs/page.md', 'a\n```python\nimport sg_session\nsg_session.get_sesion()\n```\n')
    if (!block) throw new Error('there is no block')
    const { failed } = await follower.run(block)
    await follower.end()
    expect(failed).toContain('File "docs/page.md", line 4')
  })
})

test.each([
  ['```sh\nnpm test\n', 'docs/page.md:1: the block has no end'],
  ['<!-- notrun: because -->\n```sh\nnpm test\n```', 'docs/page.md:1: "<!-- notrun: because -->" is no comment'],
])('a page with %j is refused', (text, message) => expect(() => readBlocks('docs/page.md', text)).toThrow(message))

test('commands are found behind whatever starts them, and not in what they read', () => {
  const shell =
    'sudo -u me env A=1 x --y "a b" | z 2>&1 # not me\ncat > f <<\'END\'\nno command\nEND\nA=1 b \\\n  c && d > e &\n'
  expect(readCommands(shell)).toEqual([['x', '--y', 'a b'], ['z'], ['cat'], ['b', 'c'], ['d']])
})

/** What was typed in a transcript. */
function typed(transcript: string): string {
  return transcript
    .split('\n')
    .filter((line) => line.startsWith('$ '))
    .map((line) => `${line.slice(2)}\n`)
    .join('')
}

/** A Python that follows one page. */
class Follower {
  readonly #child: ChildProcess
  readonly #answers: AsyncIterator<string>
  readonly #lines: Interface
  #stderr = ''

  constructor(env: Readonly<Record<string, string>>) {
    const child = spawn('python3', ['-u', resolve('test/integration/snippets/run_blocks.py')], { env: { ...env } })
    child.stderr.on('data', (chunk) => {
      this.#stderr += chunk
    })
    this.#child = child
    this.#lines = createInterface({ input: child.stdout })
    this.#answers = this.#lines[Symbol.asyncIterator]()
  }

  async run({ page, line, text }: Block): Promise<{ failed: string | null; printed: string }> {
    this.#child.stdin?.write(`${JSON.stringify({ page, line, text })}\n`)
    const { value, done } = await this.#answers.next()
    if (done) throw new Error(`Python ended: ${this.#stderr}`)
    return JSON.parse(value)
  }

  async end(): Promise<void> {
    this.#child.stdin?.end()
    if (this.#child.exitCode === null) await once(this.#child, 'close')
    this.#lines.close()
  }
}
