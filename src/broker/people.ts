import { z } from 'zod'
import { AgentError } from '../errors.ts'
import type { Clock, Fetch } from '../ports.ts'
import { SiteFault } from '../shotgrid/faults.ts'
import { type Filter, readEntities } from '../shotgrid/json-rpc.ts'
import type { BrokerSite } from './config.ts'
import type { Database } from './database.ts'
import type { Subject } from './subject-token.ts'

/** A HumanUser the broker may make a session for. */
export interface MappedPerson {
  readonly userId: number
  readonly login: string
  readonly name: string
}

const userSchema = z.object({
  id: z.number().int().positive(),
  login: z.string().min(1),
  name: z.string().nullish(),
  email: z.string().nullish(),
  sg_status_list: z.string().nullish(),
  can_impersonate_this_user: z.boolean().nullish(),
  'permission_rule_set.PermissionRuleSet.code': z.string().nullish(),
})
type SiteUser = z.output<typeof userSchema>

const fields = Object.keys(userSchema.shape)
const siteLimitMs = 30_000
const mostNamesakes = 50

/** Finds the one HumanUser of an Autodesk account: by the link made earlier, else by a first match of its e-mail address. */
export class People {
  readonly #database: Database
  readonly #fetch: Fetch
  readonly #clock: Pick<Clock, 'now'>

  constructor(database: Database, fetch: Fetch, clock: Pick<Clock, 'now'>) {
    this.#database = database
    this.#fetch = fetch
    this.#clock = clock
  }

  /**
   * The person on this site. `verifiedEmail` is asked only when there is no link yet. Throws `account_not_mapped`,
   * `account_ambiguous`, `account_disabled`, `privileged_account`, `site_unreachable`, or `temporarily_unavailable` when the
   * site does not take the script key.
   */
  async find(
    site: BrokerSite,
    subject: Subject,
    verifiedEmail: () => Promise<string | undefined>,
  ): Promise<MappedPerson> {
    const linked = await this.#link(site, subject)
    const user =
      linked === undefined ? await this.#firstMatch(site, await verifiedEmail()) : await this.#linkedUser(site, linked)
    demandUsable(user, site)
    if (linked === undefined) await this.#remember(site, subject, user)
    return { userId: user.id, login: user.login, name: user.name || user.login }
  }

  async #link(site: BrokerSite, subject: Subject): Promise<number | undefined> {
    const row = await this.#database
      .selectFrom('person')
      .select('user_id')
      .where('site', '=', site.url)
      .where('issuer', '=', subject.issuer)
      .where('subject', '=', subject.subject)
      .executeTakeFirst()
    return row?.user_id
  }

  async #linkedUser(site: BrokerSite, userId: number): Promise<SiteUser> {
    const user = (await this.#read(site, ['id', 'is', userId])).find(({ id }) => id === userId)
    if (!user) throw new AgentError('account_disabled', `HumanUser ${userId} of "${site.url}" was deleted`)
    return user
  }

  /** Exactly one active user must have the address; case does not count, since people type addresses as they like. */
  async #firstMatch(site: BrokerSite, email: string | undefined): Promise<SiteUser> {
    if (email === undefined)
      throw new AgentError('account_not_mapped', 'the Autodesk account has no verified e-mail address')
    if (!/^[^@\s]+@[^@\s]+$/.test(email)) throw new AgentError('account_not_mapped', `"${email}" is no e-mail address`)
    const wanted = foldCase(email)
    if (site.emailDomains && !site.emailDomains.includes(wanted.slice(wanted.lastIndexOf('@') + 1))) {
      throw new AgentError('account_not_mapped', `"${email}" is not of a domain that may sign in to "${site.url}"`)
    }
    // Not `is`: what that makes of case is the site's business; whole addresses are compared here.
    const found = await this.#read(site, ['email', 'starts_with', email])
    if (found.length >= mostNamesakes) throw new AgentError('account_ambiguous', `too many users match "${email}"`)
    const namesakes = found.filter((user) => foldCase(user.email ?? '') === wanted)
    const active = namesakes.filter((user) => user.sg_status_list === 'act')
    const [only, another] = active
    if (another)
      throw new AgentError('account_ambiguous', `${active.length} active ShotGrid users have the address "${email}"`)
    if (only) return only
    if (namesakes.length > 0)
      throw new AgentError('account_disabled', `the ShotGrid user with the address "${email}" is not active`)
    throw new AgentError('account_not_mapped', `no ShotGrid user of "${site.url}" has the address "${email}"`)
  }

  async #remember(site: BrokerSite, subject: Subject, user: SiteUser): Promise<void> {
    await this.#database
      .insertInto('person')
      .values({
        site: site.url,
        issuer: subject.issuer,
        subject: subject.subject,
        user_id: user.id,
        matched_by: 'email',
        matched_email: user.email ?? null,
        created_at: this.#clock.now(),
      })
      .onConflict((conflict) => conflict.doNothing())
      .execute()
    // Someone else's link to this user, or a concurrent first sign-in that linked this account: the row that stands decides.
    if ((await this.#link(site, subject)) !== user.id) {
      throw new AgentError(
        'account_ambiguous',
        `the ShotGrid user "${user.login}" is linked to another Autodesk account`,
      )
    }
  }

  async #read(site: BrokerSite, filter: Filter): Promise<SiteUser[]> {
    try {
      const caller = { kind: 'script', name: site.scriptName, key: site.scriptKey } as const
      const signal = AbortSignal.timeout(siteLimitMs)
      const rows = await readEntities(this.#fetch, site.url, caller, {
        type: 'HumanUser',
        filters: [filter],
        fields,
        limit: mostNamesakes,
        signal,
      })
      // A row that lacks what a user must have is nobody's; it must not keep everybody else from signing in.
      return rows.flatMap((row) => userSchema.safeParse(row).data ?? [])
    } catch (cause) {
      if (cause instanceof AgentError) throw cause
      if (!(cause instanceof SiteFault)) throw cause
      const said = `"${site.url}" does not let the broker look up people: ${cause.message}`
      throw new AgentError('temporarily_unavailable', said, { cause })
    }
  }
}

function demandUsable(user: SiteUser, site: BrokerSite): void {
  if (user.sg_status_list !== 'act')
    throw new AgentError('account_disabled', `the ShotGrid user "${user.login}" is not active`)
  if (user.can_impersonate_this_user === false) {
    throw new AgentError(
      'account_disabled',
      `the ShotGrid user "${user.login}" has "can impersonate this user" turned off`,
    )
  }
  const role = user['permission_rule_set.PermissionRuleSet.code']
  // Roles are listed, not recognised: a studio's own copy of Admin may have any name.
  const isOrdinary = typeof role === 'string' && site.roles.includes(role)
  if (!isOrdinary && !site.allowPrivileged.includes(user.login)) {
    throw new AgentError(
      'privileged_account',
      `the ShotGrid user "${user.login}" is "${role ?? 'without a known role'}"`,
    )
  }
}

/** ASCII only: folding beyond it would make different addresses equal. */
function foldCase(email: string): string {
  return email.replace(/[A-Z]/g, (letter) => letter.toLowerCase())
}
