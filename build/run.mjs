// What the npm scripts start. Plain JavaScript for Node 20; what it starts runs on the pinned Node.
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { installPackages, installPrograms, node, root, run } from './bootstrap.mjs'

const [task, ...rest] = process.argv.slice(2)
// `npm run demo -- --once` and `npm run demo --once` both mean the same.
const args = rest.filter((argument) => argument !== '--')
const bin = (name) => join(root, 'node_modules', '.bin', name)
const env = { ...process.env, PATH: `${join(root, 'node_modules', '.bin')}:${process.env.PATH}` }

installPackages()
switch (task) {
  case 'check':
    run(bin('tsc'), ['-b'], { env })
    run(bin('biome'), ['check', '--error-on-warnings'], { env })
    run(bin('vitest'), ['run', '--config', 'test/vitest.config.ts', '--project', 'unit', ...args], { env })
    break
  case 'test':
    await installPrograms(['chromium', 'Xvfb', 'python3', 'fc-list'])
    process.exitCode = test(args)
    break
  case 'demo': {
    const once =
      args.includes('--once') || !(process.env.DISPLAY || process.env.WAYLAND_DISPLAY || process.platform !== 'linux')
    const missing = await installPrograms(once ? ['chromium', 'Xvfb', 'python3', 'fc-list'] : ['python3'])
    if (missing.length > 0) process.exit(1)
    forward([join('test', 'sandbox', 'demo.ts'), ...(once ? ['--once'] : [])])
    break
  }
  case 'sandbox':
    forward([join('test', 'sandbox', 'start.ts'), ...args])
    break
  default:
    process.stderr.write('usage: node build/run.mjs check|test|demo|sandbox\n')
    process.exitCode = 2
}

/** Types, lint and every test; closes with one line that counts them all. Returns the exit status. */
function test(filters) {
  const steps =
    filters.length > 0
      ? []
      : [
          ['types', 'tsc', ['-b']],
          ['lint', 'biome', ['check', '--error-on-warnings']],
        ]
  const failedSteps = steps.filter(([name, command, options]) => {
    process.stdout.write(`${name} …\n`)
    return spawnSync(bin(command), options, { cwd: root, stdio: 'inherit', env }).status !== 0
  })
  const folder = mkdtempSync(join(tmpdir(), 'sg-session-counts-'))
  const countsFile = join(folder, 'counts.json')
  spawnSync(bin('vitest'), ['run', '--config', 'test/vitest.config.ts', ...filters], {
    cwd: root,
    stdio: 'inherit',
    env: { ...env, SG_TEST_COUNTS: countsFile },
  })
  const counts = readCounts(countsFile)
  rmSync(folder, { recursive: true })
  for (const { name, reason } of counts.skipped) process.stdout.write(`skipped: ${name}: ${reason}\n`)
  const passed = counts.passed + steps.length - failedSteps.length
  const failed = counts.failed + failedSteps.length
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
