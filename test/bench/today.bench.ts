import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { personNamed } from '../sandbox/people.ts'
import type { Bench, Figure } from './bench.ts'
import { openSlowLine } from './peers/slow-line.ts'
import { Samples } from './samples.ts'
import { isInstalled, openSocketStage } from './socket-stage.ts'

/** A real site is far away; one that is near answers a ping in so many ms. */
const roundTripMs = 30

/** What every tool of a DCC pays today to log in by itself. */
export const bench: Bench = {
  name: 'today',
  what: 'a login at the site per tool, as today, against our get',
  missing: () => (isInstalled('python3') ? undefined : 'python3 is not installed'),
  async run({ quick, folder, progress }) {
    progress('site, broker, agent and sign-in …')
    const stage = await openSocketStage(['today.py'], { tls: true })
    const { site, ca } = stage.scene
    const here = new URL(site.url)
    const far = await openSlowLine(Number(here.port), roundTripMs / 2)
    try {
      progress('asking …')
      const caFile = join(folder, 'ca.pem')
      await writeFile(caFile, ca ?? '')
      const { site: account } = personNamed('artist')
      const sites = { near: site.url, far: `https://${here.hostname}:${far.port}` }
      const { login, passphrase } = account ?? {}
      const spec = join(folder, 'spec.json')
      const rounds = quick ? 5 : 100
      await writeFile(spec, JSON.stringify({ sites, ca: caFile, login, passphrase, rounds }), { mode: 0o600 })
      const taken = JSON.parse(await stage.python('today.py', spec)) as Record<string, number[]>
      const ours = new Samples(taken['agent'] ?? [])
      return Object.entries({
        'password near': 'REST password login, site on this machine',
        'session near': 'REST session login, site on this machine',
        'password far': `REST password login, ${roundTripMs} ms away`,
        'session far': `REST session login, ${roundTripMs} ms away`,
      }).map(([key, name]): Figure => {
        const { p50, p99 } = new Samples(taken[key] ?? [])
        const peer = { name, value: p50, p99 }
        return { what: 'get_session(), connected anew', unit: 'ms', value: ours.p50, p99: ours.p99, peer }
      })
    } finally {
      far.close()
      await stage.close()
    }
  },
}
