import { describe, expect, test } from 'vitest'
import { Secret } from '../../../src/secrets/secret.ts'
import type { AutodeskToken, SignedIn } from '../../../src/session/session.ts'
import { codeOf, failing, issued, Stage } from './stage.ts'

function tokenNamed(name: string): AutodeskToken {
  return { accessToken: new Secret(name), expiresAt: 0, scopes: undefined }
}

/** A sign-in at Autodesk whose token comes when it is let. */
function heldBack(stage: Stage, userId = 7): { signedIn: SignedIn; come: (name: string) => void } {
  const { session, renewal } = stage.signedIn()
  const { promise, resolve } = Promise.withResolvers<AutodeskToken>()
  const signedIn = { session: { ...session, userId }, renewal: { ...renewal, autodeskToken: () => promise } }
  return { signedIn, come: (name) => resolve(tokenNamed(name)) }
}

/** What a caller gets: the token, or the code of the error. */
function outcome(stage: Stage): Promise<string> {
  return stage.holder.autodeskToken(0).then(({ accessToken }) => accessToken.reveal(), codeOfError)
}

function codeOfError(error: unknown): Promise<string> {
  return codeOf(Promise.reject(error))
}

describe('the Autodesk token of a sign-in', () => {
  test('is handed out as it comes', async () => {
    const stage = new Stage()
    const { signedIn, come } = heldBack(stage)
    await stage.holder.signIn(async () => signedIn)
    come('theirs')
    expect(await outcome(stage)).toBe('theirs')
  })

  test('is not there where nobody is signed in, nor where they signed in without Autodesk', async () => {
    const stage = new Stage()
    expect(await outcome(stage)).toBe('login_required')
    await stage.signIn()
    expect(await outcome(stage)).toBe('autodesk_token_unavailable')
  })

  test('that comes after a sign-out is nobody’s', async () => {
    const stage = new Stage()
    const { signedIn, come } = heldBack(stage)
    await stage.holder.signIn(async () => signedIn)
    const asked = outcome(stage)
    await stage.holder.signOut()
    come('late')
    expect(await asked).toBe('login_required')
  })

  test('that comes when somebody else is there is nobody’s either', async () => {
    const stage = new Stage()
    const before = heldBack(stage)
    await stage.holder.signIn(async () => before.signedIn)
    const asked = outcome(stage)
    const after = heldBack(stage, 8)
    await stage.holder.signIn(async () => after.signedIn)
    before.come('of who was there before')
    after.come('of who came')
    expect(await asked).toBe('login_required')
    expect(await outcome(stage)).toBe('of who came')
  })

  test('is that of the newer sign-in when the same person signed in anew', async () => {
    const stage = new Stage()
    const before = heldBack(stage)
    await stage.holder.signIn(async () => before.signedIn)
    const asked = outcome(stage)
    const after = heldBack(stage)
    await stage.holder.signIn(async () => after.signedIn)
    before.come('of before')
    after.come('of now')
    expect(await asked).toBe('of now')
  })

  test('that cannot be refreshed says why, and the session stays', async () => {
    const stage = new Stage()
    const { session, renewal } = stage.signedIn()
    const refusing = { ...renewal, autodeskToken: failing('identity_unreachable') }
    await stage.holder.signIn(async () => ({ session, renewal: refusing }))
    expect(await outcome(stage)).toBe('identity_unreachable')
    expect(stage.holder.status()).toMatchObject({ state: 'signed_in', userId: issued(0).userId })
  })
})
