import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Scene, setScene } from '../e2e/scene.ts'
import { executablePath, launchChromium, signInAt } from '../sandbox/chromium.ts'
import { personNamed } from '../sandbox/people.ts'
import { type Finished, finished } from '../sandbox/processes.ts'
import type { Machine } from './machine.ts'
import { bringIn, type Login, logIn } from './stage.ts'

/** A studio whose servers run outside the root, over TLS and with an authority of its own, and an artist's login inside. */
export interface StudioInRoot {
  readonly scene: Scene
  readonly login: Login
  /** What IT gives the installer. */
  readonly options: Readonly<Record<string, string>>
  /** Runs `sg-session …` as the artist. */
  sgSession(...args: string[]): Promise<Finished>
  /** `sg-session sign-in`, and Chromium of the machine around the root for a browser. */
  signIn(): Promise<void>
  /** Runs the plug-in of the sandbox with Debian's Python and the client of the package. */
  plugIn(): Promise<Finished>
  /** What the artist has set: on the sandbox, where Autodesk is. */
  readonly settings: Readonly<Record<string, unknown>>
  writeSettings(settings: object): Promise<void>
  close(): Promise<void>
}

const addressLimitMs = 60_000
const artist = personNamed('artist')

export async function openStudioIn(machine: Machine): Promise<StudioInRoot> {
  const scene = await setScene({ tls: true })
  try {
    await scene.studio.startBroker()
    const login = await logIn(machine)
    const { user, env } = login
    await writeFile(machine.outside('/tmp/studio-ca.pem'), scene.ca ?? '')
    // As IT does for Chromium on Linux: what the app asks is the user's certificate store.
    const store = ['-d', `sql:${user.home}/.pki/nssdb`]
    await machine.demand(['mkdir', '-p', join(user.home, '.pki', 'nssdb')], { user })
    await machine.demand(['certutil', ...store, '-N', '--empty-password'], { user })
    await machine.demand(['certutil', ...store, '-A', '-t', 'C,,', '-n', 'Studio', '-i', '/tmp/studio-ca.pem'], {
      user,
    })
    const { issuer } = scene.identity
    const { clientId, redirectPorts } = scene
    const settings = { identity: { issuer, redirectPorts } }
    const writeSettings = async (content: object): Promise<void> => {
      const file = `${user.home}/.config/sg-session/settings.json`
      await machine.demand(['install', '-d', '-m', '700', `${user.home}/.config/sg-session`], { user })
      await writeFile(machine.outside(file), JSON.stringify(content))
      await machine.demand(['chown', `${user.name}:${user.name}`, file])
    }
    await writeSettings(settings)
    const plugin = await bringIn(machine, 'test/sandbox/plugin.py')
    await bringIn(machine, 'test/python/clients.py')
    let read = 0
    return {
      scene,
      login,
      settings,
      writeSettings,
      options: {
        SG_SESSION_SITE: scene.site.url,
        SG_SESSION_BROKER: scene.studio.brokerUrl,
        SG_SESSION_CLIENT_ID: clientId,
        SG_SESSION_CONSENT: 'allow-all',
        SG_SESSION_START_AT_LOGIN: 'true',
      },
      sgSession: (...args) => machine.run(['sg-session', ...args], { user, env }),
      async signIn() {
        const signIn = machine.start(['sg-session', 'sign-in'], { user, env })
        const deadline = performance.now() + addressLimitMs
        let addresses = await login.openedAddresses()
        while (addresses.length <= read) {
          if (performance.now() > deadline) throw new Error(`no browser was opened: ${signIn.stderr()}`)
          await new Promise((wake) => setTimeout(wake, 100))
          addresses = await login.openedAddresses()
        }
        const address = addresses[read] ?? ''
        read = addresses.length
        const heading = await signInAs(user.uid, address)
        const { status, stderr } = await finished(signIn)
        if (status !== 0) throw new Error(`sg-session sign-in ended with ${status} ("${heading}"): ${stderr}`)
      },
      plugIn: () =>
        machine.run(['python3', plugin], {
          user,
          env: { ...env, PYTHONPATH: '/opt/sg-session/python:/tmp', SG_CA: '/tmp/studio-ca.pem' },
        }),
      close: () => scene.close(),
    }
  } catch (error) {
    await scene.close()
    throw error
  }
}

/** In a browser of the same user: what comes back from another user's is none of the app's business, and it says so. */
async function signInAs(uid: number, address: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sg-session-browser-'))
  try {
    const program = join(folder, 'browser')
    const become = `setpriv --reuid ${uid} --regid ${uid} --clear-groups`
    // Playwright has made the profile's folder, which it names in an argument.
    const lines = [
      '#!/bin/sh',
      'for one; do case "$one" in --user-data-dir=*) chown -R ' +
        `${uid}:${uid} "\${one#--user-data-dir=}"` +
        ';; esac; done',
      `mkdir -p ${folder}/home && chown ${uid}:${uid} ${folder}/home`,
      `exec ${become} env HOME=${folder}/home '${executablePath}' "$@"`,
    ]
    await writeFile(program, `${lines.join('\n')}\n`, { mode: 0o755 })
    await chmod(folder, 0o755)
    const browser = await launchChromium(undefined, ['--ignore-certificate-errors'], program)
    return await signInAt(await browser.newPage(), address, artist).finally(() => browser.close())
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}
