// What the npm scripts start. Plain JavaScript for Node 20; what it starts runs on the pinned Node.
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { installFromSystem, installPackages, needs, node, root, run, say } from './bootstrap.mjs'
import { watchForSecrets } from './canaries.mjs'
import { prepareElectron } from './electron.mjs'

const [task, ...rest] = process.argv.slice(2)
// `npm run demo -- --once` and `npm run demo --once` both mean the same.
const args = rest.filter((argument) => argument !== '--')
const bin = (name) => join(root, 'node_modules', '.bin', name)
const env = { ...process.env, PATH: `${join(root, 'node_modules', '.bin')}${delimiter}${process.env.PATH}` }
const bundling = ['build', '--config', join('build', 'electron.vite.config.ts'), '--logLevel', 'warn']
const brokerBundling = ['build', '--config', join('build', 'broker.vite.config.ts'), '--logLevel', 'warn']

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
    ])
    installPackages({ wantKeytar: true })
    await provideElectron()
    process.exitCode = await test(args)
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
  case 'demo': {
    const once =
      args.includes('--once') || !(process.env.DISPLAY || process.env.WAYLAND_DISPLAY || process.platform !== 'linux')
    const wanted = [...needs.electron, ...(once ? [...needs.browser, ...needs.desktop] : ['python3'])]
    if ((await installFromSystem(wanted)).length > 0) process.exit(1)
    installPackages()
    if (!(await provideElectron())) process.exit(1)
    run(bin('electron-vite'), bundling, { env })
    forward([
      join('test', 'sandbox', 'demo.ts'),
      ...(once ? ['--once'] : []),
      ...args.filter((one) => one !== '--once'),
    ])
    break
  }
  case 'bench:broker':
    await installFromSystem(needs.databases)
    installPackages()
    forward([join('test', 'bench', 'broker.ts'), ...args])
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
    say('usage: node build/run.mjs check|test|start|bundle|demo|fuzz|sandbox|webapp|bench:broker|soak')
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
  for (const { name, reason } of counts.skipped) process.stdout.write(`skipped: ${name}: ${reason}\n`)
  // The search for secrets is one test more.
  const passed = counts.passed + steps.length - failedSteps.length + (secrets.ok ? 1 : 0)
  const failed = counts.failed + failedSteps.length + (secrets.ok ? 0 : 1)
  const skipped = counts.skipped.length > 0 ? `, ${counts.skipped.length} skipped` : ''
  process.stdout.write(`${passed} passed, ${failed} failed${skipped}\n`)
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
  const child = spawn(node, script, { cwd: root, stdio: 'inherit', env })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (status) => {
    process.exitCode = status ?? 1
  })
}
