import { generateKeyPairSync, sign } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import type { Obstacle } from '../../../../app/update/obstacle.ts'
import { ArtefactRefused, Updates } from '../../../../app/update/updates.ts'
import type { Release } from '../../../../src/update/feed-metadata.ts'
import type { UpdateRecord } from '../../../../src/update/update-record.ts'

const keys = generateKeyPairSync('ed25519')
const publicKey = keys.publicKey.export({ type: 'spki', format: 'der' }).subarray(12).toString('base64')
const feedUrl = new URL('https://updates.studio.example/')
const hour = 3600_000

/** An app of version 1.3.0 before a feed; a test says what the feed has, and what is in the way. */
function stage(record: UpdateRecord = { bucket: 0 }) {
  const state = {
    now: Date.parse('2026-05-12T09:00:00Z'),
    offered: '1.4.0' as string | undefined,
    issuedHoursAgo: 1,
    percentage: 100,
    obstacle: undefined as Obstacle | undefined,
    handsOver: false,
    record,
    /** What was asked, downloaded and done, in order. */
    done: [] as string[],
    logged: [] as string[],
    refuses: undefined as Error | undefined,
    placing: () => Promise.resolve(),
  }
  const metadata = (): Buffer =>
    Buffer.from(
      JSON.stringify({
        metadataOf: 'latest-linux.yml',
        version: state.offered,
        issued: new Date(state.now - state.issuedHoursAgo * hour).toISOString(),
        expires: new Date(state.now + 24 * hour).toISOString(),
        stagingPercentage: state.percentage,
        files: [{ url: 'a.AppImage', sha512: Buffer.alloc(64).toString('base64'), size: 5 }],
      }),
    )
  const say =
    (level: string) =>
    (_facts: unknown, text?: string): void => {
      state.logged.push(`${level}: ${text}`)
    }
  const make = (): Updates =>
    new Updates({
      feed: { url: feedUrl, publicKey, channel: 'latest' },
      feedIsHere: true,
      async fetch(url) {
        state.done.push(`asked ${url.replace(feedUrl.href, '')}`)
        if (state.offered === undefined) throw new TypeError('net::ERR_INTERNET_DISCONNECTED')
        return new Response(
          url.endsWith('.sig')
            ? sign(null, metadata(), keys.privateKey).toString('base64')
            : new Uint8Array(metadata()),
        )
      },
      artefacts: {
        fileEnd: '.AppImage',
        async download({ version }: Release) {
          state.done.push(`downloaded ${version}`)
          if (state.refuses) throw state.refuses
          return {
            async putInPlace() {
              await state.placing()
              state.done.push(`put ${version} in place`)
            },
            async finish(restart) {
              state.done.push(restart ? `started ${version}` : 'ended')
            },
          }
        },
        async discard() {
          state.done.push('discarded')
        },
      },
      record: {
        read: async () => state.record,
        async write(content) {
          state.record = content
          return true
        },
      },
      host: {
        obstacle: () => state.obstacle,
        changed: () => updates.advance(),
        handsOver: () => state.handsOver,
        handOver: () => state.done.push('hand over'),
        quit: () => state.done.push('quit'),
      },
      log: { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') } as never,
      platform: 'linux',
      arch: 'x64',
      runningVersion: '1.3.0',
      now: () => state.now,
      random: () => 0,
      quietMs: 5,
    })
  let updates = make()
  opened.push(updates)
  return {
    state,
    get updates() {
      return updates
    },
    /** The app is started anew, and is still what it was. */
    again() {
      updates.close()
      state.done = []
      updates = make()
      opened.push(updates)
    },
  }
}

const opened: Updates[] = []
afterEach(() => {
  for (const updates of opened.splice(0)) updates.close()
})
const asked = ['asked latest-linux.yml', 'asked latest-linux.yml.sig']

describe('a newer version', () => {
  test('is downloaded, put in place and started as the last thing, while nothing is in the way', async () => {
    const { state, updates } = stage()
    await updates.look()
    await expect.poll(() => state.done).toEqual([...asked, 'downloaded 1.4.0', 'put 1.4.0 in place', 'quit'])
    await updates.finish()
    expect(state.done.at(-1)).toBe('started 1.4.0')
  })

  test('that takes over what is held here is put in place and asked to, once; the app does not quit for it', async () => {
    const { state, updates } = stage()
    state.handsOver = true
    await updates.look()
    const done = [...asked, 'downloaded 1.4.0', 'put 1.4.0 in place', 'hand over']
    await expect.poll(() => state.done).toEqual(done)
    updates.advance()
    await new Promise((wake) => setTimeout(wake, 30))
    expect(state.done).toEqual(done)
    await updates.handedOver()
    expect(state.done).toEqual([...done, 'ended'])
  })

  test('that is not one to start is waited for as where nothing is handed over', async () => {
    const { state, updates } = stage()
    state.handsOver = true
    await updates.look()
    await expect.poll(() => state.done.at(-1)).toBe('hand over')
    Object.assign(state, { handsOver: false, obstacle: 'session' })
    updates.advance()
    await new Promise((wake) => setTimeout(wake, 30))
    expect(state.done.at(-1)).toBe('hand over')
    state.obstacle = undefined
    updates.advance()
    await expect.poll(() => state.done.at(-1)).toBe('quit')
  })

  test('that did not take over does not keep the one that mends it from its turn', async () => {
    const { state, updates } = stage()
    state.handsOver = true
    await updates.look()
    await expect.poll(() => state.done.at(-1)).toBe('hand over')
    Object.assign(state, { offered: '1.4.1', issuedHoursAgo: 0 })
    await updates.look()
    await expect.poll(() => state.done.slice(-2)).toEqual(['put 1.4.1 in place', 'hand over'])
  })

  test('of another’s making that took over leaves what was downloaded to it', async () => {
    const { state, updates } = stage()
    state.obstacle = 'question'
    await updates.look()
    await updates.handedOver()
    expect(state.done.at(-1)).toBe('downloaded 1.4.0')
  })

  test('goes on after work that nobody says the end of', async () => {
    const { state, updates } = stage()
    state.obstacle = 'work'
    await updates.look()
    await new Promise((wake) => setTimeout(wake, 20))
    expect(state.done.at(-1)).toBe('downloaded 1.4.0')
    state.obstacle = undefined
    await expect.poll(() => state.done.at(-1)).toBe('quit')
  })

  test.each(['question', 'sign-in', 'session', 'window'] as const)(
    'waits while there is a %s, and goes on after it',
    async (obstacle) => {
      const { state, updates } = stage()
      state.obstacle = obstacle
      await updates.look()
      updates.advance()
      expect(state.done).toEqual([...asked, 'downloaded 1.4.0'])
      expect(updates.ready).toBe('1.4.0')
      state.obstacle = undefined
      updates.advance()
      await expect.poll(() => state.done.at(-1)).toBe('quit')
    },
  )

  test('does not restart between two sign-ins: nothing is in its way for too short a time', async () => {
    const { state, updates } = stage()
    state.obstacle = 'session'
    await updates.look()
    state.obstacle = undefined
    updates.advance()
    state.obstacle = 'sign-in'
    await new Promise((wake) => setTimeout(wake, 20))
    expect(state.done).not.toContain('put 1.4.0 in place')
    updates.advance()
    state.obstacle = undefined
    updates.advance()
    await expect.poll(() => state.done.at(-1)).toBe('quit')
  })

  test('is put in place when the app quits, and not started', async () => {
    const { state, updates } = stage()
    state.obstacle = 'session'
    await updates.look()
    await updates.finish()
    expect(state.done.slice(2)).toEqual(['downloaded 1.4.0', 'put 1.4.0 in place', 'ended'])
  })

  test('is had at once by the artist where a window is open, and not where a session would be lost', async () => {
    const { state, updates } = stage()
    state.obstacle = 'session'
    await updates.look()
    await updates.restart()
    expect(state.done).not.toContain('quit')
    state.obstacle = 'window'
    await updates.restart()
    expect(state.done.slice(-2)).toEqual(['put 1.4.0 in place', 'quit'])
  })

  test('does not end a sign-in that has begun while it was put in place; then it is the next one’s turn', async () => {
    const { state, updates } = stage()
    state.placing = async () => {
      state.obstacle = 'sign-in'
    }
    await updates.look()
    await expect.poll(() => state.done.at(-1)).toBe('put 1.4.0 in place')
    await new Promise(setImmediate)
    expect(state.done).not.toContain('quit')
    state.obstacle = undefined
    updates.advance()
    await expect.poll(() => state.done.slice(-2)).toEqual(['put 1.4.0 in place', 'quit'])
  })

  test('that is withdrawn before it was put in place is forgotten', async () => {
    const { state, updates } = stage()
    state.obstacle = 'session'
    await updates.look()
    Object.assign(state, { offered: '1.3.0', issuedHoursAgo: 0 })
    await updates.look()
    expect(updates.ready).toBeUndefined()
    expect(state.done.at(-1)).toBe('discarded')
    await updates.finish()
    expect(state.done.at(-1)).toBe('discarded')
  })

  test('whose rollout was stopped is forgotten', async () => {
    const { state, updates } = stage()
    state.obstacle = 'session'
    await updates.look()
    state.percentage = 0
    await updates.look()
    expect(updates.ready).toBeUndefined()
  })

  test('is downloaded once, however often somebody looks', async () => {
    const { state, updates } = stage()
    state.obstacle = 'session'
    await Promise.all([updates.look(), updates.look()])
    await updates.look()
    expect(state.done.filter((one) => one.startsWith('downloaded'))).toHaveLength(1)
  })

  test('that is in place twice and still does not run is left alone: no program starts itself for ever', async () => {
    const setting = stage()
    const { state } = setting
    for (let start = 0; start < 2; start += 1) {
      await setting.updates.look()
      await expect.poll(() => state.done.at(-1)).toBe('quit')
      setting.again()
    }
    await setting.updates.look()
    expect(state.done).toEqual(asked)
    expect(state.record.lastLook).toMatchObject({ kind: 'failed', detail: expect.stringContaining('2 times') })
    state.offered = '1.4.1'
    await setting.updates.look()
    expect(state.done).toContain('downloaded 1.4.1')
  })

  test('that cannot be put in place leaves everything as it was, and says so in the log', async () => {
    const { state, updates } = stage()
    state.placing = () => Promise.reject(new Error('ENOSPC'))
    await updates.look()
    await expect.poll(() => updates.ready).toBeUndefined()
    expect(state.done).not.toContain('quit')
    await expect
      .poll(() => state.record.lastLook)
      .toMatchObject({ kind: 'failed', detail: expect.stringContaining('ENOSPC') })
    expect(state.logged).toContain('warn: a newer version was not taken')
  })
})

describe('what goes wrong', () => {
  test('on the network is quiet, and tried again', async () => {
    const { state, updates } = stage()
    state.offered = undefined
    await updates.look()
    expect(state.logged).toEqual(['info: the update feed could not be asked'])
    expect(state.record.lastLook).toMatchObject({ kind: 'unreachable' })
  })

  test('with a file that is another one is a warning, and nothing is ready', async () => {
    const { state, updates } = stage()
    state.refuses = new ArtefactRefused('its SHA-512 is another')
    await updates.look()
    expect(updates.ready).toBeUndefined()
    expect(state.record.lastLook).toMatchObject({ kind: 'refused', detail: '1.4.0: its SHA-512 is another' })
    expect(state.logged).toContain('warn: a newer version was not taken')
  })

  test('with a download that breaks off is quiet', async () => {
    const { state, updates } = stage()
    state.refuses = new Error('net::ERR_CONNECTION_RESET')
    await updates.look()
    expect(state.logged.filter((line) => !line.startsWith('info'))).toEqual([])
  })
})

describe('what is remembered', () => {
  test('keeps older metadata from counting, in the next run too', async () => {
    const setting = stage()
    setting.state.obstacle = 'session'
    await setting.updates.look()
    setting.again()
    Object.assign(setting.state, { offered: '1.3.9', issuedHoursAgo: 2 })
    await setting.updates.look()
    expect(setting.updates.ready).toBeUndefined()
    expect(setting.state.record.lastLook).toMatchObject({
      kind: 'refused',
      detail: expect.stringContaining('replayed'),
    })
  })

  test('of one feed is nothing to another', async () => {
    const newest = { address: 'https://elsewhere.example/latest-linux.yml', issuedAt: Date.parse('2030-01-01') }
    const { state, updates } = stage({ bucket: 0, newest })
    await updates.look()
    expect(state.record.lastLook).toMatchObject({ kind: 'update' })
  })

  test('is the machine’s turn, which stays', async () => {
    const { state, updates } = stage({ bucket: 30 })
    state.percentage = 30
    await updates.look()
    expect(state.done).not.toContain('downloaded 1.4.0')
    expect(state.record.bucket).toBe(30)
    state.percentage = 31
    await updates.look()
    expect(state.done).toContain('downloaded 1.4.0')
  })
})

describe('when it looks', () => {
  const looks = (state: { done: string[] }): number => state.done.filter((one) => one === asked[0]).length

  test('is at the start, and then at most once a day, when something happens anyway', async () => {
    const { state, updates } = stage()
    state.obstacle = 'session'
    updates.start()
    await expect.poll(() => state.record.lastLook).toBeDefined()
    updates.onEvent()
    state.now += 5 * hour
    updates.onEvent()
    await new Promise((wake) => setTimeout(wake, 20))
    expect(looks(state)).toBe(1)
    state.now += 19 * hour
    updates.onEvent()
    updates.onEvent()
    await expect.poll(() => looks(state)).toBe(2)
  })

  test('is never again once the app ends', async () => {
    const { state, updates } = stage()
    updates.close()
    updates.start()
    updates.onEvent()
    await new Promise((wake) => setTimeout(wake, 20))
    expect(state.done).toEqual([])
  })
})
