import { expect, test } from 'vitest'
import { findAddresses } from '../../../../app/first-run.ts'
import { NotificationLadder } from '../../../../app/notifications/ladder.ts'
import type { Language } from '../../../../app/strings/catalogue.ts'
import { en } from '../../../../app/strings/en.ts'
import { startingView, trayView } from '../../../../app/tray/tray-view.ts'
import { consentView } from '../../../../app/windows/views/consent-view.ts'
import { aboutView, firstRunView, settingsView } from '../../../../app/windows/views/other-views.ts'
import { programsView } from '../../../../app/windows/views/programs-view.ts'
import { signInView } from '../../../../app/windows/views/sign-in-view.ts'
import { statusView } from '../../../../app/windows/views/status-view.ts'
import { autodesk, brokerAddress, fetchIn, siteAddress } from '../fake-studio.ts'
import {
  allowed,
  at,
  call,
  minute,
  publishFile,
  pythonFile,
  question,
  refusal,
  signedIn,
  signedOut,
  signingIn,
  site,
  situation,
  statusOf,
  studio,
  tool,
} from '../situations.ts'

/** English that notes which of its texts were asked for. */
function noting(catalogue: object, used: Set<string>, path = ''): object {
  return new Proxy(catalogue, {
    get(texts, key) {
      const value = Reflect.get(texts, key)
      const here = path ? `${path}.${String(key)}` : String(key)
      if (typeof value === 'object' && value !== null) return noting(value, used, here)
      used.add(here)
      return value
    },
    ownKeys(texts) {
      for (const key of Object.keys(texts)) used.add(`${path}.${key}`)
      return Reflect.ownKeys(texts)
    },
  })
}

function paths(catalogue: object, path = ''): string[] {
  return Object.entries(catalogue).flatMap(([key, value]) => {
    const here = path ? `${path}.${key}` : key
    return typeof value === 'object' ? paths(value, here) : [here]
  })
}

const { executable: _, ...namelessTool } = tool('')
/** Of what needs nobody's leave. */
const { allowedBy: __, ...unleft } = call()

test('every text is shown somewhere: what nobody reads is not kept, nor translated', async () => {
  const used = new Set<string>()
  const language = { tag: 'en', strings: noting(en, used) as Language['strings'] }
  const sites = [
    site(signedOut),
    site(signingIn),
    site(signingIn, { waitsForBrowser: true, browserFailed: true }),
    site(signingIn, { waitsForBrowser: true, takesRedirect: false }),
    ...([undefined, 'passphrase_rejected', 'personal_access_token_required', 'two_factor_required'] as const).map(
      (refusal) => site(signingIn, { credentials: { wantsCode: true, refusal } }),
    ),
    site({ ...signedOut, reason: 'sign_in_timeout' }, { waitedFor: 'credentials' }),
    site(signedIn),
    site({ ...signedIn, expiresAt: at(19, 40) }),
    ...(['web', 'legacy', 'identity-direct'] as const).map((obtainedBy) =>
      site({ ...signedIn, obtainedBy, expiry: 'exact' }),
    ),
    site({ ...signedIn, obtainedBy: 'web' }),
    site({ ...signedIn, signInEndsAt: at(10, 5) }),
    site({ ...signedOut, reason: 'sign_in_cancelled' }),
    site({ ...signedOut, reason: 'access_denied' }),
    site({ ...signedOut, reason: 'identity_rejected' }),
  ]
  const situations = [
    situation({ sites, tools: [tool(''), namelessTool], online: false, trayShown: false }),
    ...sites.map((one) => situation({ sites: [one] })),
    situation({ sites: [] }),
    ...([undefined, 'question', 'sign-in', 'session', 'work', 'window', 'start'] as const).map((obstacle) =>
      situation({ update: { version: '1.4.0', obstacle } }),
    ),
  ]
  startingView(language)
  for (const one of situations) trayView(one, language)
  for (const one of situations) statusView(one, language)
  for (const one of sites) signInView(one, language)

  const ladder = new NotificationLadder(() => at(19, 20), 30 * minute)
  for (const reason of ['ending', 'session_ended', 'access_denied', 'signed_in'] as const) {
    const state = reason === 'ending' || reason === 'signed_in' ? signedIn : signedOut
    ladder.onChange(statusOf({ ...state, reason }), language)
  }
  ladder.onRefusal({ tool: '', site: studio }, language)
  ladder.onQuestion('', language)
  ladder.onUnanswered({ key: '1', name: '' }, language)
  ladder.onDenied({ key: '2', name: '' }, language)

  firstRunView({ site: '', broker: '' }, language)
  settingsView(
    {
      values: { 'app.startAtLogin': true, 'app.language': 'auto', 'session.rememberSignIn': true },
      locked: new Set(['app.startAtLogin']),
    },
    language,
  )
  const facts = {
    version: '1',
    runtime: '',
    policyFile: undefined,
    settingsFile: '',
    logFolder: '',
    updatesItself: true,
  }
  aboutView(facts, language)
  aboutView({ ...facts, updatesItself: false }, language)
  for (const scope of ['rest', 'autodesk'] as const) {
    const asked = question({ executable: pythonFile, script: publishFile }, { scope })
    for (const origin of [undefined, { kind: 'package', name: '' }, { kind: 'root' }, { kind: 'anybody' }] as const)
      consentView(asked, '', origin, language)
  }
  const programs = [allowed({ script: publishFile, pid: 1, lastUsedAt: at(9) }), allowed({ scope: 'autodesk' })]
  const refusedPrograms = [{ executable: pythonFile, site: studio, scope: 'rest', until: at(10, 10) }] as const
  for (const consent of ['prompt', 'allow-list', 'allow-all'] as const)
    programsView(situation({ programs, refusedPrograms, consent }), language)
  const outcomes = Object.keys(en.calls.outcomes) as (keyof typeof en.calls.outcomes)[]
  const calls = [
    ...Object.keys(en.calls.methods).map((method) => call({ method, count: 2 })),
    ...outcomes.map((outcome) => ({ ...unleft, outcome })),
    ...(['rule', 'remembered', 'asked', 'mode'] as const).map((allowedBy) => call({ allowedBy })),
    { ...unleft, outcome: 'consent_denied' as const },
  ]
  const asked = situation({ calls, refused: [refusal()], question: question(), answersProblem: 'unwritable' })
  statusView(asked, language)
  trayView(asked, language)

  const options = {
    paths: {
      policyFile: '',
      settingsFile: '',
      endpointFiles: [],
      electronFolders: [''] as const,
      stateFolder: '',
      logFolder: '',
    },
    rules: { insecureLoopback: false },
  }
  const addresses = { site: siteAddress, broker: brokerAddress }
  const find = (studioNow: Parameters<typeof fetchIn>[0], typed = addresses) =>
    findAddresses(typed, { fetch: fetchIn(studioNow), expectedIssuer: autodesk, options }, language.strings)
  await find({})
  await find({ site: 'silent', broker: 'silent' })
  await find({ serves: [] })
  await find({ broker: 'old' })
  await find({ issuer: 'https://elsewhere.example' })
  await find({}, { ...addresses, site: '' })
  await find({}, { ...addresses, broker: '' })
  await find({ launcher: true }, { ...addresses, broker: '' })
  await find({ authentication: 'saml2' }, { ...addresses, broker: '' })

  expect(paths(en).filter((path) => !path.startsWith('errors.') && !used.has(path))).toEqual([])
})
