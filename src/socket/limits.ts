/** What the socket accepts; docs/PROTOCOL.md §2 tells plug-ins. */
export const limits = {
  /** One message, either way, with its line feed. */
  messageBytes: 64 * 1024,
  /** The first message: nobody needs more to say hello, and nobody is trusted yet. */
  helloBytes: 4 * 1024,
  /** From the TCP connection to the shown key, TLS included. A stranger that said something wrong is held until then. */
  helloMs: 2_000,
  /** From the shown key until the system has said which program shows it. */
  identifyMs: 10_000,
  /** Nesting of objects and arrays in one message. */
  jsonDepth: 16,
  /** Connections that have not shown the key. */
  strangers: 1_024,
  /** Connections in all. */
  connections: 8_192,
  /** Connections of one program file, or of programs that nobody can name: one that leaks them leaves places for the others. */
  connectionsOfOneExecutable: 6_144,
  /** How long a connection may ask nothing, if it does not watch and waits for no answer. */
  idleMs: 15 * 60_000,
  /** Requests of one connection that wait for their answers. */
  requestsInFlight: 64,
  /** Answers a peer has not read; one that lets more pile up is cut off. */
  unreadBytes: 1024 * 1024,
  /** Strangers that are logged one by one within a minute; the others are counted. */
  loggedStrangers: 10,
  idCharacters: 64,
  methodCharacters: 64,
  siteCharacters: 300,
  keyCharacters: 200,
  clientNameCharacters: 100,
  clientVersionCharacters: 50,
  minValidityS: 7 * 24 * 3600,
  pastedAddressCharacters: 8_000,
  loginCharacters: 200,
  passphraseCharacters: 1_000,
  codeCharacters: 32,
} as const

export type Limits = { readonly [Name in keyof typeof limits]: number }
