import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  MatrixSite,
  type Mode,
  modes,
  type Outcome,
  type State,
  states,
  type WayName,
  ways,
} from './ways-in-matrix-stage.ts'

/**
 * Every kind of site, with and without its App Session Launcher (ASL), every way in, every state a person can be in: who gets
 * in, and what the others are told. The words of all cells stand in ways-in-matrix.txt.
 */
const kinds = modes.flatMap((mode) => [true, false].map((launcher) => ({ mode, launcher, key: keyOf(mode, launcher) })))
const everyState = Object.keys(states) as State[]

let outcomes: ReadonlyMap<string, ReadonlyMap<string, Outcome>>
const sites: MatrixSite[] = []
beforeAll(async () => {
  const played = await Promise.all(
    kinds.map(async ({ mode, launcher, key }) => {
      const site = await MatrixSite.start(mode, launcher)
      sites.push(site)
      return [key, await site.playAll()] as const
    }),
  )
  outcomes = new Map(played)
}, 120_000)
afterAll(() => Promise.all(sites.map((site) => site.close())))

function keyOf(mode: Mode, launcher: boolean): string {
  return `${mode.padEnd(7)} ASL ${launcher ? 'on ' : 'off'}`
}

function outcomeOf(key: string, way: WayName, state: State): Outcome {
  const outcome = outcomes.get(key)?.get(`${way} ${state}`)
  if (!outcome) throw new Error(`nobody played ${key} ${way} ${state}`)
  return outcome
}

/** The site's own session cannot be had again without the artist. */
const overWithTheSession = ['ok', 'session_ended', 'login_required']

/** What must come of it, whatever the words are. */
function expectedCodes(mode: Mode, launcher: boolean, way: WayName, state: State): readonly string[] {
  if (way === 'broker') {
    if (state === 'expired') return ['ok', 'ok', 'ok']
    if (state === 'revoked') return ['ok', 'account_disabled', 'login_required']
    // Lock, second factor, token and passphrase belong to the login and passphrase, which nobody types here.
    return [state === 'disabled' ? 'account_disabled' : 'ok']
  }
  if (way === 'web') {
    if (!launcher) return ['web_sign_in_unavailable']
    // What keeps a person out of the site's own page: on a site with passphrases of its own, what would keep a program out too.
    const keptOut = mode === 'default' ? ['disabled', 'locked', 'no passphrase'] : ['disabled']
    if (keptOut.includes(state)) return ['access_denied']
    return state === 'expired' || state === 'revoked' ? overWithTheSession : ['ok']
  }
  if (mode === 'saml2') return ['legacy_sign_in_unavailable']
  const refused = mode === 'oxygen' ? 'personal_access_token_required' : 'passphrase_rejected'
  switch (state) {
    case 'ok':
      return ['ok']
    case 'expired':
    case 'revoked':
      return overWithTheSession
    case 'locked':
      return [refused, refused, refused]
    case 'two-factor':
      return mode === 'oxygen' ? ['ok'] : ['two_factor_required', refused, 'ok']
    case 'no token':
      return [mode === 'oxygen' ? refused : 'ok']
    case 'disabled':
    case 'deleted token':
    case 'no passphrase':
      return [refused]
  }
}

describe.each(kinds)('a $key site', ({ mode, launcher, key }) => {
  describe.each(ways)('by way of %s', (way) => {
    test.each(everyState)('%s: the right people get in, and the others get the right code', (state) => {
      expect(outcomeOf(key, way, state).codes).toEqual(expectedCodes(mode, launcher, way, state))
    })
  })
})

test('all 162 cells were played', () => {
  const played = [...outcomes.values()].reduce((sum, cells) => sum + cells.size, 0)
  expect(played).toBe(modes.length * 2 * ways.length * everyState.length)
})

test('the words are the ones in ways-in-matrix.txt', async () => {
  const lines = kinds.flatMap(({ key }) =>
    ways.flatMap((way) =>
      everyState.map((state) => {
        const { words } = outcomeOf(key, way, state)
        return `${key}  ${way.padEnd(6)}  ${state.padEnd(13)}  ${words.join(' → ')}`
      }),
    ),
  )
  const text = lines.join('\n').replaceAll(/http:\/\/127\.0\.0\.1:\d+/g, 'https://site.example')
  await expect(`${text}\n`).toMatchFileSnapshot('ways-in-matrix.txt')
})
