import type { Bench, Figure } from './bench.ts'
import { Samples } from './samples.ts'
import { isInstalled, openSocketStage, startBareEcho, startSshAgent } from './socket-stage.ts'

interface Taken {
  readonly agent: number[]
  readonly echo: number[]
  readonly ssh?: number[]
  readonly bytes: readonly [number, number]
}

/** A plug-in that keeps its connection and asks again. */
export const bench: Bench = {
  name: 'socket-warm',
  what: 'session/get with the Python client over one connection',
  missing: () => (isInstalled('python3') ? undefined : 'python3 is not installed'),
  async run({ quick, folder, progress }) {
    progress('site, broker, agent and sign-in …')
    const stage = await openSocketStage(['warm.py'])
    const echo = await startBareEcho(folder)
    const ssh = await startSshAgent(folder)
    try {
      progress('asking …')
      const spec = { echo: echo.place, ssh: ssh?.place ?? null, rounds: quick ? 2 : 40, calls: quick ? 50 : 250 }
      const taken = JSON.parse(await stage.python('warm.py', JSON.stringify(spec))) as Taken
      progress(`${taken.bytes[0]} bytes there and ${taken.bytes[1]} back`)
      const ours = new Samples(taken.agent)
      const figure = (name: string, values: number[], most: number): Figure => {
        const { p50, p99 } = new Samples(values)
        return {
          what: 'session/get, warm',
          unit: 'µs',
          value: ours.p50,
          p99: ours.p99,
          peer: { name, value: p50, p99 },
          target: { most },
        }
      }
      return [
        figure('bare Node TLS echo', taken.echo, 1.3),
        ...(taken.ssh ? [figure('ssh-agent, list', taken.ssh, 1.5)] : []),
      ]
    } finally {
      await Promise.all([stage.close(), echo.running.stop(), ssh?.running.stop()])
    }
  },
}
