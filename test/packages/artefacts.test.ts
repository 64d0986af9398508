import { execFile } from 'node:child_process'
import { lstat, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { listPackage } from '@electron/asar'
import { afterAll, expect, type TestContext, test } from 'vitest'
import { judgeFuses, readFuses } from '../../build/pack-hooks.mjs'
import { deb, keep, packageFile } from './stage.ts'

const run = promisify(execFile)
/** What lies in the deb, unpacked and not installed: needs no root. */
let folder = ''
async function unpacked(context: TestContext): Promise<string> {
  const file = await packageFile(context, 'newer', deb)
  if (folder === '') {
    folder = await mkdtemp(join(tmpdir(), 'sg-session-deb-'))
    await run('dpkg-deb', ['-x', file, folder])
  }
  return join(folder, 'opt', 'sg-session')
}
afterAll(() => rm(folder, { recursive: true, force: true }))

test('the fuses of the packaged program are blown as they should be', async (context) => {
  const program = join(await unpacked(context), 'sg-session-app')
  const { stdout } = await run(resolve('node_modules/.bin/electron-fuses'), ['read', '--app', program])
  await keep('fuses.txt', stdout)
  process.stdout.write(stdout)
  expect(judgeFuses(await readFuses(program))).toEqual([])
})

test('the command line runs nothing that Node’s or OpenSSL’s variables name', async (context) => {
  const program = join(await unpacked(context), 'bin', 'sg-session')
  const foreign = await mkdtemp(join(tmpdir(), 'sg-session-foreign-'))
  try {
    const named = join(foreign, 'named')
    const script = `require('node:fs').writeFileSync(${JSON.stringify(named)}, '')`
    await writeFile(join(foreign, 'x.cjs'), script)
    // The library is not there: OpenSSL that looks for it has Node end at once, as a Node from elsewhere shows.
    const provider = `[i]\nproviders = p\n[p]\nx = x\n[x]\nmodule = ${foreign}/x.so\nactivate = 1\n`
    await writeFile(join(foreign, 'x.cnf'), `nodejs_conf = i\n${provider}`)
    const environments = [{ NODE_OPTIONS: `--require=${foreign}/x.cjs` }, { OPENSSL_CONF: join(foreign, 'x.cnf') }]
    for (const env of environments) {
      const { stdout } = await run(program, ['--version'], { env })
      expect(stdout).toMatch(/^\d+\.\d+\.\d+/)
      await expect(lstat(named)).rejects.toThrow()
      const other = await run(process.execPath, ['-p', '1'], { env }).catch(() => 'ended')
      expect(other === 'ended' || (await lstat(named)).isFile(), JSON.stringify(env)).toBe(true)
      await rm(named, { force: true })
    }
  } finally {
    await rm(foreign, { recursive: true })
  }
})

test('no test, source or map is inside, and of the npm packages only what cannot be bundled', async (context) => {
  const app = await unpacked(context)
  const archived = listPackage(join(app, 'resources', 'app.asar'), { isPack: false })
  await keep('asar.txt', archived.join('\n'))
  expect(archived).toContain('/package.json')
  const beside = (await readdir(folder, { recursive: true })).map((name) => `/${name}`)
  const all = [...archived, ...beside]
  expect(
    all.filter((name) => /\.(ts|tsx|mts|map|tsbuildinfo)$|\.test\.|(^|\/)(test|tests|src|\.git)(\/|$)/.test(name)),
  ).toEqual([])
  const modules = new Set(all.flatMap((name) => /\/node_modules\/([^/]+)/.exec(name)?.[1] ?? []))
  expect([...modules].filter((name) => name !== 'keytar')).toEqual([])
})

test('how large it is', async (context) => {
  const app = await unpacked(context)
  const made = await packageFile(context, 'newer', deb)
  const names = (await readdir(join(made, '..'))).filter((name) => /\.(deb|rpm|gz|AppImage)$/.test(name))
  const sizes = await Promise.all(
    names.map(async (name) => [name, (await lstat(join(made, '..', name))).size] as const),
  )
  const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`
  const parts = await Promise.all(
    ['.', 'bin/sg-session', 'sg-session-app', 'resources', 'python'].map(async (name) => {
      const { stdout } = await run('du', ['-sb', join(app, name)])
      return [name === '.' ? 'installed tree' : basename(name), Number(stdout.split('\t')[0])] as const
    }),
  )
  const text = [...sizes, ...parts].map(([name, bytes]) => `${megabytes(bytes).padStart(10)}  ${name}`).join('\n')
  await keep('sizes.txt', `${text}\n`)
  process.stdout.write(`${text}\n`)
  expect(parts[0]?.[1]).toBeLessThan(450e6)
})

test('every file is as its checksum says', async (context) => {
  const made = join(await packageFile(context, 'newer', deb), '..')
  const { stdout } = await run('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: made })
  expect(stdout).toMatch(/\.deb: OK/)
  expect(stdout).toMatch(/\.rpm: OK/)
  expect(stdout).toMatch(/\.tar\.gz: OK/)
})

test('the archive holds the tree of the deb', async (context) => {
  const archive = await packageFile(context, 'newer', /^sg-session.*\.tar\.gz$/)
  await unpacked(context)
  const { stdout } = await run('tar', ['-tzf', archive], { maxBuffer: 1 << 24 })
  const listed = stdout.split('\n').filter((name) => name !== '' && !name.endsWith('/'))
  const root = `${listed[0]?.split('/')[0]}/`
  const inArchive = new Set(listed.map((name) => name.replace(root, '')))
  const inDeb = (await readdir(join(folder, 'opt', 'sg-session'), { recursive: true, withFileTypes: true }))
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(join(folder, 'opt', 'sg-session').length + 1))
  const missing = inDeb.filter(
    (name) => ![...inArchive].some((there) => there === name || there.endsWith(`opt/sg-session/${name}`)),
  )
  expect(missing).toEqual([])
})
