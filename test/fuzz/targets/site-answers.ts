import assert from 'node:assert/strict'
import { AgentError } from '../../../src/errors.ts'
import { Secret } from '../../../src/secrets/secret.ts'
import { SiteFault } from '../../../src/shotgrid/faults.ts'
import { retryAfterOf } from '../../../src/shotgrid/http.ts'
import { callRpc, readEntities } from '../../../src/shotgrid/json-rpc.ts'
import { grantFromSession } from '../../../src/shotgrid/rest.ts'
import { searchEntities } from '../../../src/shotgrid/rest-search.ts'
import { SessionClock } from '../../../src/shotgrid/session-end.ts'
import { LauncherOff, pollLaunch, requestLaunch } from '../../../src/shotgrid/session-launcher.ts'
import { readSiteInfo } from '../../../src/shotgrid/site-info.ts'
import { answering } from '../input.ts'

const site = 'https://studio.example'
const token = new Secret('t')
const never = new AbortController().signal
const ok = (body: unknown, header = ''): string => `200\n${header}\n\n${JSON.stringify(body)}`
const claims = Buffer.from('{"user":{"type":"HumanUser","id":7},"sudo_as_login":"ada"}').toString('base64url')

export const seeds = [
  ok({ version: [8, 89, 0], user_authentication_method: 'oxygen', authentication_app_session_launcher_enabled: true }),
  ok({ exception: true, message: 'no', error_code: 102 }),
  ok({ access_token: `e30.${claims}.s`, expires_in: 600 }),
  ok({ access_token: `e30.${claims}.s`, expires_in: Number.MAX_SAFE_INTEGER }),
  ok({ errors: [{ code: 102, title: 'no' }] }),
  ok(
    { app: { expiresAt: 1_795_003_600, forceExpiresAt: null }, license: { expiresAt: 1_795_000_900 } },
    'date: Sun, 22 Nov 2026 10:00:00 GMT',
  ),
  ok({ sessionRequestId: 'a-b', url: `${site}/app_session_request/a` }),
  ok({ approved: true, sessionToken: 's', userLogin: 'ada' }),
  ok({ data: [{ id: 7, attributes: { login: 'ada' } }] }),
  ok({ results: { entities: [{ type: 'HumanUser', id: 7 }] } }),
  '429\nretry-after: 99999999999\n\n',
  '503\nretry-after: Sun, 22 Nov 2026 10:00:00 GMT\ndate: x\n\n',
  '200\n\n <html>',
]

/** One answer to every question that is asked of a site. */
export async function fuzz(data: Uint8Array): Promise<void> {
  const fetch = answering(data)
  const query = { type: 'HumanUser', filters: [], fields: ['login'], limit: 1, signal: never }
  const script = { kind: 'script', name: 's', key: token } as const
  await answered(() => readSiteInfo(fetch, site, never))
  await answered(() => callRpc(fetch, site, script, { method: 'read', signal: never }))
  await answered(() => readEntities(fetch, site, script, query))
  const rows = await answered(() => searchEntities(fetch, site, token, { ...query, type: 'human_users' }))
  assert.ok(rows?.every(({ id }) => Number.isSafeInteger(id)) ?? true)
  const grant = await answered(() => grantFromSession(fetch, site, token, never))
  if (grant)
    assert.doesNotThrow(
      () => new Date(1_795_000_000_000 + grant.expiresInS * 1000).toISOString(),
      `${grant.expiresInS} s`,
    )
  const end = await answered(() => new SessionClock(fetch, { monotonicMs: () => 0 }).read(site, token, never))
  if (end?.known === 'exact') assert.ok(end.leftMs >= 0 && end.leftMs <= 366 * 24 * 3600_000)
  const launch = await answered(() => requestLaunch(fetch, site, { appName: 'a', machineId: 'm' }, never))
  if (launch) assert.ok(launch.url.origin === site && launch.url.protocol === 'https:' && /^[\w-]+$/.test(launch.id))
  const state = await pollLaunch(fetch, site, 'a', never)
  if (state.is === 'unknown') assert.ok(state.error instanceof AgentError && state.error.code === 'site_unreachable')
  const waitMs = retryAfterOf(await fetch(site, {}))
  assert.ok(waitMs === undefined || (waitMs >= 0 && waitMs <= 24 * 3600_000))
}

/** Undefined for a refusal of the site, and for an answer that is none of a site. */
async function answered<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask()
  } catch (error) {
    const isTrouble = error instanceof AgentError && error.code === 'site_unreachable'
    if (!isTrouble && !(error instanceof SiteFault) && !(error instanceof LauncherOff)) throw error
    return undefined
  }
}
