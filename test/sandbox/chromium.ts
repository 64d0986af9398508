import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'
import type { SandboxPerson } from './people.ts'

const folders = (process.env['PATH'] ?? '').split(delimiter)
const programs = ['chromium', 'chromium-browser', 'google-chrome']
const found = programs.flatMap((name) => folders.map((folder) => join(folder, name))).find(existsSync)
/** Chromium's program on this machine. */
export const executablePath = found ?? 'chromium'

/** Why there is no Chromium to drive, or undefined when there is. */
export const chromiumMissing = found ? undefined : 'Chromium is not installed: apt-get install chromium'

// The last four keep Chromium from calling home, which a closed network would answer with minutes of retries.
const args = [
  ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Debian's Chromium: without a window, or with one on the X display named. `program` starts it, where that is not it itself. */
export function launchChromium(
  display?: string,
  more: readonly string[] = [],
  program = executablePath,
): Promise<Browser> {
  const env = { ...(process.env as Record<string, string>), ...(display ? { DISPLAY: display } : {}) }
  return chromium.launch({ executablePath: program, args: [...args, ...more], headless: display === undefined, env })
}

/**
 * Signs in at the sandbox's Autodesk Identity as a person does, and waits for the page sg-session answers with, whose
 * heading it returns. `onForm` is called when the form is filled in.
 */
export async function signInAt(
  page: Page,
  address: string,
  person: SandboxPerson,
  onForm: () => Promise<unknown> = async () => undefined,
): Promise<string> {
  await page.goto(address)
  await page.getByLabel(/e-?mail/i).fill(person.email)
  await page.getByLabel(/password/i).fill(person.autodesk?.password ?? '')
  await onForm()
  await page.getByRole('button', { name: /sign in/i }).click()
  await page.waitForURL(/^http:\/\/localhost:\d+\/callback/)
  return (await page.getByRole('heading').textContent()) ?? ''
}

/** A screen nobody looks at, for browsers that want one. */
export async function startXvfb(): Promise<{ readonly display: string; stop(): void }> {
  const server = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '1280x900x24', '-nolisten', 'tcp'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  })
  const number = await new Promise<string>((resolve, reject) => {
    server.once('error', reject)
    server.once('exit', (status) => reject(new Error(`Xvfb ended with ${status}`)))
    server.stdio[3]?.once('data', (chunk: Buffer) => resolve(chunk.toString('utf8').trim()))
  })
  return { display: `:${number}`, stop: () => void server.kill() }
}
