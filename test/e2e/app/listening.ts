import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { Ports } from './hostile-page.ts'

/** Somebody on this machine who waits to hear from a page: every connection and every datagram is written down. */
export interface Listening extends Ports {
  readonly heard: readonly string[]
  stop(): Promise<void>
}

export async function startListening(): Promise<Listening> {
  const heard: string[] = []
  const server = createServer((socket) => {
    heard.push('a TCP connection')
    socket.on('error', () => undefined)
    socket.destroy()
  })
  const datagrams = createSocket('udp4', (message) => heard.push(`a datagram of ${message.length} bytes`))
  await Promise.all([
    once(server.listen(0, '127.0.0.1'), 'listening'),
    new Promise<void>((done) => datagrams.bind(0, '127.0.0.1', () => done())),
  ])
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return {
    heard,
    tcp: address.port,
    udp: datagrams.address().port,
    async stop() {
      datagrams.close()
      server.close()
      await once(server, 'close')
    },
  }
}
