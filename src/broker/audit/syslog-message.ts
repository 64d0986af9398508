import { hostname } from 'node:os'

/** RFC 5424 §6.2.1, table 2. */
const severities = { alert: 1, warning: 4, notice: 5, info: 6 } as const
export type Severity = keyof typeof severities

/** RFC 5424 §6.2.1, table 1: security and authorization messages, `authpriv` to most receivers. */
const facility = 10

export const appName = 'sg-broker'
export const messageId = 'audit'

export interface SyslogMessage {
  readonly severity: Severity
  /** Milliseconds since the epoch. */
  readonly at: number
  /** One line. */
  readonly text: string
}

export function priorityOf({ severity }: SyslogMessage): number {
  return facility * 8 + severities[severity]
}

/** RFC 5424 §6, without structured data: what there is to say is JSON in the message. */
export function formatMessage(message: SyslogMessage): Buffer {
  const header = [
    `<${priorityOf(message)}>1`,
    new Date(message.at).toISOString(),
    hostname()
      .replaceAll(/[^\x21-\x7e]/g, '')
      .slice(0, 255) || '-',
    appName,
    process.pid,
    messageId,
    '-',
  ]
  return Buffer.from(`${header.join(' ')} ${message.text}`, 'utf8')
}
