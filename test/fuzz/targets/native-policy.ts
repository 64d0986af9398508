import assert from 'node:assert/strict'
import { configWords } from '../../../src/config/config-words.ts'
import { judgeManagedPreferences } from '../../../src/config/managed-preferences.ts'
import { judgeRegistryPolicy } from '../../../src/config/registry-policy.ts'
import { judgeAccess } from '../../../src/config/windows-access.ts'
import { judged, textOf } from '../input.ts'

const key = 'HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies\\sg-session'

export const seeds = [
  `\r\n${key}\r\n    app.startAtLogin    REG_DWORD    0x1\r\n    sites    REG_MULTI_SZ    [\\0]\r\n\r\n${key}\\Recommended\r\n    app.language    REG_SZ    fr\r\n`,
  `${key}\n    (Standard)    REG_SZ    \n    session.maxAgeHours\tREG_SZ\t7.5\n`,
  '{"PayloadUUID":"x","locked":{"session":{"maxAgeHours":8}},"defaults":{}}',
  'O:BAG:SYD:AI(A;OICIID;FA;;;SY)(A;ID;0x1200a9;;;BU)(A;CIID;DCLCRPCR;;;BU)',
]

/** What reg.exe, plutil or Get-Acl printed: documents of known keys only, or a refusal. */
export function fuzz(data: Uint8Array): void {
  const text = textOf(data)
  for (const { source, content } of judged(() => judgeRegistryPolicy(text), 'config_invalid') ?? []) {
    assert.ok(source === 'locked' || source === 'default')
    for (const [section, value] of Object.entries(content as object)) {
      const names = section === 'sites' ? [section] : Object.keys(value as object).map((name) => `${section}.${name}`)
      for (const name of names) assert.ok(Object.hasOwn(configWords, name), name)
    }
  }
  judged(() => judgeManagedPreferences('managed.plist', text), 'config_invalid')
  // What is not of the grammar lets nobody's policy count.
  if (!text.startsWith('O:')) assert.ok(judgeAccess(text, 'file'))
  judgeAccess(text, 'folder')
}
