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
  // With a question mark of our own before it: URLSearchParams passes over the first, which may be the name's.
  const query = new URLSearchParams(`?${rawQuery}`)
  // Some readers separate by semicolons too, and drop what stands around a name.
  const names = [...query.keys(), ...new URLSearchParams(`?${rawQuery.replaceAll(/;|%3b/gi, '&')}`).keys()].map(
    (name) => name.replace(/\[.*$/s, '').replaceAll(/[\s\0]/g, ''),
  )
  const foreign = foreignCredentialIn(names) ?? names.find((name) => credentialsOfQuery.includes(name))
  return { route, path: cut < 0 ? path : `${path}?${rawQuery}`, query, foreign }
}

/** Where what there is belongs to the person. Webhooks go on without them, `auth` is about credentials; what is new is not known. */
const passedOn: ReadonlySet<string> = new Set([
  '',
  'entity',
  'hierarchy',
  'license',
  'preferences',
  'projects',
  'schedule',
  'schema',
  'spec.json',
  'subscriptions',
])

/** Whether a call to that address is one for the gateway to pass on. */
export function isPassedOn({ route }: Pick<RestAddress, 'route'>): boolean {
  return passedOn.has(route.split('/', 2)[1] ?? '')
}
