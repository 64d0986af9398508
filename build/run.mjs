// What the npm scripts start. Plain JavaScript for Node 20; what it starts runs on the pinned Node.
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { installFromSystem, installPackages, needs, node, root, run, runShown, say } from './bootstrap.mjs'
import { watchForSecrets } from './canaries.mjs'
import { prepareElectron } from './electron.mjs'

const [task, ...rest] = process.argv.slice(2)
// `npm run demo -- --once` and `npm run demo --once` both mean the same.
const args = rest.filter((argument) => argument !== '--')
const bin = (name) => join(root, 'node_modules', '.bin', name)
if (args.includes('--no-color')) process.env.NO_COLOR = '1'
const env = { ...process.env, PATH: `${join(root, 'node_modules', '.bin')}${delimiter}${process.env.PATH}` }
const bundling = ['build', '--config', join('build', 'electron.vite.config.ts'), '--logLevel', 'warn']
const brokerBundling = ['build', '--config', join('build', 'broker.vite.config.ts'), '--logLevel', 'warn']
const commandLineBundling = ['build', '--config', join('build', 'command-line.vite.config.ts'), '--logLevel', 'warn']

switch (task) {
  case 'check':
    installPackages()
    run(bin('tsc'), ['-b'], { env })
    run(bin('biome'), ['check', '--error-on-warnings'], { env })
    run(bin('vitest'), ['run', '--config', 'test/vitest.config.ts', '--project', 'unit', ...args], { env })
    break
  case 'test':
    await installFromSystem([
      ...needs.browser,
      ...needs.desktop,
      ...needs.databases,
      ...needs.electron,
      ...needs.keytar,
      ...needs.faults,
      ...needs.checkers,
    ])
    installPackages({ wantKeytar: true })
    await provideElectron()
    process.exitCode = await test(args)
    break
  case 'test:packages':
    await installFromSystem([
      ...needs.browser,
      ...needs.electron,
      ...needs.keytar,
      ...needs.packages,
      ...needs.roots,
      ...needs.windows,
      ...needs.checkers,
      ...needs.images,
    ])
    installPackages({ wantKeytar: true })
    process.exitCode = await testPackages(args)
    break
  case 'start':
    await installFromSystem([...needs.electron, ...needs.keytar])
    installPackages({ wantKeytar: true })
    if (!(await provideElectron())) process.exit(1)
    forward([join('build', 'start.ts'), ...args])
    break
  case 'bundle':
    installPackages()
    run(bin('electron-vite'), bundling, { env })
    break
  case 'executables':
    await installFromSystem(needs.executables)
    installPackages()
    forward([join('build', 'single-executable.ts'), ...args])
    break
  case 'policy':
    installPackages()
    forward([join('src', 'policy', 'generate.ts')])
    break
  case 'reference':
    if ((await installFromSystem(['python3'])).length > 0) process.exit(1)
    installPackages()
    forward([join('build', 'reference', 'write.ts')])
    break
  case 'docs':
    installPackages()
    forward([join('build', 'site', 'site.ts'), ...args])
    break
  case 'demo': {
    const once =
      args.includes('--once') || !(process.env.DISPLAY || process.env.WAYLAND_DISPLAY || process.platform !== 'linux')
    const wanted = [...needs.electron, ...(once ? [...needs.browser, ...needs.desktop] : ['python3'])]
    if ((await installFromSystem(wanted)).length > 0) process.exit(1)
    installPackages()
    if (!(await provideElectron())) process.exit(1)
    if (runShown('bundling the app', [bin('electron-vite'), ...bundling], { env }) !== 0) {
      say(
        'The app could not be bundled: its words are above. A fresh "npm ci" helps where packages are from another day.',
      )
      process.exit(1)
    }
    forward([
      join('test', 'sandbox', 'demo.ts'),
      ...(once ? ['--once'] : []),
      ...args.filter((one) => one !== '--once'),
    ])
    break
  }
  // What a release's job does before it gets its secrets: code of others runs while it is installed.
  case 'prepare':
    await installFromSystem([...needs.packages, ...needs.electron, ...needs.keytar])
    installPackages({ wantKeytar: true })
    if (!(await provideElectron())) process.exit(1)
    break
  case 'dist:linux':
  case 'dist:mac':
  case 'dist:win':
    if ((await installFromSystem([...needs.packages, ...needs.electron, ...needs.keytar])).length > 0) process.exit(1)
    installPackages({ wantKeytar: true })
    if (!(await provideElectron())) process.exit(1)
    forward(['--disable-warning=ExperimentalWarning', join('build', 'dist.ts'), task.slice('dist:'.length), ...args])
    break
  case 'bench':
    await installFromSystem([...needs.electron, ...needs.keytar, ...needs.desktop, ...needs.databases, ...needs.bench])
    installPackages({ wantKeytar: true })
    await provideElectron()
    run(bin('electron-vite'), bundling, { env })
    forward([join('test', 'bench', 'run.ts'), ...args])
    break
  case 'soak':
    await installFromSystem(needs.soak)
    installPackages()
    run(bin('vite'), brokerBundling, { env })
    env.SG_BROKER_PROGRAM = join(root, 'out', 'sg-broker.js')
    forward([join('test', 'soak', 'run.ts'), ...args])
    break
  case 'fuzz':
    installPackages()
    forward(['--disable-warning=ExperimentalWarning', join('test', 'fuzz', 'fuzz.ts'), ...args])
    break
  case 'sandbox':
    installPackages()
    forward([join('test', 'sandbox', 'start.ts'), ...args])
    break
  case 'webapp':
    installPackages()
    forward([join('test', 'sandbox', 'webapp', 'start.ts'), ...args])
    break
  default:
    say(
      'usage: node build/run.mjs check|test|test:packages|start|bundle|executables|policy|reference|docs|demo|fuzz|sandbox|webapp|bench|soak|prepare|dist:linux|dist:mac|dist:win',
    )
    process.exitCode = 2
}

/** Names Electron's executable to the programs started from here, in SG_SESSION_ELECTRON. False when there is none. */
async function provideElectron() {
  const executable = await prepareElectron(env)
  if (executable) env.SG_SESSION_ELECTRON = executable
  return executable !== undefined
}

/** Types, lint, the bundled app and every test; closes with one line that counts them all. Returns the exit status. */
async function test(filters) {
  const bundles = [
    ['bundle', 'electron-vite', bundling],
    ['broker', 'vite', brokerBundling],
    ['command line', 'vite', commandLineBundling],
  ]
  const steps =
    filters.length > 0
      ? bundles
      : [['types', 'tsc', ['-b']], ['lint', 'biome', ['check', '--error-on-warnings']], ...bundles]
  const failedSteps = steps.filter(([name, command, options]) => {
    process.stdout.write(`${name} …\n`)
    return spawnSync(bin(command), options, { cwd: root, stdio: 'inherit', env }).status !== 0
  })
  if (!failedSteps.some(([name]) => name === 'broker')) env.SG_BROKER_PROGRAM = join(root, 'out', 'sg-broker.js')
  if (!failedSteps.some(([name]) => name === 'command line'))
    env.SG_SESSION_PROGRAM = join(root, 'out', 'cli', 'sg-session.js')
  // Each test file loads the same packages anew: a tenth of the run.
  env.NODE_COMPILE_CACHE ??= join(tmpdir(), 'sg-session-compile-cache')
  const folder = mkdtempSync(join(tmpdir(), 'sg-session-counts-'))
  const countsFile = join(folder, 'counts.json')
  const watching = await watchForSecrets()
  await watching.run(bin('vitest'), ['run', '--config', 'test/vitest.config.ts', ...filters], {
    cwd: root,
    env: { ...env, ...watching.env, SG_TEST_COUNTS: countsFile },
  })
  const secrets = await watching.finish(filters.length === 0)
  process.stdout.write(`${secrets.lines.join('\n')}\n`)
  const counts = readCounts(countsFile)
  rmSync(folder, { recursive: true })
  // The search for secrets is one test more.
  const passed = counts.passed + steps.length - failedSteps.length + (secrets.ok ? 1 : 0)
  const failed = counts.failed + failedSteps.length + (secrets.ok ? 0 : 1)
  return conclude(counts, passed, failed)
}

/**
 * Makes packages of two versions and tests them in a Debian of their own; closes with one line that counts. Returns the exit
 * status. `--reuse`: with the packages of the run before. `--no-skips`: what is skipped has failed; for machines that are to have all it takes.
 */
async function testPackages(options) {
  const made = join(root, 'out', 'test-packages')
  if (!options.includes('--reuse')) {
    rmSync(made, { recursive: true, force: true })
    for (const [name, version] of Object.entries({ older: '0.0.8', newer: '0.0.9' })) {
      process.stdout.write(`packages ${version} …\n`)
      run(process.execPath, [
        join('build', 'run.mjs'),
        ...['dist:linux', '--test-build', '--fast', '--version', version],
      ])
      mkdirSync(made, { recursive: true })
      renameSync(join(root, 'out', 'packages'), join(made, name))
    }
  }
  const filters = options.filter((one) => one !== '--reuse' && one !== '--no-skips')
  const folder = mkdtempSync(join(tmpdir(), 'sg-session-counts-'))
  const countsFile = join(folder, 'counts.json')
  run(bin('vite'), brokerBundling, { env })
  spawnSync(bin('vitest'), ['run', '--config', 'test/packages/vitest.config.ts', ...filters], {
    cwd: root,
    stdio: 'inherit',
    env: {
      ...env,
      SG_TEST_PACKAGES: made,
      SG_BROKER_PROGRAM: join(root, 'out', 'sg-broker.js'),
      SG_TEST_COUNTS: countsFile,
    },
  })
  const counts = readCounts(countsFile)
  rmSync(folder, { recursive: true })
  return conclude(counts, counts.passed, counts.failed + (options.includes('--no-skips') ? counts.skipped.length : 0))
}

/** Says what was skipped, and the one line that counts. Returns the exit status. */
function conclude({ skipped }, passed, failed) {
  for (const { name, reason } of skipped) process.stdout.write(`skipped: ${name}: ${reason}\n`)
  process.stdout.write(`${passed} passed, ${failed} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}\n`)
  return failed === 0 ? 0 : 1
}

function readCounts(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    // vitest died before it could count.
    return { passed: 0, failed: 1, skipped: [] }
  }
}

/** Runs a long-lived script on the pinned Node and hands signals on, so that it can clean up. */
function forward(script) {
  // npm's door to the pinned Node is a script on Windows.
  const child = spawn(node, script, { cwd: root, stdio: 'inherit', env, shell: process.platform === 'win32' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (status) => {
    process.exitCode = status ?? 1
  })
}
