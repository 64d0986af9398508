import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { firstProgram } from '../../src/doctor/browser.ts'
import { checkKeychain } from '../../src/doctor/keychain.ts'
import { AgentError } from '../../src/errors.ts'
import { startKeyring } from '../sandbox/desktop/keyring.ts'
import { type MessageBusDaemon, startSessionBus } from '../sandbox/desktop/message-bus.ts'
import { finished, startProcess } from '../sandbox/processes.ts'
import { type DoctorStage, row, startDoctorStage } from './doctor-stage.ts'

const { PATH } = process.env
const canAsk = (await firstProgram(['dbus-send'], { PATH })) !== undefined
const hasKeyring = (await firstProgram(['gnome-keyring-daemon'], { PATH })) !== undefined

let stage: DoctorStage
let folder: string
let bus: MessageBusDaemon
beforeAll(async () => {
  stage = await startDoctorStage()
  await stage.writeSettings({ ...stage.settings, session: { rememberSignIn: true } })
})
afterAll(() => stage.close())
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sg-session-doctor-keychain-'))
  bus = await startSessionBus({ folder })
})
afterEach(async () => {
  await bus.stop()
  await rm(folder, { recursive: true })
})

async function look(
  program: { kind: 'command-line' | 'tray-app'; keychainProblem?: AgentError } = { kind: 'tray-app' },
) {
  const env = { ...stage.env, PATH, DBUS_SESSION_BUS_ADDRESS: bus.address }
  const system = { platform: process.platform, env, home: folder, uid: 0 }
  const checks = [['keychain', checkKeychain]] as const
  return row(await stage.examine({ system, program: { runtime: 'x', ...program } }, { checks }), 'keychain')
}

test.runIf(canAsk)('a desktop without a keychain', async () => {
  expect(await look()).toMatchObject({ state: 'warning', found: 'no Secret Service is on this desktop’s bus' })
})

test.runIf(canAsk)('a bus that is gone', async () => {
  await bus.stop()
  expect(await look()).toMatchObject({ state: 'ok', found: expect.stringContaining('does not answer') })
})

test.runIf(canAsk && hasKeyring)(
  'a keychain that is unlocked, then locked; nobody is asked for a password',
  async () => {
    const keyring = await startKeyring({ busAddress: bus.address, folder })
    try {
      expect(await look()).toEqual({
        state: 'ok',
        found: 'the Secret Service of this desktop is there and unlocked',
        advice: '',
      })
      expect((await look({ kind: 'command-line' })).found).toContain('only the tray app uses it')
      const keychainProblem = new AgentError('secret_store_unavailable', 'the keychain of this system cannot be used')
      expect(await look({ kind: 'tray-app', keychainProblem })).toMatchObject({
        state: 'warning',
        found: 'the keychain of this system cannot be used; the Secret Service of this desktop is there and unlocked',
      })
      const lock = ['--session', '--print-reply', '--dest=org.freedesktop.secrets', '/org/freedesktop/secrets']
      const collection = 'array:objpath:/org/freedesktop/secrets/collection/login'
      const env = { PATH: PATH ?? '', DBUS_SESSION_BUS_ADDRESS: bus.address }
      const locked = startProcess('dbus-send', [...lock, 'org.freedesktop.Secret.Service.Lock', collection], env)
      expect((await finished(locked)).status).toBe(0)
      expect(await look()).toMatchObject({ state: 'warning', found: expect.stringContaining('locked') })
    } finally {
      await keyring.stop()
    }
  },
)
