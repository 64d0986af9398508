/** What the socket accepts. */
export const limits = {
  /** One message, either way, with its line feed. */
  messageBytes: 64 * 1024,
  /** The first message: nobody needs more to say hello, and nobody is trusted yet. */
  helloBytes: 4 * 1024,
  /** From the TCP connection to an accepted key, TLS included. */
  helloMs: 2_000,
  /** Nesting of objects and arrays in one message. */
  jsonDepth: 16,
  /** Connections that have not shown the key. */
  strangers: 1_024,
  /** Connections in all. */
  connections: 8_192,
  /** Requests of one connection that wait for their answers. */
  requestsInFlight: 64,
  /** Answers a peer has not read; one that lets more pile up is cut off. */
  unreadBytes: 1024 * 1024,
} as const
