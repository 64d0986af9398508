import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startProcess, untilSaid } from '../processes.ts'

/** A running message bus of our own. */
export interface MessageBusDaemon {
  /** What belongs into DBUS_SESSION_BUS_ADDRESS or DBUS_SYSTEM_BUS_ADDRESS. */
  readonly address: string
  stop(): Promise<void>
}

const startLimitMs = 10_000

/** The bus a desktop gives to a login: a private one, its socket in `folder`. */
export function startSessionBus({ folder }: { readonly folder: string }): Promise<MessageBusDaemon> {
  return startMessageBus(folder, 'session-bus')
}

/**
 * A bus named `name` with its socket in `folder`. It starts no services by itself: what nobody here plays is not there,
 * even when the machine has a program for it. Other users may connect, so that a program can run as another one.
 */
export async function startMessageBus(folder: string, name: string): Promise<MessageBusDaemon> {
  const configuration = join(folder, `${name}.conf`)
  await writeFile(
    configuration,
    `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=${join(folder, name)}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
  </policy>
</busconfig>
`,
  )
  const args = ['--nofork', '--nopidfile', `--config-file=${configuration}`, '--print-address']
  const daemon = startProcess('dbus-daemon', args, { PATH: process.env['PATH'] ?? '' })
  await untilSaid(daemon, 'guid=', startLimitMs)
  const address = daemon.stdout().trim()
  return {
    address,
    async stop() {
      await daemon.stop()
    },
  }
}
