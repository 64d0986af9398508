import { expect, test } from 'vitest'
import { type System, standardPaths } from '../../../src/system/paths.ts'

const linux: System = { platform: 'linux', env: {}, home: '/home/artist', uid: 1001 }

test('on Linux the endpoint file is in the runtime folder of the login, found without the environment too', () => {
  expect(standardPaths(linux).endpointFiles).toEqual([
    '/run/user/1001/sg-session/endpoint.json',
    '/tmp/sg-session-1001/endpoint.json',
  ])
  expect(standardPaths({ ...linux, env: { XDG_RUNTIME_DIR: '/run/user/1001' } }).endpointFiles).toEqual(
    standardPaths(linux).endpointFiles,
  )
  expect(standardPaths({ ...linux, env: { XDG_RUNTIME_DIR: '/mnt/run' } }).endpointFiles[0]).toBe(
    '/mnt/run/sg-session/endpoint.json',
  )
})

test('settings follow each system’s habits', () => {
  expect(standardPaths(linux).settingsFile).toBe('/home/artist/.config/sg-session/settings.json')
  expect(standardPaths({ ...linux, env: { XDG_CONFIG_HOME: '/cfg' } }).settingsFile).toBe(
    '/cfg/sg-session/settings.json',
  )
  expect(standardPaths({ ...linux, platform: 'darwin', home: '/Users/a' })).toMatchObject({
    policyFile: '/Library/Application Support/sg-session/policy.json',
    nativePolicy: {
      kind: 'managed-preferences',
      file: '/Library/Managed Preferences/org.sg-session.app.plist',
    },
    settingsFile: '/Users/a/Library/Application Support/sg-session/settings.json',
    endpointFiles: ['/Users/a/Library/Caches/sg-session/endpoint.json'],
  })
  const env = { APPDATA: 'C:\\U\\a\\Roaming', LOCALAPPDATA: 'C:\\U\\a\\Local', ProgramData: 'D:\\PD' }
  expect(standardPaths({ platform: 'win32', env, home: 'C:\\U\\a', uid: -1 })).toEqual({
    policyFile: 'C:\\ProgramData\\sg-session\\policy.json',
    nativePolicy: { kind: 'registry' },
    settingsFile: 'C:\\U\\a\\Roaming\\sg-session\\settings.json',
    endpointFiles: ['C:\\U\\a\\Local\\sg-session\\endpoint.json'],
    stateFolder: 'C:\\U\\a\\Local\\sg-session\\state',
    logFolder: 'C:\\U\\a\\Local\\sg-session\\logs',
    electronFolders: ['C:\\U\\a\\Roaming\\sg-session\\app'],
  })
})

test('logs too', () => {
  expect(standardPaths(linux).logFolder).toBe('/home/artist/.local/state/sg-session')
  expect(standardPaths({ ...linux, env: { XDG_STATE_HOME: '/var/state' } }).logFolder).toBe('/var/state/sg-session')
  expect(standardPaths({ ...linux, platform: 'darwin', home: '/Users/a' }).logFolder).toBe(
    '/Users/a/Library/Logs/sg-session',
  )
  expect(standardPaths({ platform: 'win32', env: {}, home: 'C:\\U\\a', uid: -1 }).logFolder).toBe(
    'C:\\U\\a\\AppData\\Local\\sg-session\\logs',
  )
})

test('SG_SESSION_ENDPOINT replaces the search', () => {
  expect(standardPaths({ ...linux, env: { SG_SESSION_ENDPOINT: '/x/e.json' } }).endpointFiles).toEqual(['/x/e.json'])
})

test('Electron keeps its files in the runtime folder of the login; without one, and for erasing, beside the settings', () => {
  const beside = '/home/artist/.config/sg-session/app'
  expect(standardPaths(linux).electronFolders).toEqual([beside, '/run/user/1001/sg-session/app'])
  expect(standardPaths({ ...linux, env: { XDG_RUNTIME_DIR: '/mnt/run' } }).electronFolders).toEqual([
    '/mnt/run/sg-session/app',
    '/run/user/1001/sg-session/app',
    beside,
  ])
})

test('the entry that starts the app at login is the user’s own', () => {
  expect(standardPaths(linux).autostartFile).toBe('/home/artist/.config/autostart/sg-session.desktop')
  expect(standardPaths({ ...linux, platform: 'darwin', home: '/Users/a' }).autostartFile).toBeUndefined()
})
