import { readdir, readFile, readlink } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { Finding } from './finding.ts'
import { usesIdentity } from './sites.ts'
import type { Check } from './world.ts'

/** As the redirect listener holds them: a browser may choose either for `localhost`. */
const families = ['127.0.0.1', '::1'] as const
const noIpv6Codes = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT'])

/** What came of taking a port for a moment: nothing, or the error's code and at which address. */
export interface PortTrial {
  readonly port: number
  readonly refused?: { readonly host: string; readonly code: string }
  /** Who listens there, as far as can be known. */
  readonly holder?: string
}

/** Takes each redirect port for a moment, on both families, as a sign-in would. */
export const checkRedirectPorts: Check = async ({ setup }) => {
  const { redirectPorts } = setup.effective.config.identity
  if (!usesIdentity(setup.effective.config)) {
    return [
      {
        check: 'redirect-port',
        state: 'skipped',
        found: 'not needed: no site is signed in to through Autodesk Identity',
      },
    ]
  }
  return judgePorts(await Promise.all(redirectPorts.map(tryPort)))
}

/** One free port is enough; each that is taken is named. EACCES: Windows reserves ranges in which nothing listens. */
export function judgePorts(trials: readonly PortTrial[]): Finding[] {
  const anyFree = trials.some(({ refused }) => !refused)
  return trials.map(({ port, refused, holder }): Finding => {
    const row = { check: 'redirect-port', about: String(port) } as const
    if (!refused) return { ...row, state: 'ok', found: 'is free on 127.0.0.1 and ::1' }
    const state = anyFree ? 'warning' : 'failed'
    const then = anyFree ? 'A sign-in takes another port.' : 'No sign-in can come back from the browser.'
    if (refused.code === 'EACCES') {
      const advice = `${then} The system reserves it ("netsh int ip show excludedportrange tcp" on Windows): register another with Autodesk.`
      return { ...row, state, found: `may not be used on ${refused.host} (EACCES)`, advice }
    }
    const by = holder === undefined ? 'another program' : holder
    const advice = `${then} Close the program that holds it, or register another port with Autodesk.`
    return { ...row, state, found: `is taken on ${refused.host} by ${by} (${refused.code})`, advice }
  })
}

async function tryPort(port: number): Promise<PortTrial> {
  for (const host of families) {
    const code = await tryAddress(port, host)
    if (code === undefined || (host === '::1' && noIpv6Codes.has(code))) continue
    const holder = code === 'EADDRINUSE' ? await holderOf(port) : undefined
    return { port, refused: { host, code }, ...(holder === undefined ? {} : { holder }) }
  }
  return { port }
}

function tryAddress(port: number, host: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'unknown'))
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(undefined)))
  })
}

/** Only Linux tells without a program of its own; of other users' programs it tells the user. */
async function holderOf(port: number): Promise<string | undefined> {
  const tables = await Promise.all(
    ['tcp', 'tcp6'].map((name) => readFile(`/proc/net/${name}`, 'latin1').catch(() => '')),
  )
  const listener = findListener(tables.join('\n'), port)
  if (!listener) return undefined
  const process = await processWith(listener.inode)
  return process ?? `a program of the user with the number ${listener.uid}`
}

const listening = '0A'

/** The row of whoever listens on a port of loopback or of every address, from Linux's connection tables. */
export function findListener(tables: string, port: number): { uid: number; inode: string } | undefined {
  const wanted = port.toString(16).padStart(4, '0').toUpperCase()
  for (const row of tables.split('\n')) {
    const [, local = '', , state, , , , uid, , inode] = row.trim().split(/\s+/)
    if (state === listening && local.endsWith(`:${wanted}`) && inode) return { uid: Number(uid), inode }
  }
  return undefined
}

async function processWith(inode: string): Promise<string | undefined> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name))
  for (const pid of pids) {
    const folder = join('/proc', pid, 'fd')
    const open = await readdir(folder).catch(() => [])
    const links = await Promise.all(open.map((name) => readlink(join(folder, name)).catch(() => '')))
    if (!links.includes(`socket:[${inode}]`)) continue
    const name = await readFile(join('/proc', pid, 'comm'), 'utf8').catch(() => '')
    return `"${name.trim()}" (process ${pid})`
  }
  return undefined
}
