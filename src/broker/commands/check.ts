import type { Command } from 'commander'
import { asAgentError, type ErrorCode, errorTable } from '../../errors.ts'
import { useSystemNetwork } from '../../system/system-network.ts'
import { BadConfig, type BrokerConfig, readBrokerConfig } from '../config.ts'
import { type Check, checksOf } from '../operation/checks.ts'
import { type ConfigOptions, withConfigOptions } from './config-options.ts'

/** `sg-broker check`. */
export function addCheck(program: Command): void {
  withConfigOptions(program.command('check'))
    .description('read the configuration and try everything it names; changes nothing')
    .action(check)
}

async function check(options: ConfigOptions): Promise<void> {
  const rules = { insecureLoopback: options.allowInsecureLoopback }
  let config: BrokerConfig
  try {
    config = await readBrokerConfig(options.config, rules)
  } catch (error) {
    const problems = error instanceof BadConfig ? error.problems : [asAgentError(error).message]
    for (const problem of problems) say('✗', 'configuration', problem)
    process.exit(errorTable[asAgentError(error).code].exit)
  }
  say('✓', 'configuration', options.config)
  const fetch = useSystemNetwork({ extraCa: config.extraCa })
  const results = await Promise.all(checksOf(config, fetch, rules).map(run))
  for (const { name, found, failure } of results) say(failure ? '✗' : '✓', name, failure?.message ?? found)
  const failed = results.find(({ failure }) => failure)?.failure
  process.exit(failed ? errorTable[failed.code].exit : 0)
}

async function run({ name, work }: Check): Promise<Result> {
  try {
    return { name, found: await work(), failure: undefined }
  } catch (thrown) {
    const { code, message, cause } = asAgentError(thrown)
    return { name, found: '', failure: { code, message: code === 'internal_error' ? String(cause) : message } }
  }
}

interface Result {
  readonly name: string
  readonly found: string
  readonly failure: { readonly code: ErrorCode; readonly message: string } | undefined
}

function say(mark: '✓' | '✗', name: string, text: string): void {
  process.stdout.write(`${mark} ${name.padEnd(14)} ${text}\n`)
}
