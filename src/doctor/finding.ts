/** `skipped`: not looked at, because there is nothing to look at or something else stands in the way, which has its own row. */
export type FindingState = 'ok' | 'warning' | 'failed' | 'skipped'

/** What was looked at. These names are for programs too, and stay. */
export type CheckName =
  | 'agent'
  | 'endpoint-file'
  | 'audit'
  | 'policy'
  | 'settings'
  | 'keychain'
  | 'browser'
  | 'redirect-port'
  | 'clock'
  | 'proxy'
  | 'certificate-authorities'
  | 'identity'
  | 'broker'
  | 'site'
  | 'way-in'
  | 'autodesk-token'
  | 'scripts'
  | 'python'
  | 'updates'
  | 'versions'

/** One row of the report. Sentences are for people; nothing in them is secret. */
export interface Finding {
  readonly check: CheckName
  /** Which of several: an address, a port, a file, a program. */
  readonly about?: string
  readonly state: FindingState
  readonly found: string
  /** What to do about it. Always there when something failed. */
  readonly advice?: string
}

const longestText = 1_000

/**
 * The same, fit to be shown: no user name or password in an address, no character that moves a terminal's cursor, no end of
 * a foreign text. What a check says is built without secrets; this is the net under it.
 */
export function presentable(finding: Finding): Finding {
  const { check, state, about, found, advice } = finding
  return {
    check,
    ...(about === undefined ? {} : { about: presentableText(about) }),
    state,
    found: presentableText(found),
    ...(advice === undefined ? {} : { advice: presentableText(advice) }),
  }
}

export function presentableText(text: string): string {
  const plain = withoutUserInfo(text).replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ')
  return plain.length > longestText ? `${plain.slice(0, longestText).toWellFormed()}…` : plain
}

/** `http://artist:pass@proxy:3128` as `http://proxy:3128`, wherever it stands in a text. RFC 3986 §3.2.1 */
export function withoutUserInfo(text: string): string {
  return text.replace(/(?<=:\/\/)[^\s/?#]*@/g, '')
}
