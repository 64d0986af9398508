import type { ConfigSource, EffectiveConfig } from '../config.ts'
import { presentableText } from './finding.ts'

/** One value that counts, and who said so. */
export interface EffectiveValue {
  /** `session.maxAgeHours`, `sites[0].broker` */
  readonly key: string
  readonly value: string
  readonly source: ConfigSource
  /** Absent for what is built in. */
  readonly file?: string
}

/** Every value of the configuration with its source, for IT. The user name and password of a proxy are left out. */
export function effectiveValues({ config, sources }: EffectiveConfig): EffectiveValue[] {
  return [...sources]
    .flatMap(([key, from]) =>
      leaves(key, valueAt(config, key)).map(([leaf, value]) => ({ key: leaf, value: presentableText(value), ...from })),
    )
    .toSorted((a, b) => (a.key < b.key ? -1 : 1))
}

function valueAt(config: unknown, key: string): unknown {
  return key
    .split('.')
    .reduce<unknown>((within, name) => (within as Record<string, unknown> | undefined)?.[name], config)
}

function leaves(key: string, value: unknown): [string, string][] {
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
