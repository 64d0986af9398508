import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** A command at a terminal of its own, and somebody who types. */
export interface AtTerminal {
  /** Everything the terminal has shown. */
  shown(): string
  /** Waits until `text` stands there, behind what was waited for before. */
  until(text: string): Promise<void>
  type(keys: string): void
  /** The terminal goes away, as when its window is closed. */
  hangUp(): void
  /** The process of the command itself. */
  pid(): Promise<number>
  readonly ended: Promise<number>
}

const limitMs = 60_000

/** The same command with its standard output in a file, so that the terminal shows what is said beside the answer. */
export function answeringInto(file: string, command: readonly string[]): string[] {
  return ['sh', '-c', 'file="$1"; shift; exec "$@" > "$file"', 'sh', file, ...command]
}

/** Types each answer, with Enter, when its question has come. */
export async function typeAt(terminal: AtTerminal, ...dialogue: readonly (readonly [asked: string, typed: string])[]) {
  for (const [asked, typed] of dialogue) {
    await terminal.until(asked)
    terminal.type(`${typed}\r`)
  }
}

/** Runs it with exactly this environment; ended after `limitMs` by its terminal going away. */
export function runAtTerminal(command: readonly string[], env: Readonly<Record<string, string>>): AtTerminal {
  const helper = spawn('python3', [join(import.meta.dirname, 'in-terminal.py'), ...command], {
    env: { ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let shown = ''
  let read = 0
  let wake = (): void => undefined
  helper.stdout.setEncoding('utf8').on('data', (text: string) => {
    shown += text
    wake()
  })
  helper.stdin.on('error', () => undefined)
  const ended = new Promise<number>((resolve, reject) => {
    helper.once('error', reject)
    helper.once('close', (status) => {
      wake()
      resolve(status ?? -1)
    })
  })
  const giveUp = setTimeout(() => helper.stdin.end(), limitMs)
  ended.finally(() => clearTimeout(giveUp)).catch(() => undefined)
  return {
    shown: () => shown,
    async until(text) {
      for (;;) {
        const at = shown.indexOf(text, read)
        if (at >= 0) {
          read = at + text.length
          return
        }
        if (helper.exitCode !== null) throw new Error(`it ended without "${text}": ${shown}`)
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    },
    type: (keys) => void helper.stdin.write(keys),
    hangUp: () => void helper.stdin.end(),
    async pid() {
      const children = await readFile(`/proc/${helper.pid}/task/${helper.pid}/children`, 'utf8')
      return Number(children.trim().split(' ')[0])
    },
    ended,
  }
}
