import { configWords } from '../config/config-words.ts'

/** A policy as a studio begins with: what an artist then need not be asked, and one default. Every value is an example to replace. */
export const examplePolicy = {
  locked: {
    sites: configWords.sites.example,
    identity: { clientId: configWords['identity.clientId'].example },
    tools: { allow: configWords['tools.allow'].example },
  },
  defaults: {
    session: { maxAgeHours: configWords['session.maxAgeHours'].example },
    app: { startAtLogin: configWords['app.startAtLogin'].example },
  },
} as const

/** `policy.json.example`; names the schema that lies beside the program, so that editors know it. */
export function policyJsonExample(): string {
  const schema = 'file:///opt/sg-session/share/policy.schema.json'
  return `${JSON.stringify({ $schema: schema, ...examplePolicy }, undefined, 2)}\n`
}
