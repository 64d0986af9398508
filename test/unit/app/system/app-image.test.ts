import { expect, test } from 'vitest'
import { appImageOf } from '../../../../app/system/app-image.ts'

const image = '/home/artist/Applications/sg-session.AppImage'
const mount = '/tmp/.mount_sg-sesA1b2'
const program = `${mount}/sg-session-app`

test('a program that lies in the mount which the environment names runs from that AppImage', () => {
  expect(appImageOf({ APPIMAGE: image, APPDIR: mount }, program)).toBe(image)
  expect(appImageOf({ APPIMAGE: image, APPDIR: `${mount}/` }, program)).toBe(image)
  const unpacked = '/tmp/appimage_extracted_0a1b2c'
  expect(appImageOf({ APPIMAGE: image, APPDIR: unpacked }, `${unpacked}/sg-session-app`)).toBe(image)
})

// Start at login, updates and hand-over would name, replace and start another program than ours.
test.each<[string, Record<string, string>, string]>([
  ['an installed program that another AppImage has started', { APPIMAGE: image, APPDIR: mount }, '/opt/sg-session/app'],
  ['a mount whose name only begins like the one that is named', { APPIMAGE: image, APPDIR: mount }, `${mount}c/app`],
  [
    'an installed program whose environment names its own folder',
    { APPIMAGE: image, APPDIR: '/opt/sg-session' },
    '/opt/sg-session/app',
  ],
  [
    'an installed program whose environment names a folder above it',
    { APPIMAGE: image, APPDIR: '/' },
    '/opt/sg-session/app',
  ],
  ['no mount', { APPIMAGE: image }, program],
  ['a mount without a file', { APPDIR: mount }, program],
  ['half a path to the file', { APPIMAGE: 'sg-session.AppImage', APPDIR: mount }, program],
  ['half a path to the mount', { APPIMAGE: image, APPDIR: 'mount' }, 'mount/app'],
  ['an environment that says nothing', {}, program],
])('%s is none', (_what, env, executable) => expect(appImageOf(env, executable)).toBeUndefined())
