import { takesPassphrases } from '../sign-in/choose-way-in.ts'
import { accountSettings, tokenPage } from '../sign-in/legacy-refusal.ts'
import { isLoginTheAddress } from './judge-person.ts'
import type { PersonFacts } from './person-facts.ts'

/** What is worth knowing and is no finding about the person. */
export const noteCodes = [
  'old_login',
  'new_user',
  'shared_email',
  'tools_unseen',
  'token_believed',
  'two_revocations',
  'foreign_passphrase',
  'activating_people',
  'session_left',
] as const
export type NoteCode = (typeof noteCodes)[number]

export interface Note {
  readonly code: NoteCode
  readonly says: string
}

/** The notes that fit this person and site, in the order of `noteCodes`. */
export function notesOn(facts: PersonFacts): Note[] {
  const { info, user, passphrase } = facts
  // After a site has moved login and passphrase are taken again, so they concern people of a SAML site, too, some day.
  const takesThem = takesPassphrases(info.authentication)
  const isLogin = isLoginTheAddress(user)
  const group = user?.permissionGroup ?? undefined
  const says: Readonly<Record<NoteCode, string | false>> = {
    old_login:
      isLogin === false &&
      `Your login "${user?.login}" is not your e-mail address: tools that sign in with login and passphrase need just this login, with the passphrase you have always had for it.`,
    new_user:
      isLogin === true &&
      takesThem &&
      'Your login is your e-mail address, as that of every new user. New users have no passphrase until they set one, and a Personal Access Token is good for nothing without a passphrase.',
    shared_email:
      (user?.namesakes?.length ?? 0) > 0 &&
      'Other active users have your e-mail address. Until a site has moved to Autodesk Identity the address is what ties a user to an Autodesk account: ask an administrator to give each user an address of their own.',
    tools_unseen:
      'How your other tools sign in cannot be seen from here. After a site has moved, every tool that signs in with login and passphrase fails for people without a valid token; the browser, sg-session through the browser, and script keys need none.',
    token_believed:
      takesThem &&
      'Once a token was used, the site is said not to look at it again for about an hour: a token you have deleted can look valid that long. Nobody has measured it.',
    two_revocations:
      takesThem &&
      `Only ShotGrid can use a token bound to it. Two things end what login and passphrase can do: change the passphrase (${accountSettings}), or delete the token (${tokenPage}).`,
    foreign_passphrase:
      takesThem &&
      'A passphrase that you never set, as freelancers of an earlier client have it, neither you nor an administrator can change. The way out: if no work hangs on the user, an administrator puts it in the trash and invites you again; else Autodesk support.',
    activating_people:
      !isArtist(group) &&
      'After a site has moved, scripts go on working, but for those that create an active user or set "sg_status_list" to "act": these need an administrator in person, with passphrase and token, and such a person cannot be the target of "sudo_as_login".',
    session_left:
      'login' in passphrase &&
      passphrase.outcome.accepted &&
      'The try made a session, which was thrown away. ShotGrid has no call that ends one: it ends by itself when unused.',
  }
  return noteCodes.flatMap((code) => {
    const said = says[code]
    return said === false ? [] : [{ code, says: said }]
  })
}

/** Of the groups every site begins with, those that administer nobody. */
function isArtist(group: string | undefined): boolean {
  return group === 'artist' || group === 'vendor'
}
