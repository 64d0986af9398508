import { appendFileSync } from 'node:fs'

/**
 * Writes a secret of the sandbox into the ledger that `npm test` names, so that it can be looked for afterwards wherever
 * secrets must not be. Gives the secret back. Without a ledger nothing is written.
 */
export function noteSecret(what: string, secret: string): string {
  const ledger = process.env['SG_CANARY_LEDGER']
  if (ledger) appendFileSync(ledger, `${JSON.stringify({ what, secret })}\n`, { mode: 0o600 })
  return secret
}

/** Appends what a program says to the folder of the run, where it is looked through with the rest. */
export function noteSaid(name: string, text: string): void {
  const folder = process.env['SG_CANARY_SAID']
  if (folder) appendFileSync(`${folder}/${name.replaceAll(/\W/g, '_')}`, text)
}
