import type { Method } from './messages.ts'

/** What a program may ask for, each holding the ones before it. */
const scopes = ['status', 'session', 'rest', 'autodesk'] as const
export type Scope = (typeof scopes)[number]

export function includesScope(granted: Scope, wanted: Scope): boolean {
  return scopes.indexOf(granted) >= scopes.indexOf(wanted)
}

/**
 * What each method demands of its caller; `hello` comes before anybody is asked. Who may decide about programs is another
 * question, which the desk of tools answers.
 */
export const scopeOf: Readonly<Record<Exclude<Method, 'hello'>, Scope>> = {
  'session/get': 'session',
  'session/watch': 'status',
  'session/reportRejected': 'status',
  'rest/get': 'rest',
  'autodesk/get': 'autodesk',
  signIn: 'status',
  'signIn/way': 'status',
  'signIn/paste': 'status',
  'signIn/cancel': 'status',
  'signIn/credentials': 'status',
  signOut: 'status',
  status: 'status',
  'tools/list': 'status',
  'tools/pending': 'status',
  'tools/allow': 'status',
  'tools/revoke': 'status',
  'tools/answer': 'status',
}
