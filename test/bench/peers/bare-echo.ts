import { writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer, type TLSSocket } from 'node:tls'
import { makeRunCertificate } from '../../../src/socket/certificate.ts'

/**
 * `node bare-echo.ts FILE`: the least that an agent on TLS could do. A server on 127.0.0.1 with a certificate like the agent's,
 * which answers every line with one of a fixed length; the first line of a connection says that length, in bytes, and is answered
 * like the others. Writes `{ port, certificate }` into FILE, 0600, and then says `listening`.
 */
const lineFeed = 0x0a
const [, , file = ''] = process.argv
const { certificatePem, privateKeyPem } = await makeRunCertificate()
const server = createServer({ key: privateKeyPem, cert: certificatePem, minVersion: 'TLSv1.2' }, serve)
server.on('tlsClientError', (_error, socket) => socket.destroy())
server.listen({ host: '127.0.0.1', port: 0, backlog: 1024 }, () => {
  const { port } = server.address() as AddressInfo
  writeFileSync(file, JSON.stringify({ port, certificate: certificatePem }), { mode: 0o600 })
  process.stdout.write('listening\n')
})

function serve(socket: TLSSocket): void {
  let reply: Buffer | undefined
  socket.setNoDelay(true)
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk: Buffer) => {
    reply ??= Buffer.from(`${'x'.repeat(Number.parseInt(chunk.toString('latin1'), 10) - 1)}\n`)
    for (const byte of chunk) if (byte === lineFeed) socket.write(reply)
  })
}
