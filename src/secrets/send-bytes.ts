/**
 * The same request with its bytes, if it has some, as a stream: `fetch` copies bytes, and nobody could wipe the copy; what a
 * stream gives goes to the socket as it is. `credentials`: or a 401 would be an error, for a body that cannot be sent twice.
 */
export function sendingBytesThemselves(init: RequestInit): RequestInit {
  const { body } = init
  if (!(body instanceof Uint8Array)) return init
  const stream = new ReadableStream({
    start(controller) {
      controller.enqueue(body)
      controller.close()
    },
  })
  return { ...init, body: stream, duplex: 'half', credentials: 'omit' }
}
