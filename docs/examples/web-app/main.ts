import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { startWebApp } from './server.ts'

/** `node main.ts settings.json`: the web app as a service. There is no secret in the settings. */
const settingsSchema = z.strictObject({
  origin: z.url(),
  broker: z.url(),
  site: z.url(),
  identity: z.strictObject({ issuer: z.url(), clientId: z.string().min(1) }),
  port: z.number().int().min(1).max(65_535).optional(),
})

const [file] = process.argv.slice(2)
try {
  if (!file) throw new Error('usage: node main.ts settings.json')
  const settings = settingsSchema.safeParse(JSON.parse(await readFile(file, 'utf8')))
  if (!settings.success) throw new Error(`"${file}": ${z.prettifyError(settings.error)}`)
  const { port, ...rest } = settings.data
  const webApp = await startWebApp({ ...rest, ...(port === undefined ? {} : { port }) })
  process.stdout.write(`${webApp.origin} is served\n`)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void webApp.close())
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
