import { adml, admlLanguages } from './adml.ts'
import { admx } from './admx.ts'
import { policyJsonExample } from './example.ts'
import { policyJsonSchema, settingsJsonSchema } from './json-schema.ts'
import { policyManualPage } from './manual-page.ts'
import { mobileconfig } from './mobileconfig.ts'
import { referencePage, withKeyTable } from './reference.ts'

/** Every file that IT gets, by its name in `out/policy/`. */
export function policyFiles(date: Date): ReadonlyMap<string, string> {
  return new Map([
    ['policy.schema.json', jsonText(policyJsonSchema())],
    ['settings.schema.json', jsonText(settingsJsonSchema())],
    ['policy.json.example', policyJsonExample()],
    ['windows/sg-session.admx', windowsText(admx())],
    ...admlLanguages.map((language) => [`windows/${language}/sg-session.adml`, windowsText(adml(language))] as const),
    ['macos/sg-session.mobileconfig', mobileconfig()],
    ['man/sg-session-policy.5', policyManualPage(date)],
  ])
}

/** What of it lies in the repository, by its path there; a test compares. `read` gives a page as it is. */
export function filesInRepository(read: (path: string) => string): ReadonlyMap<string, string> {
  const table = 'docs/configuration.md'
  return new Map([
    ['docs/policy.schema.json', jsonText(policyJsonSchema())],
    ['docs/settings.schema.json', jsonText(settingsJsonSchema())],
    ['docs/it/policy-reference.md', referencePage()],
    [table, withKeyTable(read(table))],
  ])
}

function jsonText(value: object): string {
  return `${JSON.stringify(value, undefined, 2)}\n`
}

/** With the line ends of that system. */
function windowsText(text: string): string {
  return text.replaceAll('\n', '\r\n')
}
