import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AgentClient } from '../../src/client/node/agent-client.ts'
import { startDesktop } from '../sandbox/desktop/desktop.ts'
import type { Running } from '../sandbox/processes.ts'
import { type Scene, type SceneOptions, setScene } from './scene.ts'

/** A real agent that was signed in, asked by tools and signed out, and what it had in its hands meanwhile. */
export interface Used {
  readonly scene: Scene
  readonly agent: Running
  readonly secrets: Readonly<Record<string, string>>
  signOut(): Promise<void>
  close(): Promise<void>
}

/** Signs in with login and passphrase at a site that has no other way, as `useThroughBroker` does else. */
export async function useWithPassphrase(times: number): Promise<Used> {
  const passphrase = `canary-${randomBytes(16).toString('base64url')}`
  const scene = await setScene({ site: { mode: 'default', launcher: false } })
  Object.assign(scene.site.person('artist'), { passphrase })
  const settings = join(scene.studio.folder, 'home', '.config', 'sg-session', 'settings.json')
  await writeFile(settings, JSON.stringify({ sites: [{ url: scene.site.url }], tools: { consent: 'allow-all' } }))
  const agent = await scene.studio.startAgent()
  const client = clientOf(scene.studio.folder)
  await client.signIn(
    { openBrowser: false },
    {
      onCredentialsWanted: () => void client.submitCredentials({ login: 'artist@studio.example', passphrase }),
    },
  )
  for (let time = 0; time < times; time += 1) {
    await client.getSession()
    await client.getRestToken()
  }
  const [session, rest] = [await client.getSession(), await client.getRestToken()]
  return {
    ...{ scene, agent },
    secrets: { passphrase, 'session token': session.sessionToken, 'REST bearer': rest.accessToken },
    signOut: async () => void (await client.signOut()),
    async close() {
      client.close()
      await scene.close()
    },
  }
}

/** Signs in through the browser and the broker and asks `times` for everything a tool can get. */
export async function useThroughBroker(times: number, options: SceneOptions = {}, electron?: string): Promise<Used> {
  const scene = await setScene({ serveAccessToken: true, ...options })
  await scene.studio.startBroker()
  const desktop = electron === undefined ? undefined : await startDesktop()
  const agent = await (electron === undefined
    ? scene.studio.startAgent()
    : scene.studio.startApp(electron, desktop?.env))
  await scene.signIn()
  const client = clientOf(scene.studio.folder)
  for (let time = 0; time < times; time += 1) {
    await client.getSession()
    await client.getRestToken()
    await client.getAutodeskToken()
  }
  const [session, rest, autodesk] = [
    await client.getSession(),
    await client.getRestToken(),
    await client.getAutodeskToken(),
  ]
  const [refresh = ''] = scene.identity.refreshTokens('artist')
  const secrets = {
    'session token': session.sessionToken,
    'REST bearer': rest.accessToken,
    'Autodesk access token': autodesk.accessToken,
    'Autodesk refresh token': refresh,
  }
  return {
    ...{ scene, agent, secrets },
    signOut: async () => void (await client.signOut()),
    async close() {
      client.close()
      await scene.close()
      await desktop?.stop()
    },
  }
}

export function clientOf(folder: string): AgentClient {
  return new AgentClient({
    endpointFiles: [join(folder, 'run', 'sg-session', 'endpoint.json')],
    caller: { name: 'memory', version: '1' },
  })
}
