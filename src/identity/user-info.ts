import { fetchUserInfo, type UserInfoResponse } from 'openid-client'
import type { Ports } from '../ports.ts'
import type { Secret } from '../secrets/secret.ts'
import { anySignal } from '../waiting/any-signal.ts'
import { translateIdentityError } from './errors.ts'
import type { IssuerMetadata } from './metadata.ts'

/** Whose tokens they are, by the ID token. */
export interface Person {
  readonly subject: string
  readonly email: string | undefined
}

/** A sign-in that asks about its own account. */
interface SignedIn {
  readonly person: Person
  readonly accessToken: Secret
}

/** How long a name that is good to have is waited for. */
const nameLimitMs = 3_000

/** Whether Autodesk itself says that this is the person's address (UserInfo). Throws `identity_unreachable`, `identity_rejected`. */
export async function verifiedEmailOf(
  signedIn: SignedIn,
  metadata: IssuerMetadata,
  ports: Pick<Ports, 'fetch'>,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const { email, email_verified } = await askUserInfo(signedIn, metadata, ports, signal)
    // Text that says "true" is not what OpenID Connect Core §5.1 promises.
    return email_verified === true ? email : undefined
  } catch (error) {
    throw await translateIdentityError(error, 'asking UserInfo')
  }
}

/**
 * The e-mail address of the account, for people to recognise: from the ID token, else from UserInfo. Undefined when
 * neither tells; never throws and takes at most three seconds.
 */
export async function accountNameOf(
  signedIn: SignedIn,
  metadata: IssuerMetadata,
  ports: Pick<Ports, 'fetch' | 'log'>,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (signedIn.person.email !== undefined) return signedIn.person.email
  try {
    const limited = anySignal([signal, AbortSignal.timeout(nameLimitMs)])
    return (await askUserInfo(signedIn, metadata, ports, limited)).email
  } catch (error) {
    const err = await translateIdentityError(error, 'asking UserInfo')
    ports.log.info({ err }, 'the account stays unnamed')
    return undefined
  }
}

async function askUserInfo(
  { person, accessToken }: SignedIn,
  metadata: IssuerMetadata,
  { fetch }: Pick<Ports, 'fetch'>,
  signal: AbortSignal,
): Promise<UserInfoResponse> {
  const configuration = await metadata.configuration(signal, fetch)
  return fetchUserInfo(configuration, accessToken.reveal(), person.subject)
}
