// What Electron runs when it is not packaged: starts the app whose folder it is given, as Electron's own default app does.
// The closed-network Electron comes without one, and both must be started in the same way.
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { app } from 'electron/main'

const require = createRequire(import.meta.url)
const { folder, preloaded, version } = readArguments(process.argv.slice(1))

if (version) {
  process.stdout.write(`v${process.versions.electron}\n`)
  process.exit(0)
}
if (folder === undefined) {
  process.stderr.write('usage: electron [switches] <folder of the app> [arguments]\n')
  process.exit(2)
}
for (const module of preloaded) require(resolve(module))
await start(resolve(folder))

function readArguments(args) {
  const found = { folder: undefined, preloaded: [], version: false }
  for (let at = 0; at < args.length; at++) {
    if (args[at] === '-r' || args[at] === '--require') found.preloaded.push(args[++at])
    else if (args[at] === '-v' || args[at] === '--version') return { ...found, version: true }
    else if (!args[at].startsWith('-')) return { ...found, folder: args[at] }
  }
  return found
}

async function start(path) {
  Object.defineProperty(process, 'defaultApp', { configurable: false, enumerable: true, value: true })
  try {
    const main = require.resolve(path)
    const manifestFile = join(path, 'package.json')
    if (existsSync(manifestFile)) present(JSON.parse(readFileSync(manifestFile, 'utf8')))
    app.setAppPath(existsSync(manifestFile) ? path : dirname(main))
    await import(pathToFileURL(main).href)
  } catch (error) {
    process.stderr.write(`The app in ${path} does not start: ${error.stack ?? error}\n`)
    process.exit(1)
  }
}

function present({ version, productName, name, desktopName }) {
  if (version) app.setVersion(version)
  if (productName ?? name) app.name = productName ?? name
  app.setDesktopName(desktopName ?? `${app.name}.desktop`)
}
