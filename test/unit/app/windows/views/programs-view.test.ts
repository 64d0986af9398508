import { describe, expect, test } from 'vitest'
import type { Situation } from '../../../../../app/situation.ts'
import { programsView } from '../../../../../app/windows/views/programs-view.ts'
import {
  allowed,
  at,
  english,
  french,
  hostileNames,
  publishFile,
  pythonFile,
  situation,
  studio,
} from '../../situations.ts'
import { demandPossible } from './possible.ts'

const view = (change: Partial<Situation>, language = english) => {
  const made = programsView(situation(change), language)
  demandPossible(made)
  return made
}
const plain = (text: string): string => text.replace(/[\u00a0\u202f]/g, ' ')
const facts = (change: Partial<Situation>, language = english): string[] =>
  (view(change, language).rows[0]?.facts ?? []).map(({ label, value }) => plain(`${label}: ${value}`))

describe('the programs that may', () => {
  test('are listed with where they lie, for what, since when, and how to take it back', () => {
    const tool = allowed({ executable: pythonFile, script: publishFile, allowedAt: at(-48), lastUsedAt: at(-24) })
    expect(facts({ programs: [tool] })).toEqual([
      'Program: /usr/bin/python3.11',
      'Script: /tools/publish.py',
      'ShotGrid site: Studio Example',
      'Allowed: since May 10, 2026',
      'Last used: May 11, 2026',
    ])
    expect(view({ programs: [tool] }).rows[0]).toMatchObject({
      name: 'python3.11 running publish.py',
      action: { label: 'Revoke', kind: 'danger', call: 'revokeTool', args: { id: 'allowed-1' } },
    })
  })

  test('for a while only, or for more, say so', () => {
    expect(facts({ programs: [allowed({ pid: 4711 })] })).toContain('Allowed: since 9:00 AM, until process 4711 ends')
    expect(facts({ programs: [allowed({ scope: 'autodesk' })] })).toContain(
      'ShotGrid site: Studio Example, and your Autodesk token',
    )
    expect(facts({ programs: [allowed({ site: 'https://gone.example' })] })).toContain('ShotGrid site: gone.example')
  })

  test.for([
    ['prompt', 'You are asked once', 'You have allowed none yet. When'],
    ['allow-list', 'Your studio decides', 'You have allowed none yourself.'],
    ['allow-all', 'Every program that you start', 'You have allowed none yourself.'],
  ] as const)('where there are none, with %s, it is said in words', ([consent, text, none]) => {
    const made = view({ consent })
    expect([made.text, made.none, made.rows.length]).toEqual([
      expect.stringContaining(text),
      expect.stringContaining(none),
      0,
    ])
  })

  test('that were refused a moment ago can be asked about again', () => {
    const refused = {
      executable: pythonFile,
      script: publishFile,
      site: studio,
      scope: 'rest',
      until: at(10, 8),
    } as const
    const { rows, heading } = view({ refusedPrograms: [refused] }).refused
    expect(heading).toBe('Not asked about for now')
    expect(rows.map(({ name, facts: known }) => [name, plain(known.at(-1)?.value ?? '')])).toEqual([
      ['python3.11 running publish.py', 'until 10:08 AM'],
    ])
    expect(rows[0]?.action).toMatchObject({
      label: 'Ask me again',
      call: 'askAgain',
      args: { executable: pythonFile, script: publishFile, site: studio },
    })
    const { script: _, ...without } = refused
    expect(view({ refusedPrograms: [without] }).refused.rows[0]?.action.args['script']).toBe('')
  })

  test('in French the same', () => {
    expect(facts({ programs: [allowed({ allowedAt: at(-48) })] }, french)).toEqual([
      'Programme: /usr/autodesk/maya2025/bin/maya.bin',
      'Site ShotGrid: Studio Example',
      'Autorisé: depuis 10 mai 2026',
    ])
    expect(view({ programs: [allowed()] }, french).rows[0]?.action.label).toBe('Révoquer')
  })

  test.for(hostileNames)('a file named %j is only a name', (name) => {
    const [row] = view({ programs: [allowed({ executable: `/tmp/${name}` })] }).rows
    const [ordinary] = view({ programs: [allowed()] }).rows
    expect(row?.action).toEqual(ordinary?.action)
    expect(row?.name.length).toBeLessThanOrEqual(60)
    expect(`${row?.name} ${row?.facts[0]?.value}`).not.toMatch(/[\p{Cc}\p{Cf}]/u)
  })
})
