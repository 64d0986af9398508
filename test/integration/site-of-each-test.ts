import { afterEach, beforeEach } from 'vitest'
import * as wire from '../sandbox/site/shotgun-api3-wire.ts'
import { callRpc, find } from '../sandbox/site/shotgun-api3-wire.ts'
import { type Site, startSite } from '../sandbox/site/site.ts'

export let site: Site

/** To be called once by a file of tests: `site` is a fresh one in each of them. */
export function startSiteForEachTest(): void {
  beforeEach(async () => {
    site = await startSite()
  })
  afterEach(() => site.close())
}

export const script = { script_name: 'identity-broker', script_key: 'script-key-with-sudo' }
export const project = { type: 'Project', id: 101 }

export const asPerson = (key: string) => ({ session_token: site.mintSession(key), reject_if_expired: true })
export const create = (
  auth: Record<string, unknown>,
  type: string,
  fields: Record<string, unknown>,
  ...asked: string[]
) => wire.create(site.url, auth, type, fields, ...asked)
export const update = (auth: Record<string, unknown>, type: string, id: number, fields: Record<string, unknown>) =>
  wire.update(site.url, auth, { type, id }, fields)
export const remove = (auth: Record<string, unknown>, type: string, id: number) =>
  callRpc(site.url, auth, 'delete', { type, id })
export const readOne = async (type: string, id: number, ...fields: string[]) =>
  (await find(site.url, script, type, [['id', 'is', id]], fields))[0]
