import { AgentError } from '../errors.ts'
import type { Ports } from '../ports.ts'
import { inspectSite, noPassphrases } from '../preflight/inspect-site.ts'
import { judgeTokenTest, type TokenVerdict, wantsControl } from '../preflight/judge-token-test.ts'
import { type PassphraseTrial, type TryOutcome, tryPassphrase } from '../preflight/passphrase-try.ts'
import { controlStep, deletedTokenSteps } from '../preflight/token-test-steps.ts'
import type { Secret } from '../secrets/secret.ts'
import { askForCode, askForCredentials, type KnownLogin } from './ask-credentials.ts'
import type { Output } from './output.ts'
import { describeTokenTest } from './preflight-text.ts'
import { Questions } from './questions.ts'

/** No numbers of the error table, and not 2, which is wrong usage. `missing`: of the test that it failed. */
export const exitStatus = { missing: 3, undecided: 4 } as const

/** What `sg-session preflight --expect-pat-failure --json` prints. */
export interface TokenTestReport extends TokenVerdict {
  readonly format: 'sg-session preflight pat-failure 1'
  readonly madeAt: string
  readonly site: string
  readonly authentication: string
  readonly login: string
  /** Codes of the error table, or `accepted`; null: not tried. */
  readonly withDeletedToken: string
  readonly control: string | null
}

type SitePorts = Pick<Ports, 'fetch' | 'clock'>

const askLimitMs = 30_000
/** Making a token takes a person a while. */
const stepLimitMs = 30 * 60_000

/**
 * The guided test that a site checks tokens: whether it refuses login and passphrase while the token is deleted, and takes the
 * same afterwards. Returns the exit status. Throws `interaction_required` without a terminal, `legacy_sign_in_unavailable` on a
 * site that takes no passphrases, `site_unreachable`, and what ends a question. facts: asked-for 17
 */
export async function testTokenFailure(
  ports: SitePorts,
  output: Output,
  { site, ...logins }: KnownLogin & { readonly site: string },
): Promise<number> {
  const { info } = await inspectSite({ url: site }, ports, AbortSignal.timeout(askLimitMs))
  const { authentication } = info
  const nobody = noPassphrases(site, info)
  if (nobody) {
    const advice = 'There is nothing to test on this site; it begins to count when the site moves to Autodesk Identity.'
    throw new AgentError(nobody.code, nobody.says, { advice })
  }
  const questions = Questions.atTerminal()
  if (!questions) {
    throw new AgentError(
      'interaction_required',
      'the test walks you through its steps at a terminal, and there is none',
      {
        advice: 'Run "sg-session preflight --expect-pat-failure" in a terminal.',
      },
    )
  }
  try {
    const { login, outcomes } = await walkThrough(ports, questions, site, logins)
    const verdict = judgeTokenTest({ authentication, ...outcomes })
    const { withDeletedToken, control } = outcomes
    const report: TokenTestReport = {
      format: 'sg-session preflight pat-failure 1',
      madeAt: new Date(ports.clock.now()).toISOString(),
      ...{ site, authentication, login },
      withDeletedToken: codeOf(withDeletedToken),
      control: control ? codeOf(control) : null,
      ...verdict,
    }
    output.result(report, describeTokenTest(report))
    return verdict.result === 'pass' ? 0 : exitStatus[verdict.result === 'fail' ? 'missing' : 'undecided']
  } finally {
    questions.close()
  }
}

interface Outcomes {
  readonly withDeletedToken: TryOutcome
  readonly control?: TryOutcome
}

async function walkThrough(
  ports: SitePorts,
  questions: Questions,
  site: string,
  logins: KnownLogin,
): Promise<{ login: string; outcomes: Outcomes }> {
  questions.say(
    `This tests whether ${site} checks Personal Access Tokens. It takes a few minutes and makes two sign-ins`,
  )
  questions.say('with your login and passphrase. Ctrl-C ends it at any time.')
  for (const [index, step] of deletedTokenSteps.entries()) await walk(questions, index + 1, step)
  questions.say(`\n${deletedTokenSteps.length + 1}. Sign in.`)
  const credentials = await askForCredentials(questions, logins)
  const attempt = async (): Promise<TryOutcome> => {
    questions.say(`Trying at ${site} …`)
    const askCode = (): Promise<Secret | undefined> => askForCode(questions)
    const trial: PassphraseTrial = { site, credentials, askCode, signal: questions.interrupted }
    return (await tryPassphrase(ports, trial)).outcome
  }
  const { login } = credentials
  const withDeletedToken = await attempt()
  questions.say(withDeletedToken.accepted ? 'The site took it.' : 'The site refused it.')
  if (!wantsControl(withDeletedToken)) return { login, outcomes: { withDeletedToken } }
  const answer = await walk(
    questions,
    deletedTokenSteps.length + 2,
    controlStep,
    'Press Enter when it is done, or type "skip": ',
  )
  if (/^s(kip)?$/i.test(answer)) return { login, outcomes: { withDeletedToken } }
  return { login, outcomes: { withDeletedToken, control: await attempt() } }
}

function walk(
  questions: Questions,
  number: number,
  step: string,
  go = 'Press Enter when it is done: ',
): Promise<string> {
  questions.say(`\n${number}. ${step}`)
  return questions.ask(`   ${go}`, stepLimitMs)
}

function codeOf(outcome: TryOutcome): string {
  return outcome.accepted ? 'accepted' : outcome.code
}
