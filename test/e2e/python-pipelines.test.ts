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
    missing: process.env['SG_REAL_CLIENTS']
      ? undefined
      : 'SG_REAL_CLIENTS names no folder with a shotgun_api3 or a tk-core',
  },
] as const

let scene: Scene
/** A site whose sessions the broker cannot hand out: it serves its own gateway instead. */
let gatewayScene: Scene
beforeAll(async () => {
  // With all the clients under all their Pythons more sessions end than an artist has in an hour.
  scene = await setScene({ exchangesPerPerson: 1_000 })
  gatewayScene = await setScene({ site: { sudoSessionOwner: 'script' } })
  for (const { studio, signIn } of [scene, gatewayScene]) {
    await studio.startBroker()
    await studio.startAgent()
    await signIn()
  }
})
afterAll(async () => {
  await Promise.all([scene.close(), gatewayScene.close()])
})

const unittest = async (interpreter: string, kind: string, folder: string, { studio } = scene) => {
  const place = resolve('test/python', folder)
  const { status, stderr } = await studio.python(
    'env',
    `SG_TEST_CLIENTS=${kind}`,
    interpreter,
    // What the real ones are warned of is not ours to mend.
    ...(kind === 'stand-in' ? ['-W', 'error'] : []),
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

    // The real tk-core is imported, and copied, in a dozen processes.
    test(`goes on when the site ends the session, under Python ${version}`, { timeout: 300_000 }, async (context) => {
      if (skipped || !interpreter) return context.skip(skipped)
      await unittest(interpreter, kind, 'pipelines')
    })

    test(`works through the broker’s gateway, under Python ${version}`, async (context) => {
      if (skipped || !interpreter) return context.skip(skipped)
      await unittest(interpreter, kind, 'gateway', gatewayScene)
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
