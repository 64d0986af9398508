import { parseArgs } from 'node:util'
import { personNamed } from '../people.ts'
import { openWebStudio } from './web-studio.ts'

/** `npm run webapp`: the example web app with everything it needs, to be tried in a browser until Ctrl-C. */
const { values } = parseArgs({ options: { port: { type: 'string', default: '8821' } } })
const { site, identity, studio, webApp, close } = await openWebStudio({ port: Number(values.port) })
const person = personNamed('artist')

process.stdout.write(`Web app             ${webApp.origin}
ShotGrid site       ${site.url}
Autodesk Identity   ${identity.issuer}
Broker              ${studio.brokerUrl}

Open the web app and sign in as ${person.email} with the password ${person.autodesk?.password}.
Whose the notes are, says the site's event log: ${site.url}/sandbox/events

Ctrl-C ends it.
`)
const stop = (): void => void close().then(() => process.exit(0))
process.once('SIGINT', stop)
process.once('SIGTERM', stop)
