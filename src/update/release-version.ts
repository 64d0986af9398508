/** A version as releases carry it; Semantic Versioning 2.0.0 without build metadata. */
export interface ReleaseVersion {
  readonly numbers: readonly [number, number, number]
  /** Empty for a release; `['beta', '2']` in 1.4.0-beta.2. */
  readonly preRelease: readonly string[]
}

const grammar =
  /^(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})(?:-((?:0|[1-9]\d{0,8}|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d{0,8}|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?$/

/** Undefined for what is no such version. */
export function parseVersion(text: string): ReleaseVersion | undefined {
  if (text.length > 64) return undefined
  const found = grammar.exec(text)
  if (!found) return undefined
  const [, major, minor, patch, tail] = found
  return { numbers: [Number(major), Number(minor), Number(patch)], preRelease: tail?.split('.') ?? [] }
}

/** Below zero where `a` is the older. SemVer §11: numbers first, then a release over its pre-releases, then those in order. */
export function compareVersions(a: ReleaseVersion, b: ReleaseVersion): number {
  for (const place of [0, 1, 2] as const) {
    if (a.numbers[place] !== b.numbers[place]) return a.numbers[place] - b.numbers[place]
  }
  if (a.preRelease.length === 0 || b.preRelease.length === 0) return b.preRelease.length - a.preRelease.length
  for (const [index, left] of a.preRelease.entries()) {
    const right = b.preRelease[index]
    if (right === undefined) return 1
    if (left !== right) return compareIdentifiers(left, right)
  }
  return a.preRelease.length - b.preRelease.length
}

function compareIdentifiers(left: string, right: string): number {
  const [leftIsNumber, rightIsNumber] = [/^\d+$/.test(left), /^\d+$/.test(right)]
  if (leftIsNumber && rightIsNumber) return Number(left) - Number(right)
  if (leftIsNumber !== rightIsNumber) return leftIsNumber ? -1 : 1
  return left < right ? -1 : 1
}
