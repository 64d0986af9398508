import { expect, test } from 'vitest'
import { runSoak } from '../soak/soak.ts'

test('for twenty seconds Node and Python tools get the right session at fifty requests a second, with one fault in a hundred', async () => {
  const report = await runSoak({ seconds: 20, requestsPerSecond: 50, faultShare: 0.01, sessionLifetimeS: 6 })
  expect(report.wrong).toEqual([])
  expect(report.answers).toBeGreaterThan(200)
  expect(report.faultsInjected).toBeGreaterThan(0)
  expect(report.renewals).toBeGreaterThan(1)
  expect(report.after.descriptors - report.before.descriptors).toBeLessThanOrEqual(2)
  expect(report.collections).toBeGreaterThan(0)
})
