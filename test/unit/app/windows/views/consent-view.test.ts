import { describe, expect, test } from 'vitest'
import type { ProgramOrigin } from '../../../../../app/program-origin.ts'
import type { Fact } from '../../../../../app/windows/contract.ts'
import { consentView } from '../../../../../app/windows/views/consent-view.ts'
import { english, french, hostileNames, publishFile, pythonFile, question } from '../../situations.ts'
import { demandPossible } from './possible.ts'

const byPackage: ProgramOrigin = { kind: 'package', name: 'maya2025' }
const view = (asked = question(), language = english, origin: ProgramOrigin | undefined = byPackage) => {
  const made = consentView(asked, 'Studio Example', origin, language)
  demandPossible(made)
  return made
}
const read = (facts: readonly Fact[]): string[] => facts.map(({ label, value }) => `${label}: ${value}`)
const unknown = { identified: { kind: 'unknown', because: 'it is gone' }, claim: question().tool.claim } as const

describe('the question about a program', () => {
  test('shows what the system says of it, and apart from that what it says of itself', () => {
    const made = view()
    expect(made).toMatchObject({
      window: 'consent',
      id: 'question-1',
      headline: 'May “maya.bin” use your session of Studio Example?',
      claim: 'It calls itself “Maya 2025”. Any program can say that.',
    })
    expect(read(made.facts)).toEqual([
      'Program: /usr/autodesk/maya2025/bin/maya.bin',
      'Installed by: IT, with the package maya2025',
      'Started by: tk-desktop ← gnome-shell',
      'Process: 4711',
      'Wants: To read and change studio-example.shotgrid.example in your name',
    ])
    expect(made.facts[2]?.whole).toBe('/opt/tk-desktop/tk-desktop (4200)\n/usr/bin/gnome-shell (812)')
  })

  test('names an interpreter first, and its script as its command line’s word', () => {
    const made = view(question({ executable: pythonFile, script: publishFile }))
    expect(made.headline).toBe('May “python3.11” use your session of Studio Example?')
    expect(made.facts.slice(0, 2)).toEqual([
      { label: 'Program', value: pythonFile },
      { label: 'Script', value: publishFile, note: 'As its command line says.' },
    ])
  })

  test.for([
    [undefined, 'One moment…'],
    [{ kind: 'root' }, 'IT: only an administrator can change it'],
    [{ kind: 'anybody' }, 'Not known: it can be changed without an administrator'],
  ] as const)('says who installed it, as far as that is known: %j', ([origin, words]) => {
    expect(read(consentView(question(), '', origin, english).facts)).toContain(`Installed by: ${words}`)
  })

  test('for an Autodesk token says so', () => {
    const made = view(question({}, { scope: 'autodesk' }))
    expect(made.headline).toBe('May “maya.bin” act as you at Autodesk?')
    expect(read(made.facts).at(-1)).toBe('Wants: Your Autodesk token, for more than ShotGrid')
  })

  test('has three answers; none has an advantage but the one that ends with the program', () => {
    expect(view().actions.map(({ label, kind, args }) => [label, kind, args])).toEqual([
      ['Do not allow', 'plain', { id: 'question-1', answer: 'deny' }],
      ['Allow this time', 'primary', { id: 'question-1', answer: 'once' }],
      ['Always allow', 'plain', { id: 'question-1', answer: 'always' }],
    ])
  })

  test('leaves out what there is not, and says that nobody can name it', () => {
    expect(read(view(question({ parents: [] })).facts).join()).not.toContain('Started by')
    const made = view(question({}, { tool: unknown }))
    expect(read(made.facts)).toEqual([
      'Program: A program that nobody can name',
      'Wants: To read and change studio-example.shotgrid.example in your name',
    ])
  })

  test('speaks French', () => {
    const made = view(question(), french)
    expect([made.title, made.headline, made.claim]).toEqual([
      'Autoriser un programme\u202f?',
      '«\u00a0maya.bin\u00a0» peut-il utiliser votre session de Studio Example\u202f?',
      'Il dit s’appeler «\u00a0Maya 2025\u00a0». Tout programme peut le dire.',
    ])
    expect(made.actions.map(({ label }) => label)).toEqual([
      'Ne pas autoriser',
      'Autoriser cette fois',
      'Toujours autoriser',
    ])
  })
})

describe('no trick of a program hides what decides', () => {
  test('a long path keeps its beginning and its end, and is whole in the tooltip', () => {
    const folder = `/home/artist/${'usr-bin-maya/'.repeat(60)}`
    const { facts, headline } = view(question({ executable: `${folder}evil.bin` }))
    const [program] = facts
    expect(program?.value).toMatch(/^\/home\/artist\/.* … .*\/evil\.bin$/)
    expect(program?.value.length).toBeLessThanOrEqual(110)
    expect(program?.whole).toBe(`${folder}evil.bin`)
    expect(headline).toContain('“evil.bin”')
  })

  test('a long file name keeps its end too', () => {
    const name = `maya.bin${' '.repeat(300)}.sh`
    const { facts, headline } = view(question({ executable: `/tmp/${name}` }))
    expect(facts[0]?.value.endsWith('.sh')).toBe(true)
    expect(headline).toMatch(/^May “maya\.bin\u2423+ … \u2423+\.sh” use/)
  })

  test.for([
    ['text turned round', '/tmp/\u202enib.ayam', '/tmp/\ufffdnib.ayam'],
    ['a line break', '/tmp/x\n/usr/bin/maya', '/tmp/x\ufffd/usr/bin/maya'],
    ['a line separator', '/tmp/x\u2028maya', '/tmp/x\ufffdmaya'],
    ['letters of no width', '/tmp/ma\u200bya\u3164', '/tmp/ma\ufffdya\ufffd'],
    ['wide and many spaces', '/tmp/x\u2003  y z', '/tmp/x\u2423\u2423\u2423y z'],
    ['half a pair', '/tmp/\ud800x', '/tmp/\ufffdx'],
  ])('%s in a path is shown as a mark', ([, executable = '', shown]) => {
    const { facts } = view(question({ executable, script: executable }))
    expect(facts.slice(0, 2).map(({ value }) => value)).toEqual([shown, shown])
  })

  test('many processes and many parents stay one line', () => {
    const parents = Array.from({ length: 8 }, (_, pid) => ({ pid, executable: `/bin/sh${pid}`, startMark: '' }))
    const made = view(question({ parents, pids: Array.from({ length: 90 }, (_, index) => index) }))
    expect(read(made.facts)).toContain('Started by: sh0 ← sh1 ← sh2 ← sh3 ← …')
    expect(read(made.facts)).toContain('Process: 0, 1, 2, 3, 4, 5, …')
  })

  test.for(hostileNames)('a program that calls itself %j gains no fact, no answer and no headline', (name) => {
    const { identified, claim } = question().tool
    const made = view(question({}, { tool: { identified, claim: { ...claim, name } } }))
    expect(made.claim).toBe(`It calls itself “${name}”. Any program can say that.`)
    expect({ ...made, claim: '' }).toEqual({ ...view(), claim: '' })
  })
})
