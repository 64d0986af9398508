/** The innermost reason of a failed request, quoting nothing that was sent or received: Node hides it in a chain of causes. */
export function transportReason(thrown: unknown): string {
  let reason = thrown
  for (let depth = 0; depth < 5 && reason instanceof Error && reason.cause !== undefined; depth += 1)
    reason = reason.cause
  if (!(reason instanceof Error)) return 'no usable answer'
  if ('code' in reason && typeof reason.code === 'string') return reason.code
  if (reason.name === 'TimeoutError') return 'no answer in time'
  // Chromium's codes come as messages. Any other message may quote a header or a body, and with it a token.
  return /^net::ERR_[A-Z_]+$/.test(reason.message) ? reason.message : 'no usable answer'
}

/** Failures before a single byte was sent: the request certainly had no effect. Node's codes, then Chromium's. */
const neverSent =
  /^(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH|EHOSTUNREACH|UND_ERR_CONNECT_TIMEOUT|CERT_.*|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_.*|ERR_TLS_CERT_ALTNAME_INVALID)$|net::ERR_(NAME_NOT_RESOLVED|CONNECTION_REFUSED|INTERNET_DISCONNECTED|ADDRESS_UNREACHABLE|PROXY_CONNECTION_FAILED|TUNNEL_CONNECTION_FAILED|CERT_.*)/

/** Whether the request certainly had no effect because it never left. */
export function wasNeverSent(thrown: unknown): boolean {
  return neverSent.test(transportReason(thrown))
}
