import type { Command } from 'commander'
import { z } from 'zod'
import { configFileSchema } from '../config-schema.ts'

/** `sg-broker schema`. */
export function addSchema(program: Command): void {
  program
    .command('schema')
    .description('print the JSON Schema of the configuration file')
    .action(() => {
      process.stdout.write(configJsonSchema())
    })
}

/** The JSON Schema of the file as an operator writes it; kept in `docs/broker.schema.json`. */
export function configJsonSchema(): string {
  const schema = z.toJSONSchema(configFileSchema({ insecureLoopback: false }), { io: 'input' })
  return `${JSON.stringify({ title: 'sg-broker', ...schema }, undefined, 2)}\n`
}
