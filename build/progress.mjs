// Shows that something goes on that takes longer than a moment. Plain JavaScript for Node 20: it runs before anything is installed.
// `node build/progress.mjs WHAT COMMAND …` runs a command that way: what it says is shown only if it fails.
import { spawn } from 'node:child_process'
import { realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { styleText } from 'node:util'

const soonMs = 1_000
const againMs = 10_000
const frameMs = 100
const frames = ['-', '\\', '|', '/']
const longestTail = 4_000

/**
 * How to write to a stream: `isLive` if a line may be written over, on a terminal that somebody looks at; `colours` where that
 * is so and neither NO_COLOR nor `--no-color` says otherwise.
 * @param {{ isTTY?: boolean, columns?: number }} stream
 */
export function lookOf(stream, env = process.env, args = process.argv) {
  const isLive = Boolean(stream.isTTY) && env.TERM !== 'dumb' && !env.CI
  const colours = isLive && !env.NO_COLOR && !args.includes('--no-color')
  return { isLive, colours, columns: Math.min(stream.columns || 80, 100) }
}

/** The text in a style of `node:util`, where the look has colours. */
export function paint(look, style, text) {
  return look.colours ? styleText(style, text, { validateStream: false }) : text
}

/** `3.2 s`. */
export function seconds(ms) {
  return `${(ms / 1000).toFixed(1)} s`
}

/**
 * Begins to show `what`. On a terminal one line runs; elsewhere a line comes after a second, and every ten seconds. `update(detail)`
 * puts something behind it; `end()` takes the running line away and returns the milliseconds it took.
 * @param {string} what
 * @param {{ write(text: string): unknown }} [stream]
 */
export function showProgress(what, stream = process.stderr, look = lookOf(stream), indent = '') {
  const begunAt = performance.now()
  let detail = ''
  let frame = 0
  let hasSaid = false
  const line = () => {
    const time = `${Math.floor((performance.now() - begunAt) / 1000)} s`
    return `${what} … ${detail === '' ? time : `${detail}, ${time}`}`
  }
  const draw = () => {
    frame += 1
    const text = `${indent}${frames[frame % frames.length]} ${line()}`
    stream.write(`\r\x1b[K${text.slice(0, look.columns - 1)}`)
  }
  const say = () => {
    if (hasSaid) stream.write(`${indent}  ${line()}\n`)
    else stream.write(`${indent}  ${what} …\n`)
    hasSaid = true
  }
  const timers = look.isLive ? [setInterval(draw, frameMs)] : [setTimeout(say, soonMs), setInterval(say, againMs)]
  if (look.isLive) draw()
  return {
    update(text) {
      detail = text
    },
    end() {
      for (const timer of timers) clearInterval(timer)
      if (look.isLive) stream.write('\r\x1b[K')
      return performance.now() - begunAt
    },
  }
}

/** Runs a command and shows that it goes on; its output only when it fails. Resolves with its exit status. */
async function runShown(what, command, args) {
  const look = lookOf(process.stderr)
  const progress = showProgress(what)
  const child = spawn(command, args, { stdio: ['inherit', 'pipe', 'pipe'], shell: process.platform === 'win32' })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk) => {
      said = (said + chunk).slice(-longestTail)
    })
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  const status = await new Promise((resolve) => {
    child.once('error', ({ message }) => {
      said += `${message}\n`
      resolve(127)
    })
    child.once('close', (code) => resolve(code ?? 1))
  })
  const took = seconds(progress.end())
  const mark = status === 0 ? paint(look, 'green', '✓') : paint(look, 'red', '✗')
  process.stderr.write(`${mark} ${what}  ${paint(look, 'dim', took)}\n`)
  if (status !== 0) process.stderr.write(said)
  return status
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const [what, command, ...args] = process.argv.slice(2)
  process.exitCode = await runShown(what, command, args)
}
