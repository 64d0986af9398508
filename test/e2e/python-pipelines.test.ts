import { resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findPython } from './pythons.ts'
import { type Scene, setScene } from './scene.ts'

/** The clients as they are made here from what is known of them, and the real ones of whoever has them. */
const clients = [
  // The oldest, the newest, and the one most DCCs have.
  { name: 'the stand-ins', kind: 'stand-in', versions: ['3.7', '3.11', '3.13'], missing: undefined },
  {
    name: 'the real shotgun_api3 and tk-core',
    kind: 'real',
    // shotgun_api3 and tk-core themselves refuse older ones. facts: §10
    versions: ['3.9', '3.10', '3.11', '3.13'],
    missing: process.env['SG_REAL_CLIENTS'] ? undefined : 'SG_REAL_CLIENTS names no folder that has them',
  },
] as const

let scene: Scene
beforeAll(async () => {
  scene = await setScene()
  await scene.studio.startBroker()
  await scene.studio.startAgent()
  await scene.signIn()
})
afterAll(() => scene.close())

const unittest = async (interpreter: string, kind: string, folder: string) => {
  const place = resolve('test/python', folder)
  const { status, stderr } = await scene.studio.python(
    'env',
    `SG_TEST_CLIENTS=${kind}`,
    interpreter,
    ...['-m', 'unittest', 'discover', '-v', '-s', place, '-t', place],
  )
  expect(status, stderr).toBe(0)
  expect(stderr).toMatch(/^Ran \d+ tests?/m)
  return stderr
}

describe.each(clients)('the Python client with $name', ({ kind, versions, missing }) => {
  for (const version of versions) {
    const interpreter = findPython(version)
    const skipped = missing ?? (interpreter ? undefined : `there is no Python ${version} on this machine`)

    test(`goes on when the site ends the session, under Python ${version}`, async (context) => {
      if (skipped || !interpreter) return context.skip(skipped)
      await unittest(interpreter, kind, 'pipelines')
    })

    test(`says that nobody is signed in, under Python ${version}`, async (context) => {
      if (skipped || !interpreter) return context.skip(skipped)
      try {
        await unittest(interpreter, kind, 'signed_out')
      } finally {
        await scene.signIn()
      }
    })
  }
})
