import http from 'node:http'

/** One request, made ready before the clock starts. */
export interface Prepared {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface Load {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Requests for each second of processor time that the server took: what one core could do. */
  readonly perCoreSecond: number
}

/**
 * Sends all requests, so many at once, over connections that stay open. Every one must be answered with 200: a peer that
 * refuses is quick, and no peer.
 */
export async function fire(requests: readonly Prepared[], atOnce: number, processorTimeS: () => number): Promise<Load> {
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
  const cpuBeforeS = processorTimeS()
  const startMs = performance.now()
  await Promise.all(Array.from({ length: atOnce }, work))
  const elapsedS = (performance.now() - startMs) / 1000
  const cpuS = processorTimeS() - cpuBeforeS
  agent.destroy()
  tookMs.sort((a, b) => a - b)
  return {
    perSecond: requests.length / elapsedS,
    p50Ms: percentile(tookMs, 0.5),
    p99Ms: percentile(tookMs, 0.99),
    perCoreSecond: requests.length / cpuS,
  }
}

function percentile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN
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
