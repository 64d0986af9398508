import { readFileSync } from 'node:fs'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'

/**
 * A process of many clients; test/e2e/storm.test.ts starts several and tells each what to do. All times are wall clock, ms since
 * the epoch, to be compared between processes.
 */
export type Order =
  /**
   * Connects `count` clients to what `file` announces, as fast as they can; each says hello, asks for what is in `methods` and stays.
   */
  | { readonly what: 'ask'; readonly file: string; readonly count: number; readonly methods: readonly string[] }
  /** `count` strangers that send a byte of a handshake now and then, and come back when they are cut. */
  | { readonly what: 'drip'; readonly count: number }
  /** `count` clients that showed the key and send a byte of a request now and then, or do not read. */
  | { readonly what: 'dawdle'; readonly count: number }
  /** `count` hellos with a wrong key, `atOnce` at a time. */
  | { readonly what: 'guess'; readonly count: number; readonly atOnce: number }
  /** `count` clients that connect, and then ask in turns with a pause for `ms`. */
  | { readonly what: 'work'; readonly count: number; readonly ms: number }
  | { readonly what: 'leave' }

export interface Report {
  readonly lastConnectAt: number
  readonly lastAnswerAt: number
  /** Of each client, what the answers to its methods were: `ok` or an error's code. */
  readonly outcomes: readonly string[]
  /** Bytes that strangers heard. */
  readonly heardBytes: number
  /** Of each question of those who work. */
  readonly latenciesMs: readonly number[]
}

interface EndpointFile {
  readonly port: number
  readonly certificate: string
  readonly key: string
}

const read = (file: string): EndpointFile => JSON.parse(readFileSync(file, 'utf8')) as EndpointFile
let endpoint = read(process.argv[2] ?? '')
const now = (): number => performance.timeOrigin + performance.now()
const open = new Set<TLSSocket>()
const strangers = new Set<Socket>()
const timers = new Set<NodeJS.Timeout>()
let lastConnectAt = 0
let lastAnswerAt = 0
let heardBytes = 0
const latenciesMs: number[] = []

function begin(): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const tcp = connectTcp(endpoint.port, '127.0.0.1')
    tcp.once('connect', () => {
      lastConnectAt = now()
    })
    const socket = connect({ socket: tcp, ca: endpoint.certificate, checkServerIdentity: () => undefined })
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    socket.once('secureConnect', () => resolve(socket))
    for (const end of [tcp, socket]) end.once('error', reject).on('error', () => undefined)
  })
}

function line(message: object): string {
  return `${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`
}

function hello(key = endpoint.key): string {
  const client = { name: 'storm', version: '1', pid: process.pid }
  return line({ id: 0, method: 'hello', params: { protocol: 1, key, client } })
}

/** The codes of so many answers. */
function answers(socket: TLSSocket, count: number): Promise<string[]> {
  return new Promise((resolve) => {
    let rest = ''
    const codes: string[] = []
    const end = (more: readonly string[] = []): void => {
      socket.off('data', take).off('close', lost)
      resolve([...codes, ...more])
    }
    const lost = (): void => end(['closed'])
    const take = (chunk: Buffer): void => {
      const lines = (rest + chunk.toString('utf8')).split('\n')
      rest = lines.pop() ?? ''
      for (const text of lines) {
        const { error } = JSON.parse(text) as { error?: { data: { code: string } } }
        codes.push(error?.data.code ?? 'ok')
        lastAnswerAt = now()
      }
      if (codes.length >= count) end()
    }
    socket.on('data', take).once('close', lost)
  })
}

async function ask(methods: readonly string[]): Promise<string> {
  const startedMs = performance.now()
  try {
    const socket = await begin()
    const heard = answers(socket, methods.length + 1)
    const lateMs = performance.now() - startedMs
    socket.write(hello() + methods.map((method, index) => line({ id: index + 1, method, params: {} })).join(''))
    const codes = await heard
    // Not let run by a busy machine until its own two seconds were over: that is no answer of the agent's.
    if (codes[0] === 'closed' && lateMs > ownLimitMs) return ask(methods)
    return codes.every((code) => code === 'ok') ? 'ok' : codes.join(' ')
  } catch (error) {
    return performance.now() - startedMs > ownLimitMs ? ask(methods) : String(error)
  }
}

const ownLimitMs = 1_500

/** The beginning of a TLS handshake that takes a quarter of an hour. */
const opening = Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, ...Buffer.alloc(512)])

function drip(): void {
  const socket = connectTcp(endpoint.port, '127.0.0.1')
  let at = 0
  const timer = setInterval(() => {
    socket.write(opening.subarray(at, at + 1))
    at += 1
  }, 500)
  strangers.add(socket)
  socket.on('error', () => undefined)
  socket.on('data', (chunk: Buffer) => {
    heardBytes += chunk.length
  })
  socket.once('close', () => {
    clearInterval(timer)
    strangers.delete(socket)
    if (!leaving) setTimeout(drip, 50)
  })
}

async function dawdle(index: number): Promise<void> {
  const socket = await begin()
  const greeted = answers(socket, 1)
  socket.write(hello())
  await greeted
  if (index % 2 === 0) {
    // Asks and does not read.
    socket.pause()
    socket.write(line({ id: 1, method: 'status' }).repeat(60))
  }
  timers.add(setInterval(() => void socket.write(' '), 1_000))
}

async function guess(): Promise<void> {
  const socket = await begin().catch(() => undefined)
  if (!socket) return
  socket.on('data', (chunk: Buffer) => {
    heardBytes += chunk.length
  })
  socket.write(hello('A'.repeat(43)))
  // What the agent holds is left hanging: it is the agent that has to get rid of it.
  await new Promise((resolve) => setImmediate(resolve))
}

/** Does `one` so many times, at most `atOnce` at the same time. */
async function inTurns<T>(count: number, atOnce: number, one: () => Promise<T>): Promise<T[]> {
  const done: T[] = []
  let left = count
  const next = async (): Promise<void> => {
    while (left > 0) {
      left -= 1
      done.push(await one())
    }
  }
  await Promise.all(Array.from({ length: Math.min(count, atOnce) }, next))
  return done
}

async function work(ms: number): Promise<string> {
  const socket = await begin()
  const until = now() + ms
  const ask = async (text: string): Promise<string> => {
    const heard = answers(socket, 1)
    const askedMs = performance.now()
    socket.write(text)
    const [code = ''] = await heard
    latenciesMs.push(performance.now() - askedMs)
    return code
  }
  const outcomes = new Set([await ask(hello())])
  while (now() < until) {
    outcomes.add(await ask(line({ id: 1, method: 'session/get', params: {} })))
    await new Promise((resolve) => setTimeout(resolve, 40))
  }
  socket.destroy()
  return [...outcomes].join(' ')
}

let leaving = false
function leave(): void {
  leaving = true
  for (const timer of timers) clearInterval(timer)
  for (const socket of [...open, ...strangers]) socket.destroy()
}

process.on('message', (order: Order) => {
  const report = (outcomes: readonly string[]): void =>
    void process.send?.({
      ...{ lastConnectAt, lastAnswerAt, outcomes, heardBytes },
      latenciesMs: latenciesMs.splice(0),
    } satisfies Report)
  const several = <T>(count: number, one: (index: number) => Promise<T>): Promise<T[]> =>
    Promise.all(Array.from({ length: count }, (_, index) => one(index)))
  switch (order.what) {
    case 'ask':
      endpoint = read(order.file)
      return void inTurns(order.count, 20, () => ask(order.methods)).then(report)
    case 'drip':
      for (let client = 0; client < order.count; client += 1) drip()
      return report([])
    case 'dawdle':
      return void several(order.count, dawdle).then(() => report([]))
    case 'guess':
      return void inTurns(order.count, order.atOnce, guess).then(() => report([]))
    case 'work':
      return void several(order.count, () => work(order.ms)).then(report)
    case 'leave':
      leave()
      return report([])
  }
})
process.send?.('ready')
