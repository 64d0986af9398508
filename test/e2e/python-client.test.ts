import { resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findPython, supportedVersions } from './pythons.ts'
import { type Scene, setScene } from './scene.ts'

let scene: Scene
beforeAll(async () => {
  scene = await setScene({ serveAccessToken: true })
  await scene.studio.startBroker()
  await scene.studio.startAgent()
  await scene.signIn()
})
afterAll(() => scene.close())

describe('the Python client', () => {
  for (const version of supportedVersions) {
    const interpreter = findPython(version)
    for (const folder of ['test/python', 'test/python/live']) {
      test(`passes ${folder} under Python ${version}`, async (context) => {
        if (!interpreter) return context.skip(`there is no Python ${version} on this machine`)
        const { status, stderr } = await scene.studio.python(
          interpreter,
          '-W',
          'error',
          '-m',
          'unittest',
          'discover',
          '-s',
          resolve(folder),
          '-t',
          resolve(folder),
        )
        expect(stderr).toMatch(/^Ran \d\d+ tests/m)
        expect(status, stderr).toBe(0)
      })
    }
  }
})
