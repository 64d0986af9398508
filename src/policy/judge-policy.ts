import type { z } from 'zod'
import { type ConfigDocument, type ConfigRules, mergeConfig, unknownKeyAdvice } from '../config/config.ts'
import { judgePolicyText } from '../config/config-files.ts'
import { documentSchema } from '../config/config-schema.ts'
import { configWords } from '../config/config-words.ts'
import { asAgentError } from '../errors.ts'
import { nearestName } from './nearest-name.ts'
import { documentJsonSchema, type JsonSchema } from './policy-keys.ts'

/** One thing that is wrong with a policy, or looks as if it were. */
export interface PolicyFinding {
  /** `failed`: sg-session would not start with it. */
  readonly state: 'failed' | 'warning'
  /** `locked.session.maxAgeHours`; absent where it is about the whole. */
  readonly key?: string
  readonly found: string
  readonly advice?: string
}

export interface PolicyJudgement {
  readonly findings: readonly PolicyFinding[]
  /** Empty where it has not the form of a policy. */
  readonly documents: readonly ConfigDocument[]
}

/** Judges the text of a policy as the agent will, all that is wrong at once, and beyond that what nobody can have meant. Never throws. */
export function judgePolicy(file: string, text: string, rules: ConfigRules): PolicyJudgement {
  let documents: ConfigDocument[]
  try {
    documents = judgePolicyText(file, text)
  } catch (error) {
    return { findings: [judgeForm(file, text, asAgentError(error).message)], documents: [] }
  }
  const schema = documentSchema(rules)
  const wrong = documents.flatMap(({ source, content }) => {
    const parsed = schema.safeParse(content)
    return parsed.success ? [] : parsed.error.issues.flatMap((issue) => judgeIssue(nameOf(source), issue))
  })
  if (wrong.length > 0) return { findings: wrong, documents }
  return { findings: [...judgeTogether(file, documents, rules), ...judgeMeaning(documents)], documents }
}

function nameOf(source: ConfigDocument['source']): 'locked' | 'defaults' {
  return source === 'locked' ? 'locked' : 'defaults'
}

/** A policy that is none. Most often somebody wrote settings. */
function judgeForm(file: string, text: string, message: string): PolicyFinding {
  const found = message.replace(`${file}: `, '')
  const { properties: sections = {} } = documentJsonSchema()
  const isSettings = Object.keys(parsed(text)).some((name) => Object.hasOwn(sections, name))
  const advice = 'Put the values under "locked", which holds, or "defaults", which artists can change.'
  return { state: 'failed', found, ...(isSettings ? { advice } : {}) }
}

function parsed(text: string): object {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}

function judgeIssue(rank: string, issue: z.core.$ZodIssue): PolicyFinding[] {
  const path = issue.path.map(String)
  if (issue.code !== 'unrecognized_keys') {
    return [{ state: 'failed', key: [rank, ...path].join('.'), found: issue.message }]
  }
  return issue.keys.map((name) => {
    const meant = meantBy(path, name)
    return {
      state: 'failed',
      key: [rank, ...path, name].join('.'),
      found: 'is not a key sg-session knows',
      advice: meant === undefined ? unknownKeyAdvice : `Did you mean "${meant}"?`,
    }
  })
}

/** The key that was meant: one of the same place, else one of another place with that name. */
function meantBy(path: readonly string[], name: string): string | undefined {
  const here = path.reduce<JsonSchema | undefined>(
    (within, part) => (/^\d+$/.test(part) ? within?.items : within?.properties?.[part]),
    documentJsonSchema(),
  )
  const near = nearestName(name, Object.keys(here?.properties ?? {}))
  if (near !== undefined) return near
  const keys = Object.keys(configWords)
  const last = nearestName(
    name,
    keys.map((key) => key.split('.').at(-1) ?? ''),
  )
  return keys.find((key) => key === name || key.split('.').at(-1) === last)
}

/** What keys demand of each other, as far as a policy alone can say it. */
function judgeTogether(file: string, documents: readonly ConfigDocument[], rules: ConfigRules): PolicyFinding[] {
  try {
    mergeConfig(documents, rules)
    return []
  } catch (error) {
    return [{ state: 'failed', found: asAgentError(error).message.replace(`${file}: `, '') }]
  }
}

/** Values that are right and cannot be meant. */
function judgeMeaning(documents: readonly ConfigDocument[]): PolicyFinding[] {
  const keys = new Map(documents.map(({ source, content }) => [source, leavesOf(content)]))
  const locked = keys.get('locked') ?? new Map<string, unknown>()
  const defaults = keys.get('default') ?? new Map<string, unknown>()
  const twice = [...defaults.keys()].filter((key) => locked.has(key))
  const value = (key: string): unknown => locked.get(key) ?? defaults.get(key)
  const allowed = value('tools.allow')
  const isClosed = value('tools.consent') === 'allow-list' && !(Array.isArray(allowed) && allowed.length > 0)
  const isExample = value('identity.clientId') === configWords['identity.clientId'].example
  return [
    ...twice.map(
      (key): PolicyFinding => ({
        state: 'warning',
        key: `defaults.${key}`,
        found: 'never counts, for the same key is locked',
        advice: 'Take one of the two out.',
      }),
    ),
    ...(isClosed
      ? [
          {
            state: 'warning',
            key: 'tools.consent',
            found: '"allow-list" serves no program at all while "tools.allow" is empty',
            advice: 'Name the studio’s programs in "tools.allow", or choose "prompt".',
          } as const,
        ]
      : []),
    ...(isExample
      ? [
          {
            state: 'warning',
            key: 'identity.clientId',
            found: 'is still the words of the example',
            advice: 'Put the client id of your Autodesk app there.',
          } as const,
        ]
      : []),
  ]
}

function leavesOf(content: unknown): Map<string, unknown> {
  const leaves = Object.entries(content as object).flatMap(([section, value]): [string, unknown][] =>
    Array.isArray(value)
      ? [[section, value]]
      : Object.entries(value as object).map(([name, leaf]) => [`${section}.${name}`, leaf]),
  )
  return new Map(leaves)
}
