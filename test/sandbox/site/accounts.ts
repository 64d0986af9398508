import type { SandboxPerson, SandboxScript } from '../people.ts'
import { isLink, type Link, linkTo, type Row, type Tables } from './rows.ts'

export type Role = 'admin' | 'manager' | 'artist' | 'vendor'

/**
 * One HumanUser, live: what is assigned here is what the API reads next, and the other way round. Holds besides the
 * row what no API shows: passphrase, Personal Access Token, second factor, which projects they may see.
 */
export class SiteUser {
  /** How tests call them; `user-<id>` for people created over the API. */
  readonly key: string
  /** Their Autodesk account; without one nobody signs in in a browser on an Identity site. */
  readonly autodesk: { readonly email: string; readonly password: string } | undefined
  passphrase: string | undefined
  #pat: 'bound' | 'deleted' | 'none' = 'none'
  /** When the site last exchanged the token for a sign-in; ms since the epoch. */
  patUsedAt: number | undefined
  twoFactorCode: string | undefined
  /** All projects, or the first n seeded ones. */
  seesProjects: 'all' | number = 0
  /** Wrong passphrases since the last right one. */
  failedLogins = 0
  readonly #row: Row
  readonly #ruleSets: ReadonlyMap<Role, Link>

  constructor(row: Row, ruleSets: ReadonlyMap<Role, Link>, person?: SandboxPerson) {
    this.#row = row
    this.#ruleSets = ruleSets
    this.key = person?.key ?? `user-${row.id}`
    this.autodesk = person?.autodesk && { email: person.email, password: person.autodesk.password }
    if (!person?.site) return
    this.passphrase = person.site.passphrase
    this.pat = person.site.pat
    this.twoFactorCode = person.site.twoFactorCode
    this.seesProjects = person.site.seesProjects
  }

  get pat(): 'bound' | 'deleted' | 'none' {
    return this.#pat
  }
  /** Clearing it makes the site forget that it was ever used. */
  set pat(pat: 'bound' | 'deleted' | 'none') {
    this.#pat = pat
    if (pat === 'none') this.patUsedAt = undefined
  }

  get id(): number {
    return this.#row.id
  }

  get link(): Link {
    return linkTo(this.#row)
  }

  get login(): string {
    return this.#text('login')
  }
  set login(login: string) {
    this.#row.values.set('login', login)
  }

  get email(): string {
    return this.#text('email')
  }
  set email(email: string) {
    this.#row.values.set('email', email)
  }

  get firstname(): string {
    return this.#text('firstname')
  }
  set firstname(firstname: string) {
    this.#row.values.set('firstname', firstname)
  }

  get lastname(): string {
    return this.#text('lastname')
  }
  set lastname(lastname: string) {
    this.#row.values.set('lastname', lastname)
  }

  get name(): string {
    return `${this.firstname} ${this.lastname}`.trim()
  }

  get status(): 'act' | 'dis' {
    return this.#row.values.get('sg_status_list') === 'act' ? 'act' : 'dis'
  }
  set status(status: 'act' | 'dis') {
    this.#row.values.set('sg_status_list', status)
  }

  get canImpersonate(): boolean {
    return this.#row.values.get('can_impersonate_this_user') === true
  }
  set canImpersonate(allowed: boolean) {
    this.#row.values.set('can_impersonate_this_user', allowed)
  }

  get retired(): boolean {
    return this.#row.retired
  }
  set retired(retired: boolean) {
    this.#row.retired = retired
  }

  get role(): Role {
    const held = this.#row.values.get('permission_rule_set')
    for (const [role, ruleSet] of this.#ruleSets) if (isLink(held) && held.id === ruleSet.id) return role
    return 'artist'
  }
  set role(role: Role) {
    this.#row.values.set('permission_rule_set', this.#ruleSets.get(role) ?? null)
  }

  /** ISO 8601, or null when not locked. */
  get lockedUntil(): string | null {
    return this.#text('locked_until') || null
  }
  set lockedUntil(until: string | null) {
    this.#row.values.set('locked_until', until)
  }

  /** Neither disabled nor retired. */
  get isActive(): boolean {
    return this.status === 'act' && !this.retired
  }

  #text(field: string): string {
    const value = this.#row.values.get(field)
    return typeof value === 'string' ? value : ''
  }
}

/** One ApiUser with what its row does not show. */
export class SiteScript {
  readonly name: string
  /** An administrator may give it another one; the old one is refused from then on. */
  key: string
  maySudo: boolean
  readonly #row: Row

  constructor(row: Row, script: SandboxScript) {
    this.#row = row
    this.name = script.name
    this.key = script.key
    this.maySudo = script.maySudo
  }

  get id(): number {
    return this.#row.id
  }

  get link(): Link {
    return linkTo(this.#row)
  }

  /** Off by default, and then its own writes leave no trace. facts: SGT 049 */
  get generatesEvents(): boolean {
    return this.#row.values.get('generate_event_log_entries') === true
  }
}

/** Whoever can act on the site. */
export type Principal =
  | { readonly kind: 'person'; readonly user: SiteUser }
  | { readonly kind: 'script'; readonly script: SiteScript }

export const principalLink = (principal: Principal): Link =>
  principal.kind === 'person' ? principal.user.link : principal.script.link

/** The login of a person, the name of a script. */
export const principalLogin = (principal: Principal): string =>
  principal.kind === 'person' ? principal.user.login : principal.script.name

/** A disabled or retired person can do nothing; scripts are never disabled here. */
export const isUsable = (principal: Principal): boolean => principal.kind === 'script' || principal.user.isActive

/** Everybody with an account on the site. */
export class Accounts {
  readonly #users: SiteUser[] = []
  readonly #scripts: SiteScript[] = []
  readonly #tables: Tables
  readonly #ruleSets: ReadonlyMap<Role, Link>

  constructor(tables: Tables, ruleSets: ReadonlyMap<Role, Link>) {
    this.#tables = tables
    this.#ruleSets = ruleSets
  }

  addUser(row: Row, person?: SandboxPerson): SiteUser {
    const user = new SiteUser(row, this.#ruleSets, person)
    this.#users.push(user)
    return user
  }

  addScript(row: Row, script: SandboxScript): void {
    this.#scripts.push(new SiteScript(row, script))
  }

  /** Everybody, the retired ones included; without those whose creation was rolled back. */
  users(): SiteUser[] {
    return this.#users.filter((user) => this.#tables.get(user.link))
  }

  scripts(): readonly SiteScript[] {
    return this.#scripts
  }

  /** Throws when nobody on the site has that key: a misspelt key must not look like a missing person. */
  person(key: string): SiteUser {
    const user = this.users().find((candidate) => candidate.key === key)
    if (!user) throw new Error(`nobody called "${key}" has an account on the sandbox site`)
    return user
  }

  /** The one live row with that login; a retired row's login may have been given away. facts: SGT HumanUser */
  liveUser(login: string): SiteUser | undefined {
    return this.users().find((user) => user.login === login && !user.retired)
  }

  principal(link: Link): Principal | undefined {
    if (link.type === 'HumanUser') {
      const user = this.users().find((candidate) => candidate.id === link.id)
      return user && { kind: 'person', user }
    }
    const script = this.#scripts.find((candidate) => candidate.id === link.id)
    return link.type === 'ApiUser' && script ? { kind: 'script', script } : undefined
  }
}
