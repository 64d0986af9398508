import { AgentError } from '../../errors.ts'
import type { BrokerSite } from '../config.ts'
import type { ScriptedSite } from '../scripted-site.ts'
import { foldCase, isEmailAddress, isOfDomains } from './email-address.ts'
import type { Account, PeopleTable } from './people-table.ts'
import { readUser, readUsers, type SiteUser, whyNotUsable } from './site-users.ts'

/** A HumanUser the broker may make a session for. */
export interface MappedPerson {
  readonly userId: number
  readonly login: string
  readonly name: string
}

const mostNamesakes = 50

/** Finds the one HumanUser of an Autodesk account: by the link made earlier, else by a first match of its e-mail address. */
export class People {
  readonly #table: PeopleTable

  constructor(table: PeopleTable) {
    this.#table = table
  }

  /**
   * The person on this site, as the site describes them now. `verifiedEmail` is asked only when there is no link yet. Throws
   * `account_not_mapped`, `account_ambiguous`, `account_disabled`, `privileged_account`, `site_unreachable`, or
   * `temporarily_unavailable` when the site does not take the script.
   */
  async find(
    site: ScriptedSite,
    account: Account,
    verifiedEmail: () => Promise<string | undefined>,
  ): Promise<MappedPerson> {
    const linked = await this.#table.find(site.url, account)
    if (linked) return this.#linkedPerson(site, linked.user_id, linked.login)
    const email = await verifiedEmail()
    if (email === undefined)
      throw new AgentError('account_not_mapped', 'the Autodesk account has no verified e-mail address')
    const expected = await this.#table.expected(site.url, foldCase(email))
    const user = expected ? await existingUser(site, expected.user_id) : await this.#firstMatch(site, email)
    demandUsable(user, site.policy)
    await this.#table.remember(site.url, account, {
      userId: user.id,
      login: user.login,
      matchedBy: expected?.matched_by ?? 'email',
      email,
      setBy: expected?.set_by ?? 'first sign-in',
    })
    return personOf(user)
  }

  /** The user with the address, unless an operator said that they come with another one. */
  async #firstMatch(site: ScriptedSite, email: string): Promise<SiteUser> {
    const user = await firstMatch(site, email)
    if (!(await this.#table.isExpected(site.url, user.id))) return user
    const said = `the ShotGrid user "${user.login}" is expected with another address than "${email}"`
    throw new AgentError('account_ambiguous', said)
  }

  /** The person behind a link made earlier, judged anew. Throws like `find`. */
  async #linkedPerson(site: ScriptedSite, userId: number, knownLogin: string): Promise<MappedPerson> {
    const user = await existingUser(site, userId)
    demandUsable(user, site.policy)
    if (user.login !== knownLogin) await this.#table.moveLogin(site.url, userId, user.login)
    return personOf(user)
  }
}

async function existingUser(site: ScriptedSite, userId: number): Promise<SiteUser> {
  const user = await readUser(site, userId)
  if (!user) throw new AgentError('account_disabled', `HumanUser ${userId} of "${site.url}" was deleted`)
  return user
}

/** Exactly one active user must have the address; case does not count, since people type addresses as they like. */
async function firstMatch(site: ScriptedSite, email: string): Promise<SiteUser> {
  if (!isEmailAddress(email)) throw new AgentError('account_not_mapped', `"${email}" is no e-mail address`)
  if (!isOfDomains(email, site.policy.emailDomains)) {
    throw new AgentError('account_not_mapped', `"${email}" is not of a domain that may sign in to "${site.url}"`)
  }
  // Not `is`: what that makes of case is the site's business; whole addresses are compared here.
  const wanted = foldCase(email)
  const found = await readUsers(site, [['email', 'starts_with', email]], mostNamesakes)
  if (found.length >= mostNamesakes) throw new AgentError('account_ambiguous', `too many users match "${email}"`)
  const namesakes = found.filter((user) => foldCase(user.email ?? '') === wanted)
  const active = namesakes.filter(({ isActive }) => isActive)
  const [only, another] = active
  if (another)
    throw new AgentError('account_ambiguous', `${active.length} active ShotGrid users have the address "${email}"`)
  if (only) return only
  if (namesakes.length > 0)
    throw new AgentError('account_disabled', `the ShotGrid user with the address "${email}" is not active`)
  throw new AgentError('account_not_mapped', `no ShotGrid user of "${site.url}" has the address "${email}"`)
}

function demandUsable(user: SiteUser, policy: BrokerSite): void {
  const refusal = whyNotUsable(user, policy)
  if (refusal) throw refusal
}

function personOf({ id, login, name }: SiteUser): MappedPerson {
  return { userId: id, login, name }
}
