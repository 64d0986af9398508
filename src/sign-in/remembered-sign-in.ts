import { z } from 'zod'
import { Secret } from '../secrets/secret.ts'

/** What a later run of the agent needs to go on with a sign-in on the same day: all of it stands in the keychain. */
export interface RememberedSignIn {
  readonly refreshToken: Secret
  /** The key that the broker knows this sign-in by. */
  readonly privateJwk: Secret
  readonly signInChallenge: string
  /** The broker that knows the key; no other is told of the sign-in without the artist. */
  readonly broker: string
  /** Wall clock, ms since the epoch. */
  readonly signedInAt: number
  /** The `sub` of the Autodesk account. */
  readonly subject: string
  /** HumanUser.id: nobody else's session may come of it. */
  readonly userId: number
  readonly account?: string
}

const schema = z.object({
  v: z.literal(1),
  token: z.string().min(1),
  key: z.string().min(1),
  challenge: z.string().regex(/^[\w-]{43}$/),
  broker: z.url(),
  at: z.number().positive(),
  sub: z.string().min(1),
  user: z.number().int().positive(),
  account: z.string().min(1).optional(),
})

/** Short names: Windows keeps 2,560 bytes under a name, and the token is Autodesk's. */
export function writeRemembered(remembered: RememberedSignIn): Secret {
  const { refreshToken, privateJwk, signInChallenge, broker, signedInAt, subject, userId, account } = remembered
  const content: z.input<typeof schema> = {
    v: 1,
    token: refreshToken.reveal(),
    key: privateJwk.reveal(),
    challenge: signInChallenge,
    broker,
    at: signedInAt,
    sub: subject,
    user: userId,
    account,
  }
  return new Secret(JSON.stringify(content))
}

/** Undefined when it is not of this form: another version's, or damaged. */
export function readRemembered(secret: Secret): RememberedSignIn | undefined {
  let content: unknown
  try {
    content = JSON.parse(secret.reveal())
  } catch {
    return undefined
  }
  const parsed = schema.safeParse(content)
  if (!parsed.success) return undefined
  const { token, key, challenge, broker, at, sub, user, account } = parsed.data
  return {
    refreshToken: new Secret(token),
    privateJwk: new Secret(key),
    signInChallenge: challenge,
    broker,
    signedInAt: at,
    subject: sub,
    userId: user,
    ...(account === undefined ? {} : { account }),
  }
}
