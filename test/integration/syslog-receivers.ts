import { createSocket } from 'node:dgram'
import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import type { SandboxCertificates } from '../sandbox/certificates.ts'
import { type Running, startProcess, untilSaid } from '../sandbox/processes.ts'

/** A syslog receiver that keeps what it was sent. */
export interface Receiver {
  readonly port: number
  readonly messages: string[]
  /** Connections it has had. */
  readonly connections: () => number
  /** Reads no more, and leaves connections open. */
  pause(): void
  close(): Promise<void>
}

export async function udpReceiver(port = 0): Promise<Receiver> {
  const messages: string[] = []
  const socket = createSocket('udp4').on('message', (message) => messages.push(message.toString('utf8')))
  await new Promise<void>((resolve) => socket.bind(port, '127.0.0.1', resolve))
  return {
    port: socket.address().port,
    messages,
    connections: () => 0,
    pause() {},
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  }
}

/** Over TCP, or with certificates over TLS; each message stands behind its length (RFC 6587 §3.4.1). */
export async function streamReceiver(port = 0, certificates?: SandboxCertificates): Promise<Receiver> {
  const messages: string[] = []
  const sockets = new Set<Socket>()
  let connections = 0
  let isPaused = false
  const serve = (socket: Socket): void => {
    connections += 1
    sockets.add(socket)
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
    if (isPaused) return void socket.pause()
    let rest = Buffer.alloc(0)
    socket.on('data', (chunk) => {
      rest = Buffer.concat([rest, chunk])
      for (;;) {
        const length = /^([1-9]\d*) /.exec(rest.subarray(0, 12).toString('latin1'))
        if (!length) return
        const begin = length[0].length
        const end = begin + Number(length[1])
        if (rest.length < end) return
        messages.push(rest.subarray(begin, end).toString('utf8'))
        rest = rest.subarray(end)
      }
    })
  }
  const server: Server = certificates
    ? createTlsServer({ key: certificates.key, cert: certificates.cert }, serve).on('tlsClientError', () => undefined)
    : createServer(serve)
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    messages,
    connections: () => connections,
    pause() {
      isPaused = true
      for (const socket of sockets) socket.pause()
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}

const unixScript = `
import socket, sys
path, kind = sys.argv[1:]
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM if kind == 'dgram' else socket.SOCK_STREAM)
s.bind(path)
if kind != 'dgram':
    s.listen()
print('ready', flush=True)
while True:
    if kind == 'dgram':
        print(s.recv(70000).decode(), flush=True)
    else:
        c, _ = s.accept()
        for line in c.makefile():
            print(line, end='', flush=True)
`

/** On a unix socket; Node cannot receive datagrams there, Python can. */
export async function unixReceiver(path: string, kind: 'dgram' | 'stream'): Promise<Running> {
  const running = startProcess('python3', ['-c', unixScript, path, kind], {
    PATH: process.env['PATH'] ?? '',
    PYENV_VERSION: process.env['PYENV_VERSION'] ?? '',
    HOME: process.env['HOME'] ?? '',
  })
  await untilSaid(running, 'ready', 20_000)
  return running
}
