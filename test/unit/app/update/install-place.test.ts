import { describe, expect, test } from 'vitest'
import { fileEndOf, installPlace, type PlaceFacts } from '../../../../app/update/install-place.ts'

const appImage = '/home/artist/Applications/sg-session.AppImage'
const linux: PlaceFacts = {
  platform: 'linux',
  env: { APPIMAGE: appImage, APPDIR: '/tmp/.mount_sg-sesA1b2' },
  executable: '/tmp/.mount_sg-sesA1b2/sg-session-app',
  publisher: undefined,
  mayWrite: () => true,
}
const windows: PlaceFacts = {
  platform: 'win32',
  env: { LOCALAPPDATA: 'C:\\Users\\artist\\AppData\\Local' },
  executable: 'C:\\Users\\artist\\AppData\\Local\\Programs\\sg-session\\sg-session-app.exe',
  publisher: 'publisherName:\n  - Studio Example',
  mayWrite: () => true,
}
const mac: PlaceFacts = {
  platform: 'darwin',
  env: {},
  executable: '/Users/artist/Applications/sg-session.app/Contents/MacOS/sg-session-app',
  publisher: undefined,
  mayWrite: () => true,
}

describe('the app replaces itself', () => {
  test('where it is an AppImage of its user', () => {
    const place = installPlace(linux)
    expect(place).toEqual({ by: 'app-image', file: appImage })
    expect(place.by !== 'it' && fileEndOf(place)).toBe('.AppImage')
  })

  test('where a Windows installation is its user’s alone, and its publisher is known', () => {
    const place = installPlace(windows)
    expect(place).toEqual({ by: 'nsis' })
    expect(place.by !== 'it' && fileEndOf(place)).toBe('.exe')
  })

  test('where a Mac’s app bundle is its user’s', () => {
    const place = installPlace(mac)
    expect(place).toEqual({ by: 'mac' })
    expect(place.by !== 'it' && fileEndOf(place)).toBe('.zip')
  })
})

describe('updates come from IT', () => {
  test.each<[string, Partial<PlaceFacts>]>([
    ['of a package', { env: {}, executable: '/opt/sg-session/sg-session-app' }],
    ['of a package that a program in an AppImage has started', { executable: '/opt/sg-session/sg-session-app' }],
    ['of a mount whose name only begins like ours', { executable: '/tmp/.mount_sg-sesA1b2c/sg-session-app' }],
    ['of an AppImage that its user may not write', { mayWrite: (path) => path !== appImage }],
    ['of an AppImage in a folder that its user may not write', { mayWrite: (path) => path === appImage }],
    ['of an AppImage that is named by half a path', { env: { ...linux.env, APPIMAGE: 'sg-session.AppImage' } }],
    ['of an AppImage without a mount', { env: { APPIMAGE: appImage } }],
    ['on a system that is none of the three', { platform: 'freebsd' }],
  ])('%s', (_what, change) => expect(installPlace({ ...linux, ...change })).toEqual({ by: 'it' }))

  test.each<[string, Partial<PlaceFacts>]>([
    ['for all users', { executable: 'C:\\Program Files\\sg-session\\sg-session-app.exe' }],
    ['that names no publisher: nobody’s signature would be asked for', { publisher: undefined }],
    ['that its user may not write', { mayWrite: () => false }],
    [
      'in a folder whose name only begins like the user’s',
      { executable: 'C:\\Users\\artist\\AppData\\Local2\\sg\\a.exe' },
    ],
    ['on a machine that has no folder for programs of one user', { env: {} }],
  ])('of a Windows installation %s', (_what, change) =>
    expect(installPlace({ ...windows, ...change })).toEqual({ by: 'it' }),
  )

  test.each<[string, Partial<PlaceFacts>]>([
    ['that root has installed', { mayWrite: (path) => !path.endsWith('.app') }],
    ['in a folder of administrators', { mayWrite: (path) => path.endsWith('.app') }],
    ['that is none', { executable: '/usr/local/bin/sg-session-app' }],
  ])('of a Mac’s app bundle %s', (_what, change) => expect(installPlace({ ...mac, ...change })).toEqual({ by: 'it' }))
})
