import { type ArtistMay, type KeyWords, siteWords, toolRuleWords } from '../config/config-words.ts'
import { escapeRoff, roffText } from '../roff.ts'
import { policyJsonExample } from './example.ts'
import { policyKeys } from './policy-keys.ts'
import { typeOf } from './reference.ts'

const who: Readonly<Record<ArtistMay, string>> = {
  window: 'Artists may change it in the settings window.',
  'first-start': 'Artists are asked for it at the first start where nothing says it.',
  file: 'Artists may change it in their settings file.',
  never: 'Only a policy may set it.',
}

/** sg-session-policy(5), in mdoc(7). `date` is what the page says of its age, and decides nothing else. */
export function policyManualPage(date: Date): string {
  const day = date.toLocaleDateString('en-US', { year: 'numeric', month: 'long', day: 'numeric', timeZone: 'UTC' })
  return [
    `.Dd ${day}`,
    '.Dt SG-SESSION-POLICY 5',
    '.Os',
    '.Sh NAME',
    '.Nm sg-session-policy',
    '.Nd what IT decides for sg-session on a machine',
    '.Sh DESCRIPTION',
    'A policy is a JSON object with the members',
    '.Sy locked',
    'and',
    '.Sy defaults .',
    'Key by key, the first that says something wins:',
    '.Sy locked ,',
    'the settings of the user,',
    '.Sy defaults ,',
    'what is built in.',
    'A list is one value.',
    'An unknown key or a wrong value is an error: sg-session does not start.',
    'The member',
    '.Sy $schema',
    'is for editors and not read.',
    '.Pp',
    'The file counts only if root owns it and every folder above it,',
    'no one else may write to them, and none of them is a link.',
    '.Sh KEYS',
    '.Bl -tag -width Ds',
    ...policyKeys().flatMap(({ key, description, standard, artist, schema }) => [
      `.It Sy ${key}`,
      ...roffText(`Type: ${typeOf(schema).replaceAll('`', '')}.`),
      ...(standard === undefined ? [] : roffText(`Default: ${JSON.stringify(standard)}.`)),
      ...roffText(description),
      ...roffText(who[artist]),
    ]),
    '.El',
    '.Sh MEMBERS OF A SITE',
    ...memberList(siteWords),
    '.Sh MEMBERS OF A RULE ABOUT PROGRAMS',
    ...memberList(toolRuleWords),
    '.Sh FILES',
    '.Bl -tag -width Ds',
    '.It Pa /etc/sg-session/policy.json',
    'The policy.',
    '.It Pa ~/.config/sg-session/settings.json',
    'The settings of the user, which have the same keys without',
    '.Sy locked',
    'and',
    '.Sy defaults .',
    '.It Pa /opt/sg-session/share/policy.schema.json',
    'JSON Schema of the policy.',
    '.El',
    '.Sh EXAMPLES',
    '.Bd -literal',
    ...policyJsonExample().trimEnd().split('\n').map(escapeRoff),
    '.Ed',
    '.Pp',
    'What would count, before it is rolled out:',
    '.Pp',
    '.Dl sg-session policy check policy.json',
    '.Sh SEE ALSO',
    '.Xr sg-session 1',
    '',
  ].join('\n')
}

function memberList(words: Readonly<Record<string, KeyWords>>): string[] {
  const rows = Object.entries(words).flatMap(([member, { description }]) => [
    `.It Sy ${member}`,
    ...roffText(description),
  ])
  return ['.Bl -tag -width Ds', ...rows, '.El']
}
