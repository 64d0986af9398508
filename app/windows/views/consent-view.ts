import type { ConsentQuestion } from '../../../src/agent.ts'
import type { ProgramOrigin } from '../../program-origin.ts'
import type { Language } from '../../strings/catalogue.ts'
import type { ConsentView, Fact } from '../contract.ts'
import { act } from './action.ts'
import { shownFileName, shownPath } from './shown-program.ts'

/** Of those who started it; the rest is told by the tooltip. */
const mostParents = 4
const mostProcesses = 6

/**
 * May this program use the session? First what the system says of it, then what its command line says, and small, at the
 * end, what it says of itself.
 */
export function consentView(
  { id, site, scope, tool }: ConsentQuestion,
  siteName: string,
  origin: ProgramOrigin | undefined,
  { tag, strings }: Language,
): ConsentView {
  const { consent } = strings
  const { identified, claim } = tool
  const peer = identified.kind === 'known' ? identified.peer : undefined
  const name = peer === undefined ? strings.program.unknown : shownFileName(peer.executable)
  const answer = (label: string, kind: 'plain' | 'primary', what: string) =>
    act(label, kind, 'answerConsent', { id, answer: what })
  return {
    window: 'consent',
    language: tag,
    title: consent.title,
    id,
    headline: scope === 'autodesk' ? consent.headlineAutodesk(name) : consent.headline(name, siteName),
    facts: [
      peer ? { label: consent.program, ...shownPath(peer.executable) } : { label: consent.program, value: name },
      ...(peer?.script === undefined
        ? []
        : [{ label: consent.script, ...shownPath(peer.script), note: consent.scriptNote }]),
      ...(peer ? [{ label: consent.installedBy, value: installedBy(origin, strings.consent) }] : []),
      ...(peer && peer.parents.length > 0 ? [startedBy(consent.startedBy, peer.parents)] : []),
      ...(peer ? [{ label: consent.process, value: processNumbers(peer.pids) }] : []),
      { label: consent.wants, value: wish(scope, site, strings.consent) },
    ],
    claim: consent.claims(claim.name),
    hint: consent.hint,
    actions: [
      answer(consent.deny, 'plain', 'deny'),
      answer(consent.once, 'primary', 'once'),
      answer(consent.always, 'plain', 'always'),
    ],
  }
}

function installedBy(origin: ProgramOrigin | undefined, { installed }: Language['strings']['consent']): string {
  switch (origin?.kind) {
    case undefined:
      return installed.looking
    case 'package':
      return installed.byPackage(origin.name)
    case 'root':
      return installed.byRoot
    case 'anybody':
      return installed.byAnybody
  }
}

function startedBy(label: string, parents: readonly { readonly executable: string; readonly pid: number }[]): Fact {
  const names = parents.slice(0, mostParents).map(({ executable }) => shownFileName(executable))
  if (parents.length > mostParents) names.push('…')
  const whole = parents.map(({ executable, pid }) => `${shownPath(executable).value} (${pid})`).join('\n')
  return { label, value: names.join(' ← '), whole }
}

function processNumbers(pids: readonly number[]): string {
  return [...pids.slice(0, mostProcesses), ...(pids.length > mostProcesses ? ['…'] : [])].join(', ')
}

function wish(
  scope: ConsentQuestion['scope'],
  site: string,
  { wantsSession, wantsAutodesk }: Language['strings']['consent'],
): string {
  return scope === 'autodesk' ? wantsAutodesk : wantsSession(URL.parse(site)?.host ?? site)
}
