import dbus from 'dbus-next'

const { Message, MessageType, NameFlag, RequestNameReply, Variant } = dbus

/** A method call that came in, or a signal. */
export interface BusMessage {
  /** The sender's unique name, `:1.7`. */
  readonly sender: string
  readonly path: string
  readonly interface: string
  readonly member: string
  /** Plain values: variants are unwrapped. */
  readonly body: readonly unknown[]
}

/** What a call is answered with; without a signature, with nothing. */
export interface Reply {
  readonly signature?: string
  readonly body?: readonly unknown[]
}

/** Answers a call with a D-Bus error of that name. */
export class BusError extends Error {
  readonly errorName: string

  constructor(errorName: string, message: string) {
    super(message)
    this.errorName = errorName
  }
}

/** Returns undefined for a call that is not for it. */
export type Answer = (call: BusMessage) => Reply | undefined | Promise<Reply | undefined>

const busName = 'org.freedesktop.DBus'
const callLimitMs = 5_000

/** A connection to a message bus that speaks in raw messages: nobody is asked to introspect. */
export class BusConnection {
  readonly #bus: dbus.MessageBus
  readonly #answers: Answer[] = []
  readonly #listeners = new Set<(signal: BusMessage) => void>()
  readonly #closed = Promise.withResolvers<never>()
  #isClosed = false

  private constructor(bus: dbus.MessageBus) {
    this.#bus = bus
    this.#closed.promise.catch(() => undefined)
    bus.on('error', (error) => this.#closed.reject(error))
    bus.addMethodHandler((message: dbus.Message) => {
      void this.#answer(message)
      return true
    })
    bus.on('message', (message) => {
      if (message.type !== MessageType.SIGNAL) return
      for (const listener of [...this.#listeners]) listener(asBusMessage(message))
    })
  }

  /** Connects to a bus and says hello. Throws when nobody is there. */
  static async open(busAddress: string): Promise<BusConnection> {
    const connection = new BusConnection(dbus.sessionBus({ busAddress }))
    await connection.call(busName, '/org/freedesktop/DBus', busName, 'GetId')
    return connection
  }

  /** Calls a method and resolves with what it returned. Throws on an error reply, and after five seconds without one. */
  async call(
    destination: string,
    path: string,
    interfaceName: string,
    member: string,
    signature = '',
    body: readonly unknown[] = [],
  ): Promise<readonly unknown[]> {
    const { promise: late, reject } = Promise.withResolvers<never>()
    const giveUp = setTimeout(() => reject(new Error(`"${member}" was not answered`)), callLimitMs)
    const message = new Message({
      destination,
      path,
      interface: interfaceName,
      member,
      signature,
      body: [...body],
    })
    try {
      const reply = await Promise.race([this.#bus.call(message), late, this.#closed.promise])
      return (reply?.body ?? []).map(plain)
    } finally {
      clearTimeout(giveUp)
    }
  }

  /** Becomes the owner of a well-known name. Throws when somebody else is. */
  async own(name: string): Promise<void> {
    const answer = await this.#bus.requestName(name, NameFlag.DO_NOT_QUEUE)
    if (answer !== RequestNameReply.PRIMARY_OWNER) throw new Error(`"${name}" is owned by somebody else`)
  }

  /** The unique name behind a well-known one, undefined when nobody owns it. */
  async ownerOf(name: string): Promise<string | undefined> {
    if (name.startsWith(':')) return name
    const owner = this.call(busName, '/org/freedesktop/DBus', busName, 'GetNameOwner', 's', [name])
    return owner.then(([found]) => String(found)).catch(() => undefined)
  }

  /** Lets `answer` see every call that comes in, after those added before it. */
  answer(answer: Answer): void {
    this.#answers.push(answer)
  }

  /** Answers reads of one interface's properties, with what `read` gives at that time. */
  answerProperties(path: string, interfaceName: string, read: () => Readonly<Record<string, dbus.Variant>>): void {
    this.answer((call) => {
      if (call.path !== path || call.interface !== 'org.freedesktop.DBus.Properties') return undefined
      const [asked, name] = call.body
      if (asked !== interfaceName) return undefined
      if (call.member === 'GetAll') return { signature: 'a{sv}', body: [read()] }
      const value = call.member === 'Get' ? read()[String(name)] : undefined
      return value && { signature: 'v', body: [value] }
    })
  }

  /** Sends a signal to everybody who listens. */
  emit(path: string, interfaceName: string, member: string, signature = '', body: readonly unknown[] = []): void {
    if (!this.#isClosed) this.#bus.send(Message.newSignal(path, interfaceName, member, signature, [...body]))
  }

  /** Calls `listener` for signals that match `rule`, a D-Bus match rule. Returns how to stop. */
  async follow(rule: string, listener: (signal: BusMessage) => void): Promise<() => void> {
    // The bus delivers what any rule of this connection asked for, so each listener looks for itself.
    this.#listeners.add(listener)
    await this.call(busName, '/org/freedesktop/DBus', busName, 'AddMatch', 's', [rule])
    return () => void this.#listeners.delete(listener)
  }

  /** Hangs up; the bus takes back its names. */
  close(): void {
    this.#isClosed = true
    this.#closed.reject(new Error('the connection was closed'))
    this.#bus.disconnect()
  }

  async #answer(message: dbus.Message): Promise<void> {
    const call = asBusMessage(message)
    let reply: dbus.Message | undefined
    try {
      for (const answer of this.#answers) {
        const given = await answer(call)
        if (!given) continue
        reply = Message.newMethodReturn(message, given.signature ?? '', [...(given.body ?? [])])
        break
      }
      reply ??= newError(message, `${busName}.Error.UnknownMethod`, `there is no "${call.member}" here`)
    } catch (error) {
      const name = error instanceof BusError ? error.errorName : `${busName}.Error.Failed`
      reply = newError(message, name, error instanceof Error ? error.message : String(error))
    }
    if (!this.#isClosed) this.#bus.send(reply)
  }
}

function newError(call: dbus.Message, errorName: string, text: string): dbus.Message {
  // dbus-next takes the message; its types say a string.
  return Message.newError(call as unknown as string, errorName, text)
}

/** A value with its D-Bus type, for where a variant is sent. */
export function variant(signature: string, value: unknown): dbus.Variant {
  return new Variant(signature, value)
}

/** Watches until nobody owns `name`, a unique name, any more. */
export function followEndOf(connection: BusConnection, name: string, ended: () => void): Promise<() => void> {
  const rule = `type='signal',sender='${busName}',member='NameOwnerChanged',arg0='${name}'`
  return connection.follow(rule, ({ member, body }) => {
    if (member === 'NameOwnerChanged' && body[0] === name && body[2] === '') ended()
  })
}

function asBusMessage(message: dbus.Message): BusMessage {
  return {
    sender: message.sender,
    path: message.path,
    interface: message.interface ?? '',
    member: message.member,
    body: (message.body ?? []).map(plain),
  }
}

function plain(value: unknown): unknown {
  if (value instanceof Variant) return plain(value.value)
  if (Buffer.isBuffer(value)) return value
  if (Array.isArray(value)) return value.map(plain)
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one)]))
  }
  return value
}
