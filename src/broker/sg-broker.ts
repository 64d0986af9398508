#!/usr/bin/env node
import { Command } from 'commander'
import { asAgentError, errorTable } from '../errors.ts'
import { version } from '../version.ts'
import { addAuditCommands } from './commands/audit-commands.ts'
import { addCheck } from './commands/check.ts'
import { addPeople } from './commands/people-commands.ts'
import { addPreflight } from './commands/preflight-command.ts'
import { addSchema } from './commands/schema.ts'
import { addServe } from './commands/serve.ts'
import { addSessionCommands } from './commands/session-commands.ts'
import { addSiteCommands } from './commands/site-commands.ts'
import { addStopCommands } from './commands/stop-commands.ts'

/** Every command, what it takes and what it is for; the manual page is made of it too. */
export const program = new Command('sg-broker')
  .description(
    "The studio's identity broker: turns an Autodesk Identity sign-in into a ShotGrid session of that very user.",
  )
  .version(version)
  // As sg-session does: 2 is wrong usage, and no code of the error table.
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))

addServe(program)
addCheck(program)
addSchema(program)
addPeople(program)
addPreflight(program)
addStopCommands(program)
addAuditCommands(program)
addSiteCommands(program)
addSessionCommands(program)

// Only where it is known not to be what was started: a bundle knows nothing of itself.
if (import.meta.main !== false) program.parseAsync().catch(explain)

function explain(thrown: unknown): never {
  const error = asAgentError(thrown)
  process.stderr.write(`sg-broker: ${error.message}\n${error.advice}\n`)
  if (error.code === 'internal_error') process.stderr.write(`${error.cause}\n`)
  process.exit(errorTable[error.code].exit)
}
