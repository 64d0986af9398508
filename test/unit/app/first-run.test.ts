import { describe, expect, test } from 'vitest'
import { findAddresses } from '../../../app/first-run.ts'
import type { Paths } from '../../../src/system/paths.ts'
import { autodesk, brokerAddress, type FakeStudio, fetchIn, siteAddress } from './fake-studio.ts'
import { english, french, hostileNames } from './situations.ts'

/** Finding out writes nothing: these are no places. */
const paths: Paths = {
  policyFile: '',
  settingsFile: '',
  endpointFiles: [],
  electronFolders: [''],
  stateFolder: '',
  logFolder: '',
}

interface Asking extends FakeStudio {
  readonly siteText?: string
  readonly brokerText?: string
  readonly asked?: string[]
}

async function find(asking: Asking = {}, { strings } = english) {
  const addresses = { site: asking.siteText ?? siteAddress, broker: asking.brokerText ?? brokerAddress }
  const fetch = fetchIn(asking, asking.asked)
  const options = { paths, rules: { insecureLoopback: false } }
  const found = await findAddresses(addresses, { fetch, expectedIssuer: autodesk, options }, strings)
  const { site, broker, wayIn, ready } = found
  expect(wayIn === undefined, 'how signing in will go is said of two good addresses').toBe(!(site.good && broker.good))
  return [site.text, site.good, broker.text, broker.good, ready]
}

const goodSite = ['This is a ShotGrid site.', true] as const
const goodBroker = ['This broker serves your site.', true] as const

describe('the two addresses somebody types', () => {
  test('are right', async () => expect(await find()).toEqual([...goodSite, ...goodBroker, true]))

  test('are right without https:// and with space round them', async () => {
    const typed = { siteText: ' studio.shotgrid.example ', brokerText: 'BROKER.studio.example/' }
    expect(await find(typed)).toEqual([...goodSite, ...goodBroker, true])
  })

  test.for(['silent', 'no site'] as const)('are wrong when the site is %s; the broker is not blamed', async (site) => {
    const text = 'No ShotGrid site answers at this address.'
    expect(await find({ site })).toEqual([text, false, ...goodBroker, false])
  })

  test.for(['silent', 'no broker'] as const)('are wrong when the broker is %s', async (broker) => {
    const text = 'No identity broker answers at this address.'
    expect(await find({ broker })).toEqual([...goodSite, text, false, false])
  })

  test('are wrong when the broker serves another site', async () => {
    const text = 'This broker does not serve that site.'
    expect(await find({ serves: ['https://other.shotgrid.example'] })).toEqual([...goodSite, text, false, false])
  })

  test('are wrong when the broker signs people in elsewhere, which is named', async () => {
    const text = 'This broker signs people in at https://evil.example, which your IT has not approved here.'
    expect(await find({ issuer: 'https://evil.example' })).toEqual([...goodSite, text, false, false])
  })

  test.for([`${autodesk}.evil.example`, 'https://developer.api.autodesk.com:8443'])(
    'are wrong when the broker signs people in at what only looks like Autodesk: %s',
    async (issuer) => expect((await find({ issuer })).slice(3)).toEqual([false, false]),
  )

  test('are not enough when the broker is too old to say how to sign in', async () => {
    const text = 'This broker is too old: it does not say how to sign in. Ask your IT.'
    expect(await find({ broker: 'old' })).toEqual([...goodSite, text, false, false])
  })

  test('are wrong when the same is typed twice', async () => {
    expect((await find({ brokerText: siteAddress })).slice(3)).toEqual([false, false])
    expect((await find({ siteText: brokerAddress })).slice(1)).toEqual([
      false,
      'This broker does not serve that site.',
      false,
      false,
    ])
  })

  test('wait for the site, when only the broker is typed', async () => {
    const wrong = ['This is not a whole https address.', false] as const
    expect(await find({ siteText: '' })).toEqual([...wrong, 'Enter the site first.', false, false])
  })

  test.for([
    'http://studio.shotgrid.example',
    'http://127.0.0.1:8080',
    'ftp://studio.shotgrid.example',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'https://artist:secret@studio.shotgrid.example',
    'https://studio.shotgrid.example/page/1',
    'https://',
    '',
  ])('are asked nothing when one is no whole https address: %j', async (text) => {
    const asked: string[] = []
    const said = 'This is not a whole https address.'
    const broker = text === '' ? ['', true] : [said, false]
    expect(await find({ siteText: text, brokerText: text, asked })).toEqual([said, false, ...broker, false])
    expect(asked).toEqual([])
  })

  test.for(hostileNames)('may be anything, and are wrong then: %j', async (text) => {
    const [, siteGood, , brokerGood, ready] = await find({ siteText: text, brokerText: text })
    expect([siteGood, brokerGood, ready]).toEqual([false, false, false])
  })

  test.for<readonly [string, FakeStudio, string, string, boolean]>([
    ['with a broker', {}, brokerAddress, 'You will sign in with your Autodesk account.', true],
    ['with a broker where there is a launcher', { launcher: true }, brokerAddress, 'You will sign in with', true],
    ['with the launcher', { launcher: true }, '', 'You will approve in your browser.', true],
    [
      'by company sign-in with the launcher',
      { launcher: true, authentication: 'saml2' },
      ' ',
      'You will approve',
      true,
    ],
    ['without either', {}, '', 'You will enter your ShotGrid login and passphrase.', true],
    ['with Autodesk Identity alone', { authentication: 'oxygen' }, '', 'You will enter your ShotGrid login', true],
    ['by company sign-in alone', { authentication: 'saml2' }, '', 'This site needs an identity broker.', false],
  ])('tell how signing in will go: %s', async ([, studio, broker, sentence, isReady]) => {
    const { wayIn, ready } = await findAddresses(
      { site: siteAddress, broker },
      { fetch: fetchIn(studio), expectedIssuer: autodesk, options: { paths, rules: { insecureLoopback: false } } },
      english.strings,
    )
    expect(wayIn?.sentence).toContain(sentence)
    expect([wayIn?.tone, ready]).toEqual([isReady ? 'info' : 'warning', isReady])
  })

  test('are told about in French', async () => {
    expect(await find({}, french)).toEqual([
      'C’est bien un site ShotGrid.',
      true,
      'Ce courtier dessert votre site.',
      true,
      true,
    ])
    const [site, , broker] = await find({ site: 'silent', issuer: 'https://evil.example' }, french)
    expect(site).toBe('Aucun site ShotGrid ne répond à cette adresse.')
    expect(broker).toContain('on se connecte chez https://evil.example, que')
  })
})
