import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Canary, Finder } from '../canaries/finder.ts'
import { CanarySearch, makeRunFolder, ProcessWatch, type RunFolder } from '../canaries/run.ts'
import { encodings, shapesOf } from '../canaries/shapes.ts'

/** A token with what distinguishes the alphabets: `+` and `/` in base64, and what addresses escape. */
const awkward = (): string => `${randomBytes(12).toString('hex')}~?>ÿ~?>ÿ`
const token = (): string => randomBytes(16).toString('hex')
const jwt = (): string =>
  `eyJhbGciOiJIUzI1NiJ9.${randomBytes(600).toString('base64url')}.${randomBytes(32).toString('base64url')}`

describe('a secret is found', () => {
  for (const encoding of encodings) {
    test(`${encoding}, alone and within other bytes, whatever stands before it`, () => {
      const secret = awkward()
      const finder = new Finder()
      finder.add({ what: 'it', secret })
      const shapes = shapesOf(secret).filter((shape) => shape.encoding === encoding)
      expect(shapes.length).toBeGreaterThan(0)
      for (const { bytes } of shapes) {
        for (const before of ['', 'a', 'ab', 'x'.repeat(100_000)]) {
          const found = finder.search(Buffer.concat([Buffer.from(before), bytes, Buffer.from('behind')]))
          expect(found).toEqual([{ what: 'it', encoding }])
        }
      }
    })
  }

  test('in what was encoded together with other things: a header, a form, a JSON text', () => {
    const secret = awkward()
    const finder = new Finder()
    finder.add({ what: 'it', secret })
    const wholes = ['', 'u:', 'us:', 'use:'].flatMap((before) => {
      const text = `${before}${secret}${before}`
      const bytes = Buffer.from(text)
      return [
        bytes.toString('base64'),
        bytes.toString('base64url'),
        bytes.toString('hex'),
        bytes.toString('hex').toUpperCase(),
        encodeURIComponent(text),
        JSON.stringify({ text }),
        bytes.toString('utf16le' as 'utf8'),
      ].slice(0, 6)
    })
    for (const whole of wholes) expect(finder.search(Buffer.from(whole)), whole).toHaveLength(1)
  })

  test('when a long one was cut in front or behind', () => {
    const secret = jwt()
    const finder = new Finder()
    finder.add({ what: 'it', secret })
    for (const part of [secret, secret.slice(200), secret.slice(0, 600)])
      expect(finder.search(Buffer.from(`log: ${part}…`))).toHaveLength(1)
    expect(finder.search(Buffer.from(secret.slice(0, 100)))).toEqual([])
  })

  test('across the pieces a file is read in', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sg-session-finder-'))
    const secret = token()
    const finder = new Finder()
    finder.add({ what: 'it', secret })
    for (const before of [-60, -33, -32, -31, -17, -16, -15, -2, -1, 0, 1]) {
      const file = join(folder, 'file')
      await writeFile(file, `${'x'.repeat(1024 * 1024 + before)}${secret}`)
      expect(await finder.searchFile(file)).toHaveLength(1)
    }
    await rm(folder, { recursive: true })
  })
})

test('what was not written down is not found, and a word too short is not looked for', () => {
  const finder = new Finder()
  for (let count = 0; count < 2_000; count += 1) finder.add({ what: 'token', secret: token() })
  expect(finder.add({ what: 'code', secret: '246810' })).toBe(false)
  expect(finder.search(randomBytes(5_000_000))).toEqual([])
  expect(finder.search(Buffer.from(randomBytes(2_000_000).toString('hex')))).toEqual([])
  expect(finder.search(Buffer.from('246810 '.repeat(1_000)))).toEqual([])
})

describe('in a run, a secret is found in', () => {
  let folder: string
  let run: RunFolder
  let search: CanarySearch
  beforeAll(() => {
    if (process.platform !== 'linux') throw new Error('processes are looked at as Linux shows them')
  })
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sg-session-run-'))
    run = await makeRunFolder(folder)
    search = new CanarySearch(folder)
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  async function plant(what = 'session token'): Promise<string> {
    const canary: Canary = { what, secret: token() }
    await writeFile(run.ledger, `${JSON.stringify(canary)}\n`, { flag: 'a' })
    return canary.secret
  }

  const hits = async (): Promise<string[]> =>
    (await search.finish()).hits.map(
      ({ place, what, encoding }) => `${place.replace(/\d{4,}/g, 'n')}: ${what}, ${encoding}`,
    )

  test('a file, a log and what was printed', async () => {
    await mkdir(join(run.temporary, 'studio', 'logs'), { recursive: true })
    await writeFile(join(run.temporary, 'studio', 'logs', 'agent.log'), `{"msg":"${await plant('REST access token')}"}`)
    await writeFile(join(run.seen, 'output'), `stderr: ${await plant()}`)
    expect((await hits()).sort()).toEqual([
      's/output: session token, as it is',
      't/studio/logs/agent.log: REST access token, as it is',
    ])
  })

  test('a folder that a test has removed', async () => {
    await mkdir(join(run.attic, '1-1'))
    await writeFile(join(run.attic, '1-1', 'state.json'), Buffer.from(await plant()).toString('base64'))
    await search.sweep()
    expect(await readdir(run.attic)).toEqual([])
    expect(await hits()).toEqual(['a/1-1/state.json: session token, base64'])
  })

  test('a database', async () => {
    const database = new DatabaseSync(join(run.temporary, 'broker.sqlite'))
    database.exec('CREATE TABLE t (v TEXT)')
    database.prepare('INSERT INTO t VALUES (?)').run(`Bearer ${await plant()}`)
    database.close()
    expect(await hits()).toEqual(['t/broker.sqlite: session token, as it is'])
  })

  test('an argument and the environment of a process', async () => {
    const inArgument = await plant('passphrase')
    const inEnvironment = await plant('Autodesk access token')
    const watch = new ProcessWatch(run.seen, Date.now() - 1_000)
    const child = spawn('sleep', ['60', '--', inArgument], { env: { TOKEN: inEnvironment } })
    const sleeping = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)', inArgument], {
      env: { TOKEN: inEnvironment },
    })
    await expect
      .poll(
        async () => {
          await watch.look()
          return (await hits()).sort()
        },
        { timeout: 20_000 },
      )
      .toEqual(['s/processes: Autodesk access token, as it is', 's/processes: passphrase, as it is'])
    child.kill('SIGKILL')
    sleeping.kill('SIGKILL')
  })

  test('a place that is known only if it is another secret than the one that must be there', async () => {
    await mkdir(join(run.temporary, 'run'))
    const files = { key: await plant('endpoint key'), token: await plant('session token') }
    await writeFile(join(run.temporary, 'run', 'endpoint.json'), JSON.stringify(files))
    const report = await search.finish()
    expect(report.hits).toMatchObject([{ what: 'session token', place: 't/run/endpoint.json' }])
    expect(Object.values(report.known)).toEqual([1])
  })
})

describe('what watches the run', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sg-session-run-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  test('reports when its input ends: the culprit, the place and the encoding, and never the secret', async () => {
    const child = spawn(process.execPath, [resolve('test', 'canaries', 'watch.ts'), folder], { stdio: 'pipe' })
    let said = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    await expect.poll(() => said, { timeout: 20_000 }).toBe('ready\n')
    const secret = token()
    await writeFile(join(folder, 'l', 'ledger'), `${JSON.stringify({ what: 'session token', secret })}\n`)
    await writeFile(join(folder, 't', 'leak'), encodeURIComponent(`token=${secret}`))
    child.stdin.end()
    await new Promise((done) => child.once('close', done))
    expect(JSON.parse(said.slice('ready\n'.length))).toMatchObject({
      secrets: 1,
      hits: [{ what: 'session token', encoding: 'as it is', place: 't/leak' }],
    })
    expect(said).not.toContain(secret)
  })
})
