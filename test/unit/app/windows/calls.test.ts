import { describe, expect, test } from 'vitest'
import { type CallName, calls, settingKeys } from '../../../../app/windows/calls.ts'
import type { WindowName } from '../../../../app/windows/contract.ts'
import { mergeConfig } from '../../../../src/config/config.ts'

const from = (window: WindowName): string[] =>
  (Object.keys(calls) as CallName[])
    .filter((name) => (calls[name].from as readonly WindowName[]).includes(window))
    .sort()

/** Written out by hand: a call that a window gains is a decision. */
describe('what a window may call', () => {
  test.for<readonly [WindowName, readonly string[]]>([
    [
      'status',
      [
        ...[
          'cancelSignIn',
          'closeWindow',
          'copyDiagnosis',
          'openAbout',
          'openFirstRun',
          'openPrograms',
          'openSettings',
        ],
        ...['openSite', 'quit', 'restartForUpdate', 'showConsent', 'showSignIn', 'signIn', 'signOut', 'switchUser'],
      ],
    ],
    [
      'sign-in',
      [
        ...['cancelSignIn', 'closeWindow', 'copyLink', 'openBrowserAgain', 'openHelp', 'paste', 'signIn'],
        'submitCredentials',
      ],
    ],
    ['first-run', ['checkAddresses', 'closeWindow', 'saveAddresses']],
    ['consent', ['answerConsent']],
    ['programs', ['askAgain', 'closeWindow', 'revokeTool']],
    ['settings', ['closeWindow', 'openAbout', 'openLogs', 'openPrograms', 'saveSetting']],
    ['about', ['closeWindow', 'copyDiagnosis', 'openLogs']],
  ])('%s', ([window, names]) => expect(from(window)).toEqual(names))
})

test('what an artist may set is a key of the configuration, and nothing that weakens it', () => {
  const { sources } = mergeConfig([], { insecureLoopback: false })
  expect(settingKeys.filter((key) => !sources.has(key))).toEqual([])
  expect([...settingKeys].sort()).toEqual(['app.language', 'app.startAtLogin', 'session.rememberSignIn'])
})
