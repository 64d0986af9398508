import type { ConfigSource, EffectiveConfig } from '../config/config.ts'
import { type ArtistMay, type ConfigKey, type ConfigKeyWords, configWords } from '../config/config-words.ts'
import { presentableText } from './finding.ts'

/** One value that counts, and who said so. */
export interface EffectiveValue {
  /** `session.maxAgeHours`, `sites[0].broker` */
  readonly key: string
  readonly value: string
  readonly source: ConfigSource
  /** Absent for what is built in. Of a native policy, the registry's key or the plist. */
  readonly file?: string
  /** Whether the artist may change it: not where IT locked it, else as `config-words.ts` says. */
  readonly artist: ArtistMay | 'locked'
}

/**
 * Every value of the configuration with its source, for IT; keys that nothing sets are `not set`. The user name and password of a
 * proxy are left out.
 */
export function effectiveValues({ config, sources }: EffectiveConfig): EffectiveValue[] {
  const keys = new Set([...(Object.keys(configWords) as ConfigKey[]), ...sources.keys()])
  return [...keys]
    .flatMap((key) => {
      const from = sources.get(key) ?? ({ source: 'built-in' } as const)
      const words: ConfigKeyWords | undefined = configWords[key as ConfigKey]
      const artist = from.source === 'locked' ? 'locked' : (words?.artist ?? 'file')
      return leaves(key, valueAt(config, key)).map(
        ([leaf, value]): EffectiveValue => ({ key: leaf, value: presentableText(value), ...from, artist }),
      )
    })
    .toSorted((a, b) => (a.key < b.key ? -1 : 1))
}

function valueAt(config: unknown, key: string): unknown {
  return key
    .split('.')
    .reduce<unknown>((within, name) => (within as Record<string, unknown> | undefined)?.[name], config)
}

function leaves(key: string, value: unknown): [string, string][] {
  if (value === undefined) return [[key, 'not set']]
  if (Array.isArray(value)) {
    if (value.length === 0) return [[key, 'none']]
    if (value.every((item) => typeof item !== 'object')) return [[key, value.join(', ')]]
    return value.flatMap((item, index) => leaves(`${key}[${index}]`, item))
  }
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).flatMap(([name, inner]) => leaves(`${key}.${name}`, inner))
  }
  return [[key, String(value)]]
}
