import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { AgentError } from '../errors.ts'
import type { Log } from '../ports.ts'
import type { Secret } from '../secrets/secret.ts'
import { tellsPeerUid, uidOfPeer } from '../system/connection-table.ts'
import { type CallbackRequest, type Expected, judgeCallback, judgePastedAddress } from './callback.ts'
import { type PageName, page, pageHeaders } from './callback-page.ts'

export interface RedirectListener {
  /** The registered redirect URI of this attempt. */
  readonly redirectUri: string
  /** The first callback that carries this sign-in's state. Stays pending if none comes: the caller owns the limit. */
  readonly callback: Promise<Callback>
  /** The manual way: what the artist copied from the address bar. Throws `invalid_request` and goes on waiting. */
  accept(pastedAddress: string): void
  /** Stops listening once the callback's page is out. May be called twice. */
  close(): Promise<void>
}

export interface Callback {
  /** The registered redirect URI with the received query: never built on a header. */
  readonly url: URL
  /** Tells the waiting browser how it ended. Without it the browser is told after ten seconds that work goes on. */
  showResult(result: 'signed_in' | 'failed'): void
}

const callbackPath = '/callback'
/** How long the browser's tab waits for the true outcome. */
const holdMs = 10_000
const requestLimitMs = 5_000
/** A browser needs a handful; what other programs of this machine hold open beyond that goes, oldest first. */
const mostConnections = 64
/** How long a browser may take to fetch its last page. */
const closeLimitMs = 2_000

/** Address families of `localhost`; a browser may choose either, so we hold both on one port. RFC 8252 §7.3. */
const families = ['127.0.0.1', '::1'] as const
const takenCodes = new Set(['EADDRINUSE', 'EACCES'])
const noIpv6Codes = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT'])

/**
 * Listens on the first of `ports` that is free on both loopback families. Throws `redirect_ports_busy` naming those tried.
 * EACCES counts as taken: Windows reserves whole ranges of ports in which nothing listens.
 */
export async function openRedirectListener(
  ports: readonly number[],
  expectedState: Secret,
  log: Log,
): Promise<RedirectListener> {
  for (const port of ports) {
    const servers = await bindBothFamilies(port)
    if (servers) return serveCallback(servers, port, expectedState, log)
    log.info({ port }, 'redirect port is taken')
  }
  throw new AgentError('redirect_ports_busy', `none of the ports ${ports.join(', ')} is free on 127.0.0.1 and ::1`)
}

async function bindBothFamilies(port: number): Promise<Server[] | undefined> {
  const servers: Server[] = []
  for (const host of families) {
    const server = createServer({
      maxHeaderSize: 16_384,
      headersTimeout: requestLimitMs,
      requestTimeout: requestLimitMs,
      connectionsCheckingInterval: 1_000,
    })
    // What is pipelined behind the first request is not looked at.
    server.maxRequestsPerSocket = 1
    keepFewConnections(server)
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen({ port, host, exclusive: true }, resolve)
      })
      servers.push(server)
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? ''
      if (host === '::1' && noIpv6Codes.has(code)) continue
      for (const bound of servers) bound.close()
      if (takenCodes.has(code)) return undefined
      throw error
    }
  }
  return servers
}

function keepFewConnections(server: Server): void {
  const open = new Set<Socket>()
  server.on('connection', (socket) => {
    const [oldest] = open
    if (oldest && open.size >= mostConnections) oldest.destroy()
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
}

function serveCallback(servers: Server[], port: number, expectedState: Secret, log: Log): RedirectListener {
  const expected: Expected = { host: `localhost:${port}`, path: callbackPath, state: expectedState }
  const redirectUri = `http://${expected.host}${callbackPath}`
  let settle: (callback: Callback) => void = () => undefined
  const callback = new Promise<Callback>((resolve) => {
    settle = resolve
  })
  let used = false
  let answered: Promise<void> = Promise.resolve()
  let closed: Promise<void> | undefined

  const settleWith = (parameters: URLSearchParams, showResult: Callback['showResult']): void => {
    used = true
    settle({ url: new URL(`${redirectUri}?${parameters.toString()}`), showResult })
  }

  const ignore = (response: ServerResponse, status: number, reason: string): void => {
    log.info({ status, reason }, 'a request at the redirect address was ignored')
    send(response, status, 'not_this')
  }

  const onRequest = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = '', url: target = '', httpVersion, socket } = request
    const verdict = judgeCallback({ method, target, httpVersion, headers: headersOf(request) }, expected)
    request.resume()
    if (verdict.verdict === 'ignored') return ignore(response, verdict.status, verdict.reason)
    // The state stood in the opener's argument list, where other users of this machine can read it.
    if (tellsPeerUid && (await uidOfPeer(socket)) !== process.getuid?.()) {
      return ignore(response, 403, 'comes from another user')
    }
    if (used) return send(response, 400, 'used')
    const hold = setTimeout(() => send(response, 200, 'working'), holdMs)
    answered = new Promise((resolve) => {
      response.once('close', () => {
        clearTimeout(hold)
        resolve()
      })
    })
    settleWith(verdict.parameters, (result) => send(response, 200, result))
  }

  for (const server of servers) {
    server.on('request', (request, response) => void onRequest(request, response))
    // Requests that are no HTTP, or too long: closed without a word.
    server.on('clientError', (_error, socket) => socket.destroy())
    server.on('error', (error) => log.warn({ err: error }, 'the redirect listener failed'))
  }

  return {
    redirectUri,
    callback,
    accept(pastedAddress) {
      const verdict = judgePastedAddress(pastedAddress, expected)
      if (verdict.verdict === 'ignored') throw new AgentError('invalid_request', `what was pasted ${verdict.reason}`)
      if (used) throw new AgentError('invalid_request', 'this sign-in has its answer already')
      settleWith(verdict.parameters, () => undefined)
    },
    close() {
      closed ??= Promise.race([answered, pause(closeLimitMs)]).then(async () => {
        await Promise.all(
          servers.map(
            (server) =>
              new Promise<void>((resolve) => {
                server.close(() => resolve())
                server.closeAllConnections()
              }),
          ),
        )
      })
      return closed
    },
  }
}

/** Node's own `headers` has the first of two hosts, as if there were no second. */
function headersOf({ headersDistinct }: IncomingMessage): CallbackRequest['headers'] {
  const one = ([name, values = []]: [string, string[] | undefined]) => [name, values.length === 1 ? values[0] : values]
  return Object.fromEntries(Object.entries(headersDistinct).map(one))
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref())
}

function send(response: ServerResponse, status: number, name: PageName): void {
  if (response.headersSent || response.destroyed) return
  const body = page(name)
  response.writeHead(status, { ...pageHeaders, 'content-length': body.length })
  response.end(body)
}
