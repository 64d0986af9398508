import { app } from 'electron'

/** Chromium's own ways to accept any certificate, and to write down what goes over the wire. */
const weakening = [
  'ignore-certificate-errors',
  'ignore-certificate-errors-spki-list',
  'allow-insecure-localhost',
  'disable-web-security',
  'ssl-key-log-file',
  'log-net-log',
  'net-log-capture-mode',
]

/**
 * Takes back what a wrapper script or a desktop entry may have switched on: TLS checks are never relaxed, and no token is
 * written anywhere. Defence in depth; who can start the app otherwise than IT meant it is the artist. Called before ready.
 */
export function refuseWeakening(): void {
  for (const name of weakening) app.commandLine.removeSwitch(name)
  delete process.env['SSLKEYLOGFILE']
}
