import { expect, test } from 'vitest'
import { neutralFolder } from '../../../src/system/run-program.ts'

test.each([
  ['linux', '/usr/bin/node', '/'],
  ['darwin', '/opt/homebrew/bin/node', '/'],
  ['win32', 'C:\\Program Files\\nodejs\\node.exe', 'C:\\Program Files\\nodejs'],
] as const)('on %s no program is run in the folder that the doctor was called in', (platform, own, folder) => {
  expect(neutralFolder(platform, own)).toBe(folder)
})
