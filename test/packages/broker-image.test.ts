import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { debianRoot, rootMissing } from './debian-root.ts'
import { keep } from './stage.ts'

/** The image, built by buildah on a base of our own: that of a registry cannot be had everywhere. */
let folder = ''
let missing: string | undefined
let built = ''

function buildah(...args: string[]): string {
  const storage = ['--root', `${folder}/root`, '--runroot', `${folder}/run`, '--storage-driver', 'vfs']
  const { status, stdout, stderr } = spawnSync('buildah', [...storage, ...args], {
    encoding: 'utf8',
    env: { ...process.env, XDG_RUNTIME_DIR: folder, BUILDAH_ISOLATION: 'chroot' },
    maxBuffer: 64 * 2 ** 20,
  })
  if (status !== 0) throw new Error(`buildah ${args[0]} ended with ${status}: ${stdout}${stderr}`)
  return stdout.trim()
}

beforeAll(async () => {
  missing = rootMissing ?? (spawnSync('buildah', ['--version']).error && 'there is no buildah: apt-get install buildah')
  if (missing !== undefined) return
  folder = await mkdtemp('/var/tmp/sg-session-image-')
  if (!existsSync('out/bin/sg-broker')) {
    const { status, stderr } = spawnSync(process.execPath, ['build/single-executable.ts', 'sg-broker'], {
      encoding: 'utf8',
    })
    expect([status, stderr]).toEqual([0, ''])
  }
  const base = buildah('from', 'scratch')
  buildah('add', '-q', base, await debianRoot('clean', (text) => void process.stderr.write(`${text}\n`)), '/')
  buildah('config', '--env', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin', base)
  buildah('commit', '-q', base, 'localhost/debian-base')
  const from = ['--pull-never', '--build-arg', 'BASE=localhost/debian-base']
  await keep(
    'broker-image.txt',
    buildah('build', ...from, '-f', 'build/oci/Containerfile', '-t', 'localhost/sg-broker', '.'),
  )
  built = buildah('from', '--pull-never', 'localhost/sg-broker')
}, 600_000)
afterAll(async () => {
  if (folder !== '') await rm(folder, { recursive: true, force: true, maxRetries: 5 })
})

test('the image holds a broker that is nobody’s but its own user’s', (context) => {
  if (missing !== undefined) return context.skip(missing)
  expect(buildah('run', built, '--', '/usr/bin/sg-broker', '--version')).toMatch(/^\d+\.\d+\.\d+/)
  expect(buildah('run', built, '--', 'id', '-u', '-n')).toBe('sg-broker')
  expect(
    buildah('run', built, '--', 'stat', '-c', '%a %U:%G', '/usr/bin/sg-broker', '/etc/sg-broker', '/var/lib/sg-broker'),
  ).toBe('755 root:root\n750 root:sg-broker\n700 sg-broker:sg-broker')
})

test('what it starts, and where it may write, are said in it', (context) => {
  if (missing !== undefined) return context.skip(missing)
  const { OCIv1 } = JSON.parse(buildah('inspect', '--type', 'image', 'localhost/sg-broker')) as {
    OCIv1: { config: object }
  }
  expect(OCIv1.config).toMatchObject({
    User: '10443:10443',
    Entrypoint: ['/usr/bin/sg-broker'],
    Cmd: ['serve'],
    Volumes: { '/var/lib/sg-broker': {} },
    StopSignal: 'SIGTERM',
  })
})
