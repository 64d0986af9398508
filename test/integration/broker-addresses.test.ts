import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { ExchangeStage } from './exchange-stage.ts'
import { refusalOf } from './world.ts'

let stage: ExchangeStage
beforeAll(async () => {
  stage = await ExchangeStage.open()
})
afterAll(() => stage.close())
beforeEach(() => stage.world.broker.database.deleteFrom('person').execute())

let accounts = 0

/** How a new Autodesk account is taken that has this address, verified. */
function come(email: unknown, on: ExchangeStage = stage): Promise<string> {
  accounts += 1
  return refusalOf(on.exchangeOf({ sub: `NEWCOMER${accounts}`, email, email_verified: true }))
}

async function setAddress(person: string, email: string, on: ExchangeStage = stage): Promise<void> {
  const answer = await fetch(`${on.world.site.url}/sandbox/people/${person}`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email }),
  })
  expect(answer.status).toBe(200)
}

test('an address that is exactly a user’s is that user’s, whatever the case of its letters, as a control', async () => {
  expect(await come('artist@studio.example')).toBe('ok')
  await stage.world.broker.database.deleteFrom('person').execute()
  expect(await come('ARTIST@Studio.Example')).toBe('ok')
})

describe('an address is nobody’s', () => {
  test.each([
    ['with a Cyrillic а', 'аrtist@studio.example'],
    ['with a Greek ο in its domain', 'artist@studiο.example'],
    ['with a full-width letter', 'ａrtist@studio.example'],
    ['with a full-width @', 'artist＠studio.example'],
    ['with a ligature', 'artiﬆ@studio.example'],
    ['with ſ for s', 'artiſt@studio.example'],
    ['with İ for i', 'artİst@studio.example'],
    ['with ı for i', 'artıst@studio.example'],
    ['with a combining mark', 'artis\u0307t@studio.example'],
    ['with a zero-width space', 'artist\u200b@studio.example'],
    ['with a soft hyphen', 'artist\u00ad@studio.example'],
    ['with a byte order mark', '\ufeffartist@studio.example'],
    ['written from right to left', '\u202eartist@studio.example'],
    ['with NUL behind', 'artist@studio.example\0'],
    ['with NUL within', 'artist@studio.example\0.evil.example'],
    ['with a line feed behind', 'artist@studio.example\n'],
    ['with a tab', 'artist\t@studio.example'],
    ['with DEL', 'artist\x7f@studio.example'],
    ['with half a character', 'artist@studio.example\ud800'],
    ['with a space before', ' artist@studio.example'],
    ['with a space behind', 'artist@studio.example '],
    ['with a non-breaking space', 'artist@studio.example\u00a0'],
    ['with an ideographic dot', 'artist@studio。example'],
    ['with a dot behind', 'artist@studio.example.'],
    ['with a dot behind its local part', 'artist.@studio.example'],
    ['with a dot within its local part', 'art.ist@studio.example'],
    ['with a quoted local part', '"artist"@studio.example'],
    ['with a quoted letter', '\\artist@studio.example'],
    ['with a comment', 'artist(x)@studio.example'],
    ['with a name before', 'Artist <artist@studio.example>'],
    ['in angle brackets', '<artist@studio.example>'],
    ['in a mailto', 'mailto:artist@studio.example'],
    ['with a route', '@evil.example:artist@studio.example'],
    ['with two @', 'artist@studio.example@evil.example'],
    ['with a % route', 'artist%studio.example@evil.example'],
    ['with a tag', 'artist+x@studio.example'],
    ['with a subdomain', 'artist@mail.studio.example'],
    ['with a domain behind', 'artist@studio.example.evil.example'],
    ['as punycode of a look-alike', 'artist@xn--studi-h9d.example'],
    ['escaped', 'artist%40studio.example'],
    ['with % for anything', '%@studio.example'],
    ['of % alone', '%@%'],
    ['with _ for a letter', '_rtist@studio.example'],
    ['with * for anything', '*@studio.example'],
    ['that is a pattern', '.*@studio\\.example'],
    ['that is SQL', "x'or'1'='1@studio.example"],
    ['that begins a user’s', 'artist@studio'],
    ['that ends a user’s', 'rtist@studio.example'],
    ['two in one', 'artist@studio.example,supervisor@studio.example'],
    ['of an IP address', 'artist@[127.0.0.1]'],
    ['of 400 characters', `${'a'.repeat(380)}@studio.example`],
    ['of 10,000 characters', `${'a'.repeat(9_000)}@studio.example`],
  ])('%s', async (_name, email) => {
    expect(await come(email)).toMatch(/^account_not_mapped: /)
    expect(await stage.world.broker.database.selectFrom('person').selectAll().execute()).toEqual([])
  })

  test('when a control character is in it, and no site, no table and no record hears of it', async () => {
    const asked = stage.world.site.web.requests.length
    expect(await come('artist@studio.example\0')).toBe(
      'account_not_mapped: the Autodesk account has no verified e-mail address',
    )
    expect(stage.world.site.web.requests).toHaveLength(asked)
    expect(JSON.stringify((await stage.auditRows()).at(-1))).not.toContain('\\u0000')
  })
})

describe('when a user’s own address has letters that fold into ASCII ones', () => {
  test.each([
    ['K for k (Kelvin)', 'no-pat@\u212aelvin.example', 'no-pat@kelvin.example'],
    ['ſ for s', 'no-pat@ſtudio.example', 'no-pat@studio.example'],
    ['İ for i', 'no-pat@studİo.example', 'no-pat@studio.example'],
    ['ß for ss', 'no-pat@straße.example', 'no-pat@strasse.example'],
    ['Å for Å', 'no-pat@\u212bngstrom.example', 'no-pat@\u00e5ngstrom.example'],
    ['é in two characters', 'no-pat@caf\u0065\u0301.example', 'no-pat@caf\u00e9.example'],
  ])('(%s) the plain one is not it, nor the other way round', async (_name, atSite, plain) => {
    await setAddress('no-pat', atSite)
    expect(await come(plain)).toMatch(/^account_not_mapped: /)
    await setAddress('no-pat', plain)
    expect(await come(atSite)).toMatch(/^account_not_mapped: /)
    await setAddress('no-pat', 'no-pat@studio.example')
  })
})

describe('with e-mail domains configured', () => {
  let strict: ExchangeStage
  beforeAll(async () => {
    strict = await ExchangeStage.open({ broker: { emailDomains: ['studio.example'] } })
  })
  afterAll(() => strict.close())

  test.each([
    ['a subdomain', 'no-pat@mail.studio.example'],
    ['a domain that ends alike', 'no-pat@mystudio.example'],
    ['a dot behind', 'no-pat@studio.example.'],
    ['another @ before it', 'no-pat@evil.example@studio.example'],
    ['the domain as local part', 'studio.example@evil.example'],
    ['a look-alike', 'no-pat@studiο.example'],
    ['no domain', 'no-pat@'],
    ['no local part', '@studio.example'],
  ])('%s is refused, even where a user has that very address', async (_name, email) => {
    await setAddress('no-pat', email, strict)
    expect(await come(email, strict)).toMatch(/^account_not_mapped: /)
  })

  test('the domain itself is taken, in capitals too', async () => {
    await setAddress('no-pat', 'no-pat@studio.example', strict)
    expect(await come('No-Pat@STUDIO.EXAMPLE', strict)).toBe('ok')
  })
})
