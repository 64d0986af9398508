import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/**
 * Below every system's range of ports for outgoing connections: whoever connects meanwhile cannot take one of these. And above the last that
 * browsers, and `fetch` with them, refuse to connect to, 10080.
 */
const lowest = 10_081
const highest = 15_999
const loopbacks = ['127.0.0.1', '::1'] as const

/** Each of vitest's workers has ports of its own: one that is only named by a test, say as a redirect port, is taken by no test beside it. */
const slices = 12
const sliceLength = Math.floor((highest - lowest + 1) / slices)
const first = lowest + (Number(process.env['VITEST_POOL_ID'] ?? 0) % slices) * sliceLength
let next = randomInt(sliceLength)

/** Ports that nothing listens on, on either loopback family; none is given twice soon. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = []
  for (let step = 0; ports.length < count && step < sliceLength; step += 1) {
    const port = first + next
    next = (next + 1) % sliceLength
    if (await isFree(port)) ports.push(port)
  }
  if (ports.length < count)
    throw new Error(`no ${count} ports are free between ${first} and ${first + sliceLength - 1}`)
  return ports
}

async function isFree(port: number): Promise<boolean> {
  for (const host of loopbacks) {
    const code = await new Promise<string | undefined>((resolve) => {
      const server = createServer()
      server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code))
      server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(undefined)))
    })
    // Where there is no IPv6 nobody listens on it.
    if (code !== undefined && !(host === '::1' && (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT'))) return false
  }
  return true
}
