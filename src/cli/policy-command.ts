import { resolve } from 'node:path'
import { mergeConfig } from '../config/config.ts'
import { drawValues } from '../doctor/draw-report.ts'
import { effectiveValues } from '../doctor/effective-values.ts'
import { presentableText } from '../doctor/finding.ts'
import { judgePolicy, type PolicyFinding } from '../policy/judge-policy.ts'
import { policyFiles } from '../policy/policy-files.ts'
import { type PolicyValues, policyTextOf, readPolicyText, writePolicy } from '../policy/write-policy.ts'
import { standardPaths } from '../system/paths.ts'
import { whyNotRootOwned } from '../system/read-guarded.ts'
import { somethingFailed } from './exit-statuses.ts'
import { makeOutput } from './output.ts'

export interface CheckOptions {
  readonly json: boolean
  readonly allowInsecureLoopback: boolean
}

/** Judges a policy file, prints what was found and what would count, and resolves with the exit status. */
export async function checkPolicyCommand(wanted: string | undefined, options: CheckOptions): Promise<number> {
  const output = makeOutput(options.json)
  const place = standardPaths().policyFile
  const file = wanted === undefined ? place : resolve(wanted)
  const rules = { insecureLoopback: options.allowInsecureLoopback }
  const { findings: judged, documents } = judgePolicy(file, await readPolicyText(file), rules)
  const findings = [...judged, ...(await judgePlace(file, file === place))].map(presentable)
  const isUsable = !judged.some(({ state }) => state === 'failed')
  const ok = !findings.some(({ state }) => state === 'failed')
  const values = isUsable
    ? effectiveValues(mergeConfig(documents, rules)).filter(({ source }) => source !== 'built-in')
    : []
  const text = [
    findings.map(drawFinding).join('\n'),
    values.length > 0 ? drawValues(values, { width: process.stdout.columns || 100, colours: false }) : '',
    ok ? `${file}: sg-session starts with it` : `${file}: sg-session does not start with it`,
  ]
  output.result({ file, ok, findings, values }, text.filter((part) => part !== '').join('\n\n'))
  return ok ? 0 : somethingFailed
}

/** Whose the file is counts where agents read it; elsewhere it is only said. */
async function judgePlace(file: string, isInPlace: boolean): Promise<PolicyFinding[]> {
  const problem = await whyNotRootOwned(file)
  if (!problem) return []
  if (isInPlace) return [{ state: 'failed', found: problem.message }]
  const advice = 'That is all right here. Put it in place with "sg-session policy write --from", which sees to it.'
  return [{ state: 'warning', found: problem.message, advice }]
}

function presentable({ found, advice, ...rest }: PolicyFinding): PolicyFinding {
  return {
    ...rest,
    found: presentableText(found),
    ...(advice === undefined ? {} : { advice: presentableText(advice) }),
  }
}

function drawFinding({ state, key, found, advice }: PolicyFinding): string {
  const what = key === undefined ? found : `"${key}" ${found}`
  return `${state.padEnd(7)}  ${what}${advice === undefined ? '' : `\n         → ${advice}`}`
}

export interface WriteOptions extends PolicyValues {
  readonly json: boolean
  readonly allowInsecureLoopback: boolean
  readonly default: boolean
  readonly from?: string
  readonly ifNone: boolean
  readonly replace: boolean
  readonly file?: string
}

/** Writes the machine's policy. Throws why not. */
export async function writePolicyCommand(options: WriteOptions): Promise<void> {
  const output = makeOutput(options.json)
  const file = resolve(options.file ?? standardPaths().policyFile)
  const text =
    options.from === undefined
      ? policyTextOf(options, options.default ? 'defaults' : 'locked')
      : await readPolicyText(resolve(options.from))
  const ifThere = options.replace ? 'replace' : options.ifNone ? 'keep' : 'refuse'
  const { written, warnings } = await writePolicy(file, text, {
    ifThere,
    rules: { insecureLoopback: options.allowInsecureLoopback },
  })
  for (const warning of warnings) output.remark(drawFinding(presentable(warning)))
  output.result({ file, written, warnings }, written ? `${file}: written` : `${file}: left as it is`)
}

/** Prints one of the generated files, as it is. */
export function printPolicyFile(name: string): void {
  process.stdout.write(policyFiles(new Date()).get(name) ?? '')
}
