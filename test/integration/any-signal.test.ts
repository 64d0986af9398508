import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { anySignal } from '../../src/waiting/any-signal.ts'

test('signals made of signals made of others are freed when the requests they were for are done', async () => {
  setFlagsFromString('--expose-gc')
  const collectGarbage = runInNewContext('gc') as () => void
  const server = createServer((_request, response) => response.end('{}')).listen(0, '127.0.0.1')
  await new Promise((listening) => server.once('listening', listening))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const over = new AbortController()
  const made: WeakRef<AbortSignal>[] = []
  const ask = async (): Promise<void> => {
    const inner = anySignal([AbortSignal.timeout(2_500), over.signal])
    const outer = anySignal([inner, AbortSignal.timeout(2_000)])
    made.push(new WeakRef(inner), new WeakRef(outer))
    await (await fetch(url, { signal: outer })).text()
  }
  for (let request = 0; request < 20; request += 1) await ask()
  const alive = async (): Promise<number> => {
    await sleep(100)
    collectGarbage()
    return made.filter((signal) => signal.deref() !== undefined).length
  }
  // The last request's may be held by the connection that is kept.
  await expect.poll(alive).toBeLessThanOrEqual(2)
  server.closeAllConnections()
  server.close()
})
