import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { type AppStage, demandElectron, openStage } from './app-stage.ts'

let stage: AppStage
afterEach(() => stage?.close())

test('certificates are checked and no keys are written, whatever Chromium was told at the start', async (context) => {
  const keys = join('/tmp', `sg-session-tls-keys-${process.pid}`)
  stage = await openStage(demandElectron(context), {
    scene: { tls: true },
    args: ['--ignore-certificate-errors', '--allow-insecure-localhost', `--ssl-key-log-file=${keys}`],
    env: { SSLKEYLOGFILE: keys },
  })
  await stage.scene.studio.startBroker()
  const tray = await stage.tray()
  await tray.click('Sign in…')
  const window = await stage.window('Sign in')
  await window.getByText("The studio's identity broker does not answer as it should.").waitFor()
  await expect(access(keys)).rejects.toThrow()
})
