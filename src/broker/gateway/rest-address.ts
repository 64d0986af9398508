import { AgentError } from '../../errors.ts'
import { foreignCredentialIn } from './foreign-credentials.ts'

/** A REST address as the site is to get it. */
export interface RestAddress {
  /** What stands behind the version: `/entity/shots/1`; empty for the root. */
  readonly route: string
  /** Path and query. */
  readonly path: string
  readonly query: URLSearchParams
  /** A credential that is not taken here. */
  readonly foreign: string | undefined
}

// Types, ids, fields and `_search`: no REST path needs more, and nothing here can be read in two ways.
const pathForm = /^(\/api\/v1(?:\.1)?)((?:\/[\w.-]+)*)\/?$/
const queryForm = /^[\x21\x24-\x7e]*$/
const credentialsOfQuery = ['session_token', 'access_token']

/**
 * Judges the address of a call to `/api/v1` or `/api/v1.1`. Whatever a proxy, the gateway and the site could read differently is
 * refused, not mended: dot segments, doubled slashes, encoded characters in the path. Throws `invalid_request`.
 */
export function readRestAddress(url: string): RestAddress {
  const cut = url.indexOf('?')
  const path = cut < 0 ? url : url.slice(0, cut)
  const rawQuery = cut < 0 ? '' : url.slice(cut + 1)
  const [, prefix, route] = pathForm.exec(path) ?? []
  const hasDots = route?.split('/').some((segment) => /^\.+$/.test(segment)) ?? true
  if (prefix === undefined || route === undefined || hasDots || !queryForm.test(rawQuery)) {
    throw new AgentError('invalid_request', 'the address is not one the gateway passes on')
  }
  const query = new URLSearchParams(rawQuery)
  const names = [...query.keys()].map((name) => name.replace(/\[.*$/s, ''))
  const foreign = foreignCredentialIn(names) ?? names.find((name) => credentialsOfQuery.includes(name))
  return { route, path: cut < 0 ? path : `${path}?${rawQuery}`, query, foreign }
}

/** Whether the site would read a call there as one about credentials. */
export function isAboutCredentials({ route }: Pick<RestAddress, 'route'>): boolean {
  return /^\/auth(\/|$)/i.test(route)
}
