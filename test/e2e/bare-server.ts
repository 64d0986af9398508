import { writeFileSync } from 'node:fs'
import { createServer } from 'node:tls'
import { makeRunCertificate } from '../../src/socket/certificate.ts'

/**
 * What serving costs on this machine at this moment, whoever serves: TLS as the agent has it, and an answer to every line. It
 * announces itself in the file that its argument names.
 */
const { privateKeyPem, certificatePem } = await makeRunCertificate()
const server = createServer({ key: privateKeyPem, cert: certificatePem }, (socket) => {
  socket.on('error', () => socket.destroy())
  let rest = ''
  socket.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString('utf8')).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const { id } = JSON.parse(line) as { id: number }
      socket.write(`${JSON.stringify({ jsonrpc: '2.0', id, result: {} })}\n`)
    }
  })
})
server.listen({ port: 0, host: '127.0.0.1', backlog: 1024 }, () => {
  const { port } = server.address() as { port: number }
  writeFileSync(process.argv[2] ?? '', JSON.stringify({ port, certificate: certificatePem, key: 'x' }))
  process.stdout.write('is ready\n')
})
