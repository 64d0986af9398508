import { type ConfigDocument, type ConfigRules, type EffectiveConfig, mergeConfig } from '../config/config.ts'
import { readPolicy, readSettings } from '../config/config-files.ts'
import { asAgentError } from '../errors.ts'
import type { Paths } from '../system/paths.ts'
import type { Finding } from './finding.ts'
import type { Check } from './world.ts'

/** The configuration as far as it can be read, and how its files are. */
export interface Setup {
  /** Of all that is right: the agent would refuse the whole where one value is wrong. */
  readonly effective: EffectiveConfig
  readonly policy: FileReading
  readonly settings: FileReading
}

export interface FileReading {
  readonly file: string
  readonly isThere: boolean
  /** What is wrong with it, as the agent would say it; empty when nothing is. */
  readonly problems: readonly string[]
}

/** Reads both files, each by itself. Never throws. */
export async function readSetup(paths: Paths, rules: ConfigRules): Promise<Setup> {
  const read = (documents: Promise<ConfigDocument[]>): Promise<{ documents: ConfigDocument[]; problems: string[] }> =>
    documents.then(
      (found) => ({ documents: found, problems: [] }),
      (error: unknown) => ({ documents: [], problems: [asAgentError(error).message] }),
    )
  const [policy, settings] = await Promise.all([read(readPolicy(paths)), read(readSettings(paths.settingsFile))])
  const documents = [...policy.documents, ...settings.documents]
  const { effective, problems } = usablePart(documents, rules)
  const reading = (file: string, { documents: own, problems: refused }: typeof policy): FileReading => ({
    file,
    isThere: own.length > 0 || refused.length > 0,
    problems: [
      ...refused,
      // What is not the user's is the policy's, wherever the system keeps it.
      ...problems
        .filter((problem) => (problem.file === paths.settingsFile) === (file === paths.settingsFile))
        .map(({ message }) => message),
    ],
  })
  return { effective, policy: reading(paths.policyFile, policy), settings: reading(paths.settingsFile, settings) }
}

export interface ConfigProblem {
  readonly file: string
  readonly message: string
}

/** The configuration of all values that are right, and what is wrong with the others. */
export function usablePart(
  documents: readonly ConfigDocument[],
  rules: ConfigRules,
): { effective: EffectiveConfig; problems: ConfigProblem[] } {
  const problems: ConfigProblem[] = []
  let kept: readonly ConfigDocument[] = []
  let effective = mergeConfig(kept, rules)
  /** What is wrong with these; undefined when nothing is, and then they are kept. */
  const tryThem = (candidate: readonly ConfigDocument[]): string | undefined => {
    try {
      effective = mergeConfig(candidate, rules)
      kept = candidate
      return undefined
    } catch (error) {
      return asAgentError(error).message
    }
  }
  if (tryThem(documents) === undefined) return { effective, problems }
  // Sites last: whether one is right depends on the Autodesk app that is configured.
  const parts = documents
    .flatMap(partsOf)
    .toSorted((a, b) => Number(sitesOf(a) !== undefined) - Number(sitesOf(b) !== undefined))
  for (const part of parts) {
    const message = tryThem([...kept, part])
    if (message === undefined) continue
    problems.push({ file: part.file, message })
    const others = kept
    const good: unknown[] = []
    for (const site of sitesOf(part) ?? []) {
      const isGood = tryThem([...others, { ...part, content: { sites: [...good, site] } }]) === undefined
      if (isGood) good.push(site)
    }
  }
  return { effective, problems }
}

/** A document for each value of a document. */
function partsOf(document: ConfigDocument): ConfigDocument[] {
  const { content } = document
  const part = (value: unknown): ConfigDocument => ({ ...document, content: value })
  if (!isRecord(content)) return [part(content)]
  return Object.entries(content).flatMap(([section, value]) =>
    isRecord(value)
      ? Object.entries(value).map(([key, leaf]) => part({ [section]: { [key]: leaf } }))
      : [part({ [section]: value })],
  )
}

function sitesOf({ content }: ConfigDocument): unknown[] | undefined {
  return isRecord(content) && Array.isArray(content['sites']) ? content['sites'] : undefined
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** How the two files of the configuration are. */
export const checkConfiguration: Check = async ({ setup, system }) => {
  const { policy, settings, effective } = setup
  const trusted = `is used, and only ${system.platform === 'win32' ? 'administrators' : 'root'} can have written it`
  const noSites = effective.config.sites.length === 0 && settings.problems.length + policy.problems.length === 0
  return [
    judgeFile('policy', policy, { ok: trusted, missing: 'there is none on this machine' }),
    noSites
      ? {
          check: 'settings',
          about: settings.file,
          state: 'warning',
          found: 'no site is configured',
          advice:
            'Start sg-session and type the address of your site, or name one under "sites" here or in the policy.',
        }
      : judgeFile('settings', settings, { ok: 'is used', missing: 'there is none: nothing was changed by this user' }),
  ]
}

function judgeFile(
  check: 'policy' | 'settings',
  { file, isThere, problems }: FileReading,
  words: { readonly ok: string; readonly missing: string },
): Finding {
  if (!isThere) return { check, about: file, state: 'ok', found: words.missing }
  if (problems.length === 0) return { check, about: file, state: 'ok', found: words.ok }
  const found = problems.map((problem) => problem.replace(`${file}: `, '')).join('; ')
  const advice = 'sg-session does not start with it. Mend what is named; the other checks went on with the rest.'
  return { check, about: file, state: 'failed', found, advice }
}

const readLimitMs = 3_000

/** The same for who cannot wait: home directories on a network hang sometimes. Resolves within three seconds. */
export function readSetupInTime(paths: Paths, rules: ConfigRules): Promise<Setup> {
  const unread = (file: string): FileReading => ({
    file,
    isThere: true,
    problems: [`was not read within ${readLimitMs / 1000} s`],
  })
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<Setup>((resolve) => {
    const nothing = {
      effective: mergeConfig([], rules),
      policy: unread(paths.policyFile),
      settings: unread(paths.settingsFile),
    }
    timer = setTimeout(() => resolve(nothing), readLimitMs)
  })
  return Promise.race([readSetup(paths, rules), late]).finally(() => clearTimeout(timer))
}
