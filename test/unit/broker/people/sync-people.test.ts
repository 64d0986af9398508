import { expect, test } from 'vitest'
import { judgeRow } from '../../../../src/broker/people/sync-people.ts'
import { linked, user } from './rows.ts'

const policy = { permissionGroups: ['artist'], allowPrivileged: ['chief'] }
const row = linked('A', 1, { login: 'user-1@studio.example' })
const codes = (found: Parameters<typeof judgeRow>[1]) => judgeRow(row, found, policy).map(({ code }) => code)

test('nothing is said of a user that is as it was', () => expect(codes(user(1))).toEqual([]))

test('each thing that has become of a user is said', () => {
  expect(codes(user(1, { login: 'renamed' }))).toEqual(['login_changed'])
  expect(codes(user(1, { isActive: false }))).toEqual(['disabled'])
  expect(codes(user(1, { canBeImpersonated: false }))).toEqual(['impersonation_off'])
  expect(codes(user(1, { permissionGroup: 'admin' }))).toEqual(['privileged'])
  expect(codes('deleted')).toEqual(['deleted'])
  expect(codes('missing')).toEqual(['missing'])
})

test('whom the policy names is not reported as privileged, and several things are said together', () => {
  const chief = user(1, { login: 'chief', permissionGroup: 'admin', isActive: false })
  expect(codes(chief)).toEqual(['login_changed', 'disabled'])
})
