// The bundled app's own updates, one look after the other, each at a feed and in a folder of its own. What to look at comes in the
// environment; a line of JSON a look goes out.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { app } from 'electron'

const { bundle, folder, publicKey, looks } = JSON.parse(process.env['UPDATE_LOOKS'])
app.setPath('userData', join(folder, 'electron'))
app.whenReady().then(async () => {
  const { openUpdates } = await import(pathToFileURL(join(bundle, 'system-updates.js')).href)
  for (const { name, feedUrl, enabled = true, endsAfterMs } of looks) {
    const stateFolder = join(folder, name)
    mkdirSync(stateFolder, { recursive: true })
    const logged = []
    const note = (level) => (_facts, text) => level !== 'debug' && logged.push(`${level}: ${text}`)
    const log = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') }
    const host = { obstacle: () => 'session', changed: () => undefined, quit: () => undefined }
    const config = { update: { enabled, feedUrl, publicKey, channel: 'latest' }, network: {} }
    const updates = await openUpdates(config, { stateFolder }, log, host)
    if (endsAfterMs !== undefined) setTimeout(() => updates?.close(), endsAfterMs)
    await updates?.look()
    updates?.close()
    process.stdout.write(`${JSON.stringify({ name, opened: updates !== undefined, ready: updates?.ready, logged })}\n`)
  }
  app.exit(0)
})
