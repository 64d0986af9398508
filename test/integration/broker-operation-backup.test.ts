import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { BrokerProcess } from './broker-process.ts'
import { codeOf } from './world.ts'

let broker: BrokerProcess
beforeEach(async () => {
  broker = await BrokerProcess.prepare()
})
afterEach(() => broker.close())

test('a copy made while the broker works is a whole database: links hold, and the chain goes on', async () => {
  await broker.writeConfig()
  await broker.start()
  const exchanges = Array.from({ length: 5 }, () => codeOf(broker.exchange()))
  const live = new DatabaseSync(join(broker.folder, 'broker.sqlite'), { timeout: 5_000 })
  await Promise.all(exchanges)
  const more = Array.from({ length: 5 }, () => codeOf(broker.exchange('supervisor')))
  live.exec(`VACUUM INTO '${join(broker.folder, 'backup.sqlite')}'`)
  live.close()
  expect(await Promise.all([...exchanges, ...more])).toEqual(Array.from({ length: 10 }, () => 'ok'))
  expect(await broker.stopAndWait()).toBe(0)

  await copyFile(join(broker.folder, 'backup.sqlite'), join(broker.folder, 'restored.sqlite'))
  // The address would match nobody any more: only the link of the backup knows who this is.
  broker.site.person('artist').email = 'renamed@studio.example'
  await broker.writeConfig({ database: { file: 'restored.sqlite' } })
  await broker.start()
  expect((await broker.exchange()).login).toBe(broker.site.person('artist').login)
  const restored = new DatabaseSync(join(broker.folder, 'restored.sqlite'), { readOnly: true })
  const rows = restored.prepare('SELECT sequence, previous_hash, hash FROM audit ORDER BY sequence').all()
  restored.close()
  expect(rows.length).toBeGreaterThanOrEqual(6)
  rows.forEach((row, index) => {
    expect(row['previous_hash']).toBe(rows[index - 1]?.['hash'] ?? '')
  })
})
