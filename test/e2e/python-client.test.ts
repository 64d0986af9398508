import { resolve } from 'node:path'
import { afterAll, beforeAll, describe, type TestContext, test } from 'vitest'
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

async function passes(version: string, folder: string, context: TestContext): Promise<void> {
  const interpreter = findPython(version)
  if (!interpreter) return context.skip(`there is no Python ${version} on this machine`)
  const discover = ['-m', 'unittest', 'discover', '-s', resolve(folder), '-t', resolve(folder)]
  const { status, stderr } = await scene.studio.python(interpreter, '-W', 'error', ...discover)
  context.expect(stderr).toMatch(/^Ran \d\d+ tests/m)
  context.expect(status, stderr).toBe(0)
}

// They start what they talk to, and mostly wait for it.
describe.concurrent('the Python client by itself', () => {
  for (const version of supportedVersions)
    test(`under Python ${version}`, (context) => passes(version, 'test/python', context))
})

// They share one agent, and sign it out.
describe('the Python client and an agent', () => {
  for (const version of supportedVersions)
    test(`under Python ${version}`, (context) => passes(version, 'test/python/live', context))
})
