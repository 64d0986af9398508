import { getConfig, validateConfiguration } from 'app-builder-lib/out/util/config/config.js'
import { DebugLogger } from 'builder-util'
import { expect, test } from 'vitest'

test('electron-builder.yml is a configuration that electron-builder accepts', async () => {
  const configuration = await getConfig(process.cwd(), 'electron-builder.yml', null)
  await validateConfiguration(configuration, new DebugLogger(false))
  expect(configuration.appId).toBe('org.sg-session.app')
})

test('and electron-builder would say what is wrong with another', async () => {
  const configuration = { ...(await getConfig(process.cwd(), 'electron-builder.yml', null)), asarr: true }
  await expect(validateConfiguration(configuration, new DebugLogger(false))).rejects.toThrow(/asarr/)
})
