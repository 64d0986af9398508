import { type Accounts, type Principal, principalLogin, type SiteUser } from './accounts.ts'
import { noSudoPermission, sudoInactive, sudoTurnedOff, sudoUnknown } from './refusals.ts'
import type { SiteSwitches } from './switches.ts'

/**
 * The person a caller may act as. Matched on `login` alone, never on e-mail. Throws the refusal: no right to sudo,
 * unknown or retired, inactive, or impersonation turned off. facts: 6.2, SGT 027
 */
export function judgeSudo(accounts: Accounts, caller: Principal, login: string): SiteUser {
  // no human permission group has the right by default, admins included
  if (caller.kind === 'person' || !caller.script.maySudo) throw noSudoPermission(principalLogin(caller))
  const target = accounts.liveUser(login)
  if (!target) throw sudoUnknown(login)
  if (target.status !== 'act') throw sudoInactive(login)
  if (!target.canImpersonate) throw sudoTurnedOff(login)
  return target
}

/** Whose session `get_session_token` makes under script + sudo: the open question, as the switch says. facts: 6.2 */
export function sudoSessionOwner(
  accounts: Accounts,
  mode: SiteSwitches['sudoSessionOwner'],
  script: Principal,
  target: SiteUser,
): Principal {
  switch (mode) {
    case 'script':
    case 'ignored':
      return script
    case 'human':
      return { kind: 'person', user: target }
    case 'wrong': {
      const other = accounts.users().find((user) => user.isActive && user !== target)
      return other ? { kind: 'person', user: other } : script
    }
  }
}
