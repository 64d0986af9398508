import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'
import { errorTable } from '../src/errors.ts'
import { builtinsWhenNeeded } from './builtins-when-needed.ts'
import { listBundledPackages } from './bundled-packages.ts'
import { inAscii } from './in-ascii.ts'
import { versionOfManifest } from './version-of-manifest.ts'

// The command line and the broker as one program each, `out/bin/sg-session` and `out/bin/sg-broker`, which need no Node on the machine:
// https://nodejs.org/docs/latest-v24.x/api/single-executable-applications.html. Run on the Node that is to be in them, for the system
// it runs on: `node build/single-executable.ts [sg-session] [sg-broker]`.

const root = fileURLToPath(new URL('..', import.meta.url))
const parts = join(root, 'out', 'single-executable')
const postject = join(root, 'node_modules', 'postject', 'dist', 'cli.js')
const ending = process.platform === 'win32' ? '.exe' : ''

/**
 * Instead of what OPENSSL_CONF names, which may have OpenSSL load any library: an installer runs the command line as root, and its word counts
 * for the artist's. The broker's environment is its administrator's, who may want FIPS.
 */
const nothing = process.platform === 'win32' ? 'NUL' : '/dev/null'

/**
 * Node reads all its authorities as soon as TLS is loaded, 44 of 340 million instructions of `sg-session get`, which trusts the endpoint
 * file's one certificate. Commands that talk to the world name the authorities they trust: `useSystemNetwork`.
 */
const withoutAuthorities = '--use-openssl-ca'

const entries: Readonly<Record<string, string>> = {
  'sg-session': 'src/cli/sg-session.ts',
  'sg-broker': 'src/broker/sg-broker.ts',
}

/** What Node looks for in its own file, and the fuse that tells it to look: both are Node's own names. */
const resource = {
  name: 'NODE_SEA_BLOB',
  machoSegment: 'NODE_SEA',
  fuse: 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2',
}

for (const name of process.argv.length > 2 ? process.argv.slice(2) : Object.keys(entries)) {
  const program = await makeExecutable(name)
  process.stdout.write(`${program} (${Math.round(statSync(program).size / 1e6)} MB)\n`)
}

async function makeExecutable(name: string): Promise<string> {
  const blob = makeBlob(name, await bundle(name))
  const program = join(root, 'out', 'bin', `${name}${ending}`)
  mkdirSync(join(root, 'out', 'bin'), { recursive: true })
  copyFileSync(process.execPath, program)
  chmodSync(program, 0o755)
  takeApart(program)
  const options = ['--sentinel-fuse', resource.fuse, '--macho-segment-name', resource.machoSegment]
  run(process.execPath, postject, program, resource.name, blob, ...options)
  // For this machine; a release is signed with the rest of the package. https://developer.apple.com/documentation/security
  if (process.platform === 'darwin') run('codesign', '--sign', '-', program)
  const { stdout } = run(program, '--version')
  if (!/^\d+\.\d+\.\d+/.test(stdout)) throw new Error(`"${program}" does not say its version but "${stdout}"`)
  return program
}

/** One CommonJS file: a single executable has no other kind, and no second file. What is imported dynamically is run when it is. */
async function bundle(name: string): Promise<string> {
  const entry = entries[name]
  if (entry === undefined) throw new Error(`"${name}" is none of ${Object.keys(entries).join(', ')}`)
  await build({
    root,
    configFile: false,
    logLevel: 'warn',
    plugins: [builtinsWhenNeeded(), versionOfManifest(), listBundledPackages(name), inAscii()],
    build: {
      ssr: entry,
      outDir: parts,
      emptyOutDir: false,
      target: 'node24',
      minify: true,
      rolldownOptions: {
        // Else V8 compiles, keeps and reads back the start of every module, also of those that the command does not run.
        optimization: { pifeForModuleWrappers: name !== 'sg-session' },
        // The folder of the executable; of all else a module knows about itself, nothing is left.
        transform: { define: { 'import.meta.dirname': '__dirname', 'import.meta': '{}' } },
        output: { format: 'cjs', entryFileNames: `${name}.cjs`, codeSplitting: false },
      },
    },
    ssr: { noExternal: true, external: ['pg-native'] },
  })
  return join(parts, `${name}.cjs`)
}

function makeBlob(name: string, bundled: string): string {
  const settings = join(parts, `${name}.json`)
  const output = join(parts, `${name}.blob`)
  const contents = {
    ...(name === 'sg-session' ? withCompiledCode(name, bundled) : { main: bundled }),
    output,
    disableExperimentalSEAWarning: true,
    useSnapshot: false,
    useCodeCache: true,
    // A signal must not open a door for debuggers, and what stands in NODE_OPTIONS must not run in here: this is no Node for others.
    execArgv: [
      '--disable-sigusr1',
      ...(name === 'sg-session' ? [`--openssl-config=${nothing}`, withoutAuthorities] : []),
    ],
    execArgvExtension: 'none',
  }
  writeFileSync(settings, JSON.stringify(contents))
  run(process.execPath, '--experimental-sea-config', settings)
  return output
}

/** The bundle as a function, beside the code of it that a command has run which finds no agent: what every command runs. */
function withCompiledCode(name: string, bundled: string): { main: string; assets: Record<string, string> } {
  const bundle = join(parts, `${name}.function.js`)
  const cache = join(parts, `${name}.code-cache`)
  const code = readFileSync(bundled, 'latin1').replace(/^#!.*/, '')
  writeFileSync(bundle, `(function (exports, require, module, __filename, __dirname) {${code}\n})`, 'latin1')
  const noAgent = { ...process.env, SG_SESSION_ENDPOINT: join(parts, 'no-agent', 'endpoint.json') }
  const command = [bundle, cache, String(errorTable.agent_not_running.exit), 'get']
  runIn(noAgent, process.execPath, join(root, 'build', 'write-code-cache.cjs'), ...command)
  return { main: join(root, 'build', 'executable-entry.cjs'), assets: { bundle, 'code-cache': cache } }
}

/** Takes off what does not survive the change, or is of no use: signatures, and the names for debuggers (18 MB). */
function takeApart(program: string): void {
  if (process.platform === 'darwin') run('codesign', '--remove-signature', program)
  // Where it is not installed, the signature stays and is merely invalid until the release is signed.
  if (process.platform === 'win32') spawnSync('signtool', ['remove', '/s', program])
  if (process.platform === 'linux') run('strip', program)
}

function run(program: string, ...args: string[]): { stdout: string } {
  return runIn(process.env, program, ...args)
}

function runIn(env: NodeJS.ProcessEnv, program: string, ...args: string[]): { stdout: string } {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', env })
  if (status !== 0) throw new Error(`"${program} ${args.join(' ')}" failed: ${error?.message ?? stderr}`)
  return { stdout }
}
