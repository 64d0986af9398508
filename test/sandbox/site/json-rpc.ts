import { createHash } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { type Caller, identifyCaller, personOfAutodesk } from './callers.ts'
import { faultCode, Refusal } from './refusals.ts'
import { rpcActivityStream } from './rpc-activity-stream.ts'
import { rpcFollow, rpcFollowers, rpcFollowing, rpcUnfollow } from './rpc-follow.ts'
import { rpcNoteThread } from './rpc-note-thread.ts'
import { parseParams } from './rpc-params.ts'
import { rpcRead } from './rpc-read.ts'
import { rpcSchemaEntityRead, rpcSchemaFieldRead, rpcSchemaRead } from './rpc-schema.ts'
import { rpcSummarize } from './rpc-summarize.ts'
import { rpcTextSearch } from './rpc-text-search.ts'
import { rpcWorkScheduleRead, rpcWorkScheduleUpdate } from './rpc-work-schedule.ts'
import { faultText, rpcBatch, rpcCreate, rpcDelete, rpcRevive, rpcUpdate, rpcUpdateLastAccessed } from './rpc-write.ts'
import { preferences, siteInfo } from './site-facts.ts'
import { countCall, type SiteState } from './site-state.ts'
import { sudoSessionOwner } from './sudo.ts'

type Method = (state: SiteState, caller: Caller, params: unknown) => unknown

const methods: Readonly<Record<string, Method>> = {
  activity_stream: rpcActivityStream,
  follow: rpcFollow,
  followers: rpcFollowers,
  following: rpcFollowing,
  note_thread_contents: rpcNoteThread,
  unfollow: rpcUnfollow,
  work_schedule_read: rpcWorkScheduleRead,
  work_schedule_update: rpcWorkScheduleUpdate,
  get_session_token: getSessionToken,
  read: rpcRead,
  summarize: rpcSummarize,
  create: rpcCreate,
  update: rpcUpdate,
  delete: rpcDelete,
  revive: rpcRevive,
  batch: rpcBatch,
  schema_entity_read: rpcSchemaEntityRead,
  schema_read: rpcSchemaRead,
  schema_field_read: (_state, _caller, params) => rpcSchemaFieldRead(params),
  query_display_name_cache: rpcTextSearch,
  preferences_read: readPreferences,
  update_project_last_accessed_by_current_user: rpcUpdateLastAccessed,
  retrieve_ws_server_secret: retrieveServerSecret,
}

const tokenSchema = z.looseObject({ session_token: z.string() })
const envelopeSchema = z.looseObject({ method_name: z.string(), params: z.array(z.unknown()).default([]) })

/** `POST /api3/json`: the API `shotgun_api3` speaks. Every refusal is HTTP 200 with a fault. facts: PY 1 */
export function serveJsonRpc(app: FastifyInstance, state: SiteState): void {
  app.post('/api3/json', async (request, reply) => {
    const body = await answerCall(state, request.body)
    return reply.type('application/json; charset=utf-8').send(JSON.stringify(body))
  })
}

/** One call from its body to the answer's body. */
async function answerCall(state: SiteState, rawBody: unknown): Promise<unknown> {
  let method = 'unknown'
  try {
    const envelope = parseEnvelope(rawBody)
    method = envelope.method_name
    // without credentials, and bare: there is no `results` around it (PY tests, public Go fixture)
    const results = method === 'info' ? undefined : await runMethod(state, method, envelope.params)
    countCall(state, method)
    return method === 'info' ? siteInfo(state) : { results }
  } catch (error) {
    if (error instanceof Refusal) return faultBody(faultText(error, method), error.code)
    // a bug of the sandbox must look like a fault, and like no lost sign-in: HTTP 500 would take clients down
    state.mishaps.keep(method, error)
    return faultBody('Shotgun Server Error', faultCode.serverError)
  }
}

function faultBody(message: string, code: number): unknown {
  return { exception: true, message, error_code: code }
}

function parseEnvelope(rawBody: unknown): z.output<typeof envelopeSchema> {
  try {
    return envelopeSchema.parse(JSON.parse(String(rawBody)))
  } catch (cause) {
    const refusal = new Refusal(faultCode.badRequest, 'API invalid JSON request')
    refusal.cause = cause
    throw refusal
  }
}

async function runMethod(state: SiteState, name: string, [auth, params = {}]: readonly unknown[]): Promise<unknown> {
  const method = Object.hasOwn(methods, name) ? methods[name] : undefined
  // facts: 11.1: any code but 102, which would send clients to the login
  if (!method) throw new Refusal(faultCode.badRequest, `API unknown method '${name}'`)
  const ignoreSudo = name === 'get_session_token' && state.switches.sudoSessionOwner === 'ignored'
  const token = tokenSchema.safeParse(auth).data?.session_token
  const tokenOwner = await personOfAutodesk(state, token)
  // as a session is: who comes with a token gets that one back
  if (tokenOwner && name === 'get_session_token') return { session_id: token }
  return method(state, identifyCaller(state, auth, { ignoreSudo, tokenOwner }), params)
}

/** A new session for whoever calls; a caller who came with a session gets that one back. facts: PY 1.4 */
function getSessionToken(state: SiteState, caller: Caller): unknown {
  if (caller.session && !caller.sudoLogin) return { session_id: caller.session.token }
  const { owner, createdBy } = newSessionFor(state, caller)
  return { session_id: state.sessions.create(owner, createdBy).token }
}

function newSessionFor(state: SiteState, { actual, acting }: Caller) {
  if (actual.kind === 'person') return { owner: actual, createdBy: 'password' }
  if (acting.kind !== 'person') return { owner: actual, createdBy: 'script' }
  const owner = sudoSessionOwner(state.accounts, state.switches.sudoSessionOwner, actual, acting.user)
  return { owner, createdBy: 'script+sudo' }
}

const preferencesParams = z.looseObject({ prefs: z.array(z.string()).default([]) })

/** All preferences, or the ones named; unknown names are left out. facts: SGT get_preferences */
function readPreferences(_state: SiteState, _caller: Caller, params: unknown): unknown {
  const { prefs } = parseParams('preferences_read', preferencesParams, params)
  if (prefs.length === 0) return preferences
  return Object.fromEntries(Object.entries(preferences).filter(([name]) => prefs.includes(name)))
}

const secretParams = z.looseObject({ ws_server_id: z.string().min(1) })

/**
 * The secret a browser and the desktop websocket server share: for sessions only, the same for the same id, and
 * without its last `=`, as real sites leave it. facts: DS server_protocol.py, PY tests
 */
function retrieveServerSecret(_state: SiteState, caller: Caller, params: unknown): unknown {
  if (!caller.session) throw new Refusal(faultCode.refusedData, 'API retrieve_ws_server_secret() needs a session token')
  const { ws_server_id: id } = parseParams('retrieve_ws_server_secret', secretParams, params)
  const secret = createHash('sha256').update(`sandbox websocket secret ${id}`).digest('base64url')
  return { ws_server_secret: secret }
}
