import { type AgentError, asAgentError } from '../errors.ts'
import { type Choice, chooseByConfiguration, chooseBySite, type WayInName } from '../sign-in/choose-way-in.ts'
import { launcherOff } from '../sign-in/web.ts'
import { judgeLegacy } from './judge-legacy.ts'
import { type Finding, type Found, found, type PersonFacts, type Problem, subjects } from './person-facts.ts'
import { foldCase } from './site-user.ts'

/** Which way a sign-in of sg-session goes to the site; `none`: there is none. */
export type Way = WayInName | 'none'

/** One finding a subject, in the order of `subjects`. Says of each whether it is known, was tried, or cannot be seen. */
export function judgePerson(facts: PersonFacts): Finding[] {
  const judged = {
    site: judgeSite(facts),
    browser_sign_in: judgeBrowserSignIn(facts),
    mapping: judgeMapping(facts),
    impersonation: judgeImpersonation(facts),
    seat: judgeSeat(facts),
    lock: judgeLock(facts),
    ...judgeLegacy(facts, wayOf(facts)),
  }
  return subjects.map((subject) => ({ subject, ...judged[subject] }))
}

/** Which way `auto`, or the configuration, takes. */
export function wayOf(facts: PersonFacts): Way {
  const choice = chosen(facts)
  return 'way' in choice ? choice.way : 'none'
}

/** The way a sign-in would take, or why there is none. */
function chosen({ site: url, signIn, broker, info }: PersonFacts): Choice | AgentError {
  try {
    const named = broker === undefined ? {} : { broker: broker.url }
    return chooseByConfiguration({ url, signIn, ...named }) ?? chooseBySite(url, info)
  } catch (error) {
    return asAgentError(error)
  }
}

const methods: Readonly<Record<string, string>> = {
  default: 'people sign in with ShotGrid’s own login and passphrase',
  ldap: 'people sign in with their login and password in the company’s directory (LDAP)',
  saml2: 'people sign in with the company’s own sign-in (SAML)',
  oxygen: 'people sign in with Autodesk Identity',
}

function judgeSite({ info }: PersonFacts): Found {
  const { version = 'of an unknown version', authentication } = info
  const method = methods[authentication] ?? `people sign in with "${authentication}", which sg-session does not know`
  const moved =
    authentication === 'oxygen'
      ? 'the site has moved to Autodesk Identity'
      : 'the site has not moved to Autodesk Identity yet; whether a move has begun cannot be seen from here, but its sign-in page then has two buttons'
  return found('ok', 'known', `ShotGrid ${version}; ${method}; ${moved}`)
}

function judgeBrowserSignIn(facts: PersonFacts): Found {
  const { broker, info, site } = facts
  const choice = chosen(facts)
  if (!('way' in choice)) return found('missing', 'known', choice.message, choice.advice)
  switch (choice.way) {
    case 'broker': {
      if (!broker)
        return found('missing', 'known', 'no broker is configured', 'Ask IT to name the broker of this site.')
      const { url, problem } = broker
      if (!problem) return found('ok', 'tried', `through the studio’s broker "${url}", which serves this site`)
      return found(problem.code === 'site_unknown' ? 'missing' : 'unknown', 'tried', problem.says, problem.next)
    }
    case 'web': {
      if (info.hasLauncher) return found('ok', 'known', `at "${site}" itself: its App Session Launcher is on`)
      const { message, advice } = launcherOff(site)
      return found('missing', 'known', message, advice)
    }
    case 'legacy':
      return found('not_needed', 'known', `sg-session signs in with login and passphrase here: ${choice.because}`)
    case 'identity-direct':
      return found(
        'unknown',
        'cannot_be_seen',
        'sg-session gives the Autodesk token straight to the site here: the configuration says so',
        'Whether the site takes it shows at a sign-in; no site is known to.',
      )
  }
}

const mappingCodes: readonly string[] = ['account_not_mapped', 'account_ambiguous']

function judgeMapping({ broker, agent, user }: PersonFacts): Found {
  if (!broker) return found('not_needed', 'known', 'no broker is configured, so nobody looks your Autodesk account up')
  if (agent.signedIn && agent.obtainedBy === 'broker') {
    const account = agent.account === undefined ? 'your Autodesk account' : `the Autodesk account "${agent.account}"`
    return found('ok', 'tried', `the broker took ${account} for HumanUser ${agent.userId} ("${agent.login}")`)
  }
  const failed = lastProblem({ agent }, mappingCodes)
  if (failed) return found('missing', 'tried', failed.says, failed.next)
  const { namesakes = [] } = user ?? {}
  if (user?.email && namesakes.length > 0) {
    return found(
      'unknown',
      'known',
      `"${user.email}" is also the address of ${listed(namesakes)}: the broker refuses it unless an operator has said whose it is`,
      `Ask the broker’s operator: sg-broker people set --email ADDRESS --user-id ${user.id}`,
    )
  }
  return found(
    'unknown',
    'cannot_be_seen',
    'which HumanUser the broker takes your Autodesk account for shows only when you sign in',
    'Sign in through the broker: sg-session sign-in',
  )
}

function judgeImpersonation({ broker, agent, user }: PersonFacts): Found {
  if (!broker) return found('not_needed', 'known', 'no broker is configured, so nobody acts in your name')
  if (agent.signedIn && agent.obtainedBy === 'broker')
    return found('ok', 'tried', 'the broker’s script may act for you')
  const failed = lastProblem({ agent }, ['privileged_account'])
  if (failed) return found('missing', 'tried', failed.says, failed.next)
  const group = user?.permissionGroup
    ? `; your permission group is "${user.permissionGroup}", and which groups the broker takes is its policy`
    : ''
  switch (user?.canBeImpersonated) {
    case false:
      return found(
        'missing',
        'known',
        'your user has "can impersonate this user" turned off',
        'Ask an administrator of the site to tick it.',
      )
    case true:
      return found('ok', 'known', `your user has "can impersonate this user" ticked${group}`)
    default:
      return found(
        'unknown',
        'cannot_be_seen',
        `your user does not show whether a script may act for you${group}`,
        signInFirst(user),
      )
  }
}

function judgeSeat({ agent, user, passphrase }: PersonFacts): Found {
  if (user?.status === 'act')
    return found('ok', 'known', `your ShotGrid user "${user.login}" (HumanUser ${user.id}) is active`)
  if (user?.status) {
    return found(
      'missing',
      'known',
      `your ShotGrid user "${user.login}" is not active: its status is "${user.status}"`,
      'Ask an administrator of the site for a free seat and to set your user to active.',
    )
  }
  if ('login' in passphrase && passphrase.outcome.accepted) {
    return found('ok', 'tried', `the site signed "${passphrase.login}" in, so the user is active`)
  }
  const failed = lastProblem({ agent }, ['account_disabled'])
  if (failed) return found('missing', 'tried', failed.says, failed.next)
  if (user) return found('unknown', 'cannot_be_seen', `your user "${user.login}" does not show whether it is active`)
  if (agent.signedIn) {
    return found('unknown', 'cannot_be_seen', 'the site does not show the user of the session that sg-session holds')
  }
  const { says, next } = agent.problem
  return found(
    'unknown',
    'cannot_be_seen',
    `only somebody who is signed in can look: ${says}`,
    `${next} Then run this again.`,
  )
}

function judgeLock({ nowMs, user, passphrase }: PersonFacts): Found {
  const until = user?.lockedUntil
  if (typeof until === 'number' && until > nowMs) {
    return found(
      'missing',
      'known',
      `your user is locked until ${new Date(until).toISOString()}, after too many wrong passphrases`,
      'Wait until then and do not try before, or ask an administrator of the site.',
    )
  }
  if (until !== undefined) return found('ok', 'known', 'your user is not locked')
  if ('login' in passphrase && passphrase.outcome.accepted) return found('ok', 'tried', 'your user is not locked')
  return found('unknown', 'cannot_be_seen', 'your user does not show whether it is locked', signInFirst(user))
}

/** What the last sign-in failed with, if it is one of these. */
function lastProblem({ agent }: Pick<PersonFacts, 'agent'>, codes: readonly string[]): Problem | undefined {
  if (agent.signedIn || !agent.last) return undefined
  return codes.includes(agent.last.code) ? agent.last : undefined
}

function signInFirst(user: PersonFacts['user']): string | undefined {
  return user ? undefined : 'Sign in (sg-session sign-in), then run this again.'
}

const mostListed = 5

function listed(logins: readonly string[]): string {
  const more = logins.length - mostListed
  return [...logins.slice(0, mostListed).map((login) => `"${login}"`), ...(more > 0 ? [`${more} more`] : [])].join(', ')
}

/** Whether the login is the e-mail address, as that of new users is; undefined when the address cannot be seen. */
export function isLoginTheAddress(user: PersonFacts['user']): boolean | undefined {
  return user?.email ? foldCase(user.email) === foldCase(user.login) : undefined
}
