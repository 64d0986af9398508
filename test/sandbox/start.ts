import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { makeCertificates, type SandboxCertificates } from './certificates.ts'
import { startIdentity } from './identity/identity.ts'
import { sandboxPeople, sandboxScripts } from './people.ts'
import { startSite } from './site/site.ts'

/**
 * `npm run sandbox`: a ShotGrid site (or two) and an Autodesk Identity that stay until Ctrl-C, for trying tools against.
 * Addresses are the same each time. Every switch can be changed while it runs: see `GET <address>/sandbox`.
 */
const usage = `npm run sandbox -- [options]

  --site-port N          the ShotGrid site's port (default 8801; the second site's is one higher)
  --identity-port N      Autodesk Identity's port (default 8811)
  --second-site          start a second site with a host name of its own
  --mode MODE            default, saml2 or oxygen (default oxygen: an Autodesk Identity site)
  --no-launcher          switch the App Session Launcher off
  --sudo-session OWNER   whose session get_session_token makes under script + sudo:
                         script (default), human, wrong or ignored
  --session-window S     how many seconds an unused session lives (default 86400)
  --tls                  speak https, with a certificate authority of this run
`

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', default: false },
    'site-port': { type: 'string', default: '8801' },
    'identity-port': { type: 'string', default: '8811' },
    'second-site': { type: 'boolean', default: false },
    mode: { type: 'string', default: 'oxygen' },
    'no-launcher': { type: 'boolean', default: false },
    'sudo-session': { type: 'string', default: 'script' },
    'session-window': { type: 'string', default: '86400' },
    tls: { type: 'boolean', default: false },
  },
})

if (values.help) process.stdout.write(usage)
else await start()

async function start(): Promise<void> {
  const certificates = values.tls ? await makeCertificates() : undefined
  const tls = certificates ? { tls: certificates } : {}
  const site = await startSite({ port: Number(values['site-port']), name: 'localhost', ...tls })
  const sites = [site]
  if (values['second-site']) {
    // Another host name, because tk-core tells sites apart by it and not by the port.
    sites.push(await startSite({ port: Number(values['site-port']) + 1, siteName: 'Second Studio', ...tls }))
  }
  const identity = await startIdentity({ port: Number(values['identity-port']), ...tls })
  const switches = {
    mode: values.mode,
    launcher: !values['no-launcher'],
    sudoSessionOwner: values['sudo-session'],
    sessionWindowS: Number(values['session-window']),
  }
  // Through the control API, which judges them.
  for (const { url } of sites) await setSwitches(url, switches, certificates)

  process.stdout.write(`${sites.map(({ url }) => `ShotGrid site       ${url}`).join('\n')}
Autodesk Identity   ${identity.issuer}
UserInfo            ${identity.userinfoUrl}
${certificates ? `Trust this           ${writeAuthority(certificates)}\n` : ''}Control API         ${site.url}/sandbox and ${identity.issuer}/sandbox

Scripts (name, key):
${sandboxScripts.map(({ name, key, maySudo }) => `  ${name.padEnd(18)}${key}${maySudo ? '  (may sudo)' : ''}`).join('\n')}

People (ShotGrid login, passphrase "legacy-passphrase" / e-mail, Autodesk password "autodesk-password"):
${sandboxPeople.map((person) => `  ${person.key.padEnd(18)}${(person.site?.login ?? '–').padEnd(36)}${person.autodesk ? person.email : '–'}`).join('\n')}

Ctrl-C ends it.
`)
  const stop = (): void =>
    void Promise.all([...sites, identity].map((server) => server.close())).then(() => process.exit(0))
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
}

async function setSwitches(
  url: string,
  switches: object,
  certificates: SandboxCertificates | undefined,
): Promise<void> {
  if (certificates) {
    const tls = await import('node:tls')
    tls.setDefaultCACertificates([...tls.getCACertificates('default'), certificates.ca])
  }
  const answer = await fetch(`${url}/sandbox/switches`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(switches),
  })
  if (answer.status === 200) return
  const { message } = (await answer.json()) as { message: string }
  process.stderr.write(`${message}\n\n${usage}`)
  process.exit(2)
}

function writeAuthority({ ca }: SandboxCertificates): string {
  const folder = mkdtempSync(join(tmpdir(), 'sg-session-sandbox-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'authority.pem')
  writeFileSync(file, ca)
  return `${file} (SHOTGUN_API_CACERTS, network.extraCa)`
}
