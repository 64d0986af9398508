import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { saveAddresses } from '../../app/first-run.ts'
import { readConfig } from '../../src/config/config-files.ts'
import { AgentError } from '../../src/errors.ts'
import type { Paths } from '../../src/system/paths.ts'
import { autodesk, brokerAddress, clientId, type FakeStudio, fetchIn, siteAddress } from '../unit/app/fake-studio.ts'

const rules = { insecureLoopback: false }
let folder: string
let paths: Paths
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sg-first-run-'))
  paths = {
    policyFile: join(folder, 'no-policy.json'),
    settingsFile: join(folder, 'settings.json'),
    endpointFiles: [],
    electronFolders: [''],
    stateFolder: folder,
    logFolder: folder,
  }
})
afterEach(() => rm(folder, { recursive: true }))

const typed = { site: siteAddress, broker: brokerAddress }
const save = (studio: FakeStudio = {}, addresses = typed): Promise<void> =>
  saveAddresses(addresses, { fetch: fetchIn(studio), expectedIssuer: autodesk, options: { paths, rules } })

async function refusal(saved: Promise<void>): Promise<string> {
  const error = await saved.then(
    () => 'saved',
    (thrown: unknown) => thrown,
  )
  return error instanceof AgentError ? error.code : String(error)
}

describe('saving the two addresses', () => {
  test('writes what is needed to sign in, and nothing else', async () => {
    await save({}, { site: ' STUDIO.shotgrid.example/ ', broker: 'broker.studio.example' })
    expect(JSON.parse(await readFile(paths.settingsFile, 'utf8'))).toEqual({
      sites: [{ url: siteAddress, broker: brokerAddress }],
      identity: { clientId },
    })
    const { config } = await readConfig(paths, rules)
    expect(config.identity).toMatchObject({ issuer: autodesk, clientId })
  })

  test.for<readonly [string, FakeStudio]>([
    ['signs programs in through the browser', { launcher: true, authentication: 'saml2' }],
    ['takes login and passphrase', {}],
  ])('writes a site without a broker that %s, and asks no broker', async ([, studio]) => {
    const asked: string[] = []
    const fetch = fetchIn(studio, asked)
    await saveAddresses(
      { site: siteAddress, broker: ' ' },
      { fetch, expectedIssuer: autodesk, options: { paths, rules } },
    )
    expect(JSON.parse(await readFile(paths.settingsFile, 'utf8'))).toEqual({ sites: [{ url: siteAddress }] })
    expect(new Set(asked.map((url) => new URL(url).origin))).toEqual(new Set([siteAddress]))
    expect((await readConfig(paths, rules)).config.sites).toEqual([{ url: siteAddress, signIn: 'auto' }])
  })

  test('keeps what stands in the settings beside them', async () => {
    const before = { app: { language: 'fr' }, identity: { redirectPorts: [20_000] } }
    await writeFile(paths.settingsFile, JSON.stringify(before))
    await save()
    expect(JSON.parse(await readFile(paths.settingsFile, 'utf8'))).toEqual({
      app: { language: 'fr' },
      identity: { redirectPorts: [20_000], clientId },
      sites: [{ url: siteAddress, broker: brokerAddress }],
    })
  })
})

describe('nothing is written', () => {
  test.for<readonly [string, FakeStudio, Partial<typeof typed>, string]>([
    ['when the site is silent', { site: 'silent' }, {}, 'site_unreachable'],
    ['when what answers is no site', { site: 'no site' }, {}, 'site_unreachable'],
    ['when the broker is silent', { broker: 'silent' }, {}, 'broker_unreachable'],
    ['when what answers is no broker', { broker: 'no broker' }, {}, 'broker_unreachable'],
    ['when the broker serves another site', { serves: ['https://other.example'] }, {}, 'site_unknown'],
    ['when the broker signs in elsewhere', { issuer: 'https://evil.example' }, {}, 'broker_unreachable'],
    ['when the broker does not say how to sign in', { broker: 'old' }, {}, 'broker_unreachable'],
    ['when the site is not https', {}, { site: `http://${new URL(siteAddress).host}` }, 'config_invalid'],
    ['when the broker is not https', {}, { broker: `http://${new URL(brokerAddress).host}` }, 'config_invalid'],
    [
      'when there is no way in without a broker',
      { authentication: 'saml2' },
      { broker: '' },
      'web_sign_in_unavailable',
    ],
    ['when no site answers, with or without a broker', { site: 'no site' }, { broker: '' }, 'site_unreachable'],
    ['when nothing was typed', {}, { site: '', broker: '' }, 'config_invalid'],
  ])('%s', async ([, studio, addresses, code]) => {
    expect(await refusal(save(studio, { ...typed, ...addresses }))).toBe(code)
    expect(await readdir(folder)).toEqual([])
  })

  test('over settings that somebody is at work on', async () => {
    await writeFile(paths.settingsFile, '{ "app": ')
    expect(await refusal(save())).toBe('config_invalid')
    expect(await readFile(paths.settingsFile, 'utf8')).toBe('{ "app": ')
  })
})
