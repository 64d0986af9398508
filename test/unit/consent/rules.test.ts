import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { mergeConfig, type PartialConfig } from '../../../src/config/config.ts'
import { type FileFacts, isRuledIn, isRuledOut } from '../../../src/consent/rules.ts'
import type { CallingTool } from '../../../src/socket/gate.ts'
import type { Scope } from '../../../src/socket/scopes.ts'
import { programAt, unknownProgram } from './programs.ts'

type Rule = NonNullable<NonNullable<PartialConfig['tools']>['allow']>[number]

const site = 'https://studio.example'
const hash = 'AB'.repeat(32)
/** A disk on which root owns what lies in /usr, and one file has the hash. */
const files: FileFacts = {
  isRootOwned: async (file) => file.startsWith('/usr/'),
  sha256Of: async (file) => (file === '/home/a/tool' ? hash.toLowerCase() : undefined),
}
const maya = programAt('/usr/autodesk/maya2026/bin/maya.bin')
const tool = programAt('/home/a/tool')
const script = programAt('/usr/bin/python3.11', {
  script: '/home/a/publish.py',
  parents: [
    { pid: 3, executable: '/usr/bin/bash', startMark: '1' },
    { pid: 2, executable: '/opt/studio/launcher', startMark: '1' },
  ],
})

/** Through the configuration's own judgement, as rules come. */
function rules(list: 'allow' | 'deny', ...wanted: Rule[]): ReturnType<typeof mergeConfig>['config']['tools']['allow'] {
  const content = { tools: { [list]: wanted } }
  return mergeConfig([{ source: 'locked', file: 'policy.json', content }], { insecureLoopback: false }).config.tools[
    list
  ]
}

const allows = (rule: Rule, program: CallingTool, scope: Scope = 'session', at = site): Promise<boolean> =>
  isRuledIn(rules('allow', rule), program, { scope, site: at }, files)
const denies = (
  rule: Rule,
  program: CallingTool,
  scope: Scope = 'session',
  at: string | null = site,
): Promise<boolean> => isRuledOut(rules('deny', rule), program, { scope, site: at ?? undefined }, files)

describe('an allow rule', () => {
  test.each<[string, Rule, CallingTool, boolean]>([
    ['the program at that path', { executable: '/usr/autodesk/maya*/bin/*' }, maya, true],
    ['no other program', { executable: '/usr/autodesk/maya*/bin/*' }, tool, false],
    ['the script', { executable: '/usr/bin/python3*', script: '/home/*/publish.py' }, script, true],
    ['no other script', { executable: '/usr/bin/python3*', script: '/home/*/evil.py' }, script, false],
    ['no program without a script, if it names one', { script: '**' }, maya, false],
    ['what any of its parents started', { parent: '/opt/studio/**' }, script, true],
    ['nothing that has no such parent', { parent: '/opt/studio/**' }, maya, false],
    ['what only root can write', { owner: 'root' }, maya, true],
    ['nothing that others can write', { owner: 'root' }, tool, false],
    ['an interpreter of root’s, whatever it runs', { owner: 'root', executable: '/usr/bin/python*' }, script, true],
    ['no script of others where the rule names one', { owner: 'root', script: '/home/**' }, script, false],
    ['the file with that hash, in either case', { sha256: hash }, tool, true],
    ['no file with another', { sha256: '00'.repeat(32) }, tool, false],
    ['no file that cannot be read', { sha256: hash }, maya, false],
    ['nothing if one member does not fit', { executable: '/home/a/*', owner: 'root' }, tool, false],
    ['only what calls itself so, of those that fit', { executable: '/home/a/*', client: 'maya*' }, tool, true],
    ['nothing that calls itself otherwise', { executable: '/home/a/*', client: 'nuke*' }, tool, false],
    ['no program that nobody can name', { executable: '**' }, unknownProgram(), false],
  ])('lets through %s', async (_name, rule, program, expected) => {
    expect(await allows(rule, program)).toBe(expected)
  })

  test('is for its sites only', async () => {
    expect(await allows({ executable: '**', sites: [site] }, maya)).toBe(true)
    expect(await allows({ executable: '**', sites: ['https://other.example'] }, maya)).toBe(false)
  })

  test.each<[Rule['scope'], Scope[]]>([
    [undefined, ['status', 'session', 'rest']],
    ['session', ['status', 'session']],
    ['autodesk', ['status', 'session', 'rest', 'autodesk']],
  ])('with scope %s gives %j', async (scope, given) => {
    const rule: Rule = { executable: '**', ...(scope === undefined ? {} : { scope }) }
    for (const wanted of ['status', 'session', 'rest', 'autodesk'] as const)
      expect(await allows(rule, maya, wanted), wanted).toBe(given.includes(wanted))
  })
})

describe('a deny rule', () => {
  test('refuses everything, or from its scope on', async () => {
    for (const wanted of ['status', 'session', 'rest', 'autodesk'] as const) {
      expect(await denies({ executable: '/home/**' }, tool, wanted)).toBe(true)
      expect(await denies({ executable: '/home/**', scope: 'rest' }, tool, wanted)).toBe(
        wanted === 'rest' || wanted === 'autodesk',
      )
    }
  })

  test('about a site says nothing about what has no site', async () => {
    expect(await denies({ executable: '**', sites: [site] }, maya, 'status', null)).toBe(false)
    expect(
      await isRuledOut(rules('deny', { executable: '**' }), maya, { scope: 'status', site: undefined }, files),
    ).toBe(true)
  })

  test('may go by the name alone: a hint is enough for refusing', async () => {
    expect(await denies({ client: 'old-*' }, programAt('/x', { client: 'old-tool' }))).toBe(true)
    expect(await denies({ client: 'old-*' }, unknownProgram('old-tool'))).toBe(true)
    expect(await denies({ client: 'old-*' }, unknownProgram('new-tool'))).toBe(false)
  })

  test('that depends on the program does not fit one that nobody can name', async () => {
    expect(await denies({ executable: '**' }, unknownProgram())).toBe(false)
  })
})

describe('the policy that docs/tools.md shows', () => {
  const page = readFileSync('docs/tools.md', 'utf8')
  const policy = JSON.parse(/```json\n([\s\S]*?)```/.exec(page)?.[1] ?? '') as { locked: unknown }
  const document = { source: 'locked', file: 'policy.json', content: policy.locked } as const
  const { tools } = mergeConfig([document], { insecureLoopback: false }).config
  const studio: FileFacts = { isRootOwned: async (file) => !file.startsWith('/home/'), sha256Of: async () => undefined }

  test.each([
    ['/usr/autodesk/maya2026/bin/maya.bin', undefined, true],
    ['/usr/local/Nuke15.1v3/Nuke15.1', undefined, true],
    ['/opt/hfs20.5.445/bin/houdini-bin', undefined, true],
    ['/opt/blender-4.2/blender', undefined, true],
    ['/usr/bin/python3.11', '/opt/pipeline/publish/run.py', true],
    ['/usr/bin/python3.11', '/home/a/run.py', false],
    ['/usr/bin/python3.11', undefined, false],
    ['/usr/bin/curl', undefined, false],
  ])('lets %s %s pass: %s', async (executable, script, expected) => {
    const program = programAt(executable, script === undefined ? {} : { script })
    expect(await isRuledIn(tools.allow, program, { scope: 'rest', site }, studio)).toBe(expected)
    expect(await isRuledOut(tools.deny, program, { scope: 'rest', site }, studio)).toBe(false)
  })

  test('refuses what lies at home', async () => {
    expect(await isRuledOut(tools.deny, tool, { scope: 'status', site }, studio)).toBe(true)
  })
})

describe('what the configuration takes for a rule', () => {
  test.each<[string, Rule, RegExp]>([
    ['no allow rule of a name alone', { client: 'maya' }, /"tools\.allow\.0": must name a program/],
    ['no allow rule about everything', {}, /"tools\.allow\.0": must name a program/],
    ['no allow rule of a site alone', { sites: [site] }, /"tools\.allow\.0": must name a program/],
    ['no bare name', { executable: 'maya.bin' }, /"tools\.allow\.0\.executable": must be a whole path/],
    ['no bare parent', { parent: './x' }, /"tools\.allow\.0\.parent": must be a whole path/],
    ['no hash of another kind', { sha256: 'abc' }, /"tools\.allow\.0\.sha256"/],
  ])('%s', (_name, rule, message) => {
    expect(() => rules('allow', rule)).toThrow(message)
  })

  test('deny rules may be about everything', () => {
    expect(rules('deny', {}, { client: 'x' })).toHaveLength(2)
  })
})
