import http from 'node:http'

/** One request, made ready before the clock starts. */
export interface Prepared {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** What came of some requests. */
export interface Burst {
  readonly elapsedS: number
  /** Of each request, ms. */
  readonly tookMs: readonly number[]
}

/**
 * Sends all requests, so many at once, over connections that stay open. Every one must be answered with 200: a peer that
 * refuses is quick, and no peer.
 */
export async function fire(requests: readonly Prepared[], atOnce: number): Promise<Burst> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: atOnce })
  const waiting = requests.values()
  const tookMs: number[] = []
  const work = async (): Promise<void> => {
    for (const request of waiting) {
      const startMs = performance.now()
      await send(request, agent)
      tookMs.push(performance.now() - startMs)
    }
  }
  const startMs = performance.now()
  await Promise.all(Array.from({ length: atOnce }, work)).finally(() => agent.destroy())
  return { elapsedS: (performance.now() - startMs) / 1000, tookMs }
}

function send({ url, headers, body }: Prepared, agent: http.Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = http.request(url, {
      method: 'POST',
      agent,
      headers: { ...headers, 'content-length': Buffer.byteLength(body) },
    })
    request.on('error', reject)
    request.on('response', (response) => {
      const chunks: Buffer[] = []
      response.on('error', reject)
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        if (response.statusCode === 200) resolve()
        else reject(new Error(`${url} answered ${response.statusCode}: ${Buffer.concat(chunks).toString('utf8')}`))
      })
    })
    request.end(body)
  })
}
