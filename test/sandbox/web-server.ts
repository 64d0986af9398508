import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { type Faults, isControl } from './faults.ts'

export interface WebServerOptions {
  /** Loopback address to listen on; its text form is the host name in the server's URL. */
  readonly host: string
  /** 0: chosen by the system. */
  readonly port: number
  /** Host name in the URL when it should differ from the address (`localhost`). */
  readonly name?: string
  readonly tls?: { readonly key: string; readonly cert: string }
  readonly faults: Faults
}

export interface WebServer {
  /** Origin, no trailing slash. */
  readonly url: string
  /** Every request the server saw, faults included, control calls not. */
  readonly requests: { readonly method: string; readonly path: string; readonly atMs: number }[]
  setHandler(handler: (request: IncomingMessage, response: ServerResponse) => void): void
  /** Stops listening and cuts every open connection. */
  close(): Promise<void>
}

/** Listens first and takes its handler after, so that the handler can be built on the URL. */
export async function listenWeb(options: WebServerOptions): Promise<WebServer> {
  let handler = (_request: IncomingMessage, response: ServerResponse): void => void response.writeHead(503).end()
  const requests: WebServer['requests'] = []
  const guarded = options.faults.guard((request, response) => handler(request, response))
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/'
    if (!isControl(path)) requests.push({ method: request.method ?? '', path, atMs: Date.now() })
    guarded(request, response)
  }
  const server = options.tls ? https.createServer(options.tls, onRequest) : http.createServer(onRequest)
  // Node's own five seconds cut a connection that idles; httplib2 then fails its next call with a broken pipe
  server.keepAliveTimeout = 0
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, options.host, resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `${options.tls ? 'https' : 'http'}://${options.name ?? options.host}:${port}`,
    requests,
    setHandler: (next) => {
      handler = next
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
