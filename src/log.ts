import { pino } from 'pino'
import type { Log } from './ports.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** Takes each line as it comes, line feed included; must not throw. */
export interface LogDestination {
  write(line: string): void
}

/**
 * JSON lines on standard error or where the caller says, one event a line. Field names that could ever carry a secret are blanked by name as well:
 * the `Secret` type is the rule, this is the net below it.
 */
export function makeLog(level: LogLevel, destination?: LogDestination): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: secretFields.flatMap((field) => [field, `*.${field}`]), censor: '[secret]' },
      serializers: { err: describeError, error: describeError },
    },
    destination ?? pino.destination({ dest: 2, sync: true }),
  )
}

const secretFields = [
  'sessionToken',
  'accessToken',
  'refreshToken',
  'idToken',
  'key',
  'scriptKey',
  'passphrase',
  'authorization',
  'cookie',
]

/** Name, code, message and stack of an error and its causes; never the properties a library hung on it (bodies, tokens). */
function describeError(thrown: unknown, depth = 0): unknown {
  if (!(thrown instanceof Error)) return String(thrown)
  return {
    name: thrown.name,
    code: 'code' in thrown ? thrown.code : undefined,
    message: withoutHeaderValue(thrown.message),
    stack: depth === 0 ? withoutHeaderValue(thrown.stack ?? '') : undefined,
    cause: thrown.cause === undefined || depth > 3 ? undefined : describeError(thrown.cause, depth + 1),
  }
}

/** Fetch quotes a header it does not send whole (`Headers.append: "Bearer …" is an invalid header value.`): mostly a token. */
function withoutHeaderValue(message: string): string {
  return message.replace(/".*" is an invalid header value/s, '"[secret]" is an invalid header value')
}
