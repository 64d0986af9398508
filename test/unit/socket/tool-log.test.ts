import { beforeEach, describe, expect, test } from 'vitest'
import { ToolLog, type ToolRefusal, type ToolUse, toolFromClaim } from '../../../src/socket/tool-log.ts'

const site = 'https://studio.example'
const maya = { name: 'maya', version: '2026.1', pid: 4711 }
const minute = 60_000
const hour = 60 * minute

let now: number
let tools: ToolLog
beforeEach(() => {
  now = new Date(2026, 10, 20, 9, 0).getTime()
  tools = new ToolLog({ now: () => now }, { debug() {}, info() {}, warn() {}, error() {} })
})

describe('the tools of today', () => {
  test('are counted each by itself, newest first', () => {
    const startedAt = now
    tools.noteUse(maya, site)
    now += minute
    tools.noteUse({ ...maya, executable: '/opt/maya.bin' }, site)
    now += minute
    tools.noteUse({ name: 'nuke', version: '16', pid: 1 }, site)
    now += minute
    tools.noteUse({ ...maya, pid: 4712 }, site)
    tools.noteUse(maya, 'https://other.example')
    expect(tools.today()).toEqual([
      { ...maya, site: 'https://other.example', firstAt: now, lastAt: now, count: 1 },
      { ...maya, pid: 4712, site, firstAt: startedAt, lastAt: now, count: 2 },
      { name: 'nuke', version: '16', pid: 1, site, firstAt: now - minute, lastAt: now - minute, count: 1 },
      { ...maya, executable: '/opt/maya.bin', site, firstAt: now - 2 * minute, lastAt: now - 2 * minute, count: 1 },
    ])
  })

  test('are forgotten at local midnight', () => {
    tools.noteUse(maya, site)
    now = new Date(2026, 10, 20, 23, 59, 59, 999).getTime()
    expect(tools.today()).toHaveLength(1)
    now += 1
    expect(tools.today()).toEqual([])
    tools.noteUse(maya, site)
    expect(tools.today()).toMatchObject([{ firstAt: now, count: 1 }])
    // Somebody sets the clock back a day: nothing of tomorrow is of today.
    now -= 24 * hour
    expect(tools.today()).toEqual([])
  })

  test('are two hundred at most; the one longest unused goes', () => {
    const named = (number: number) => ({ ...maya, executable: `/opt/maya-${number}` })
    for (let number = 0; number < 200; number += 1) tools.noteUse(named(number), site)
    tools.noteUse(named(0), site)
    tools.noteUse(named(1000), site)
    const names = tools.today().map(({ executable }) => executable)
    expect(names).toHaveLength(200)
    expect(names.slice(0, 2)).toEqual(['/opt/maya-1000', '/opt/maya-0'])
    expect(names).not.toContain('/opt/maya-1')
  })

  test('a program that is started again and again pushes nobody out', () => {
    tools.noteUse(maya, site)
    for (let pid = 0; pid < 300; pid += 1) tools.noteUse({ name: 'publish', version: '1', pid }, site)
    expect(tools.today().map(({ name, count }) => [name, count])).toEqual([
      ['publish', 300],
      ['maya', 1],
    ])
  })

  test('and those that were refused are counted too, with the last reason, until midnight', () => {
    tools.noteRefusal(maya, site, 'login_required')
    tools.noteRefusal({ ...maya, pid: 4712 }, site, 'consent_denied')
    expect(tools.refusedToday()).toEqual([{ ...maya, pid: 4712, site, code: 'consent_denied', lastAt: now, count: 2 }])
    expect(tools.today()).toEqual([])
    now += 24 * hour
    expect(tools.refusedToday()).toEqual([])
  })

  test('and those that were refused are told of as it happens', () => {
    const uses: ToolUse[] = []
    const refusals: ToolRefusal[] = []
    tools.uses.listen(() => {
      throw new Error('a listener’s own trouble')
    })
    tools.uses.listen((use) => uses.push(use))
    const stop = tools.refusals.listen((refusal) => refusals.push(refusal))
    tools.noteUse(maya, site)
    tools.noteUse(maya, site)
    tools.noteRefusal(maya, site, 'login_required')
    tools.noteRefusal(maya, undefined, 'site_unknown')
    stop()
    tools.noteRefusal(maya, site, 'login_required')
    expect(uses.map(({ count }) => count)).toEqual([1, 2])
    expect(refusals).toEqual([
      { ...maya, site, code: 'login_required' },
      { ...maya, code: 'site_unknown' },
    ])
    expect(tools.today()).toHaveLength(1)
  })
})

describe('what a tool says of itself', () => {
  test.each([
    ['maya', 'maya'],
    ['  Maya \t 2026 ', 'Maya 2026'],
    ['Blender 日本語 ✓', 'Blender 日本語 ✓'],
    ['evil\u202egnp.exe', 'evilgnp.exe'],
    ['two\u2066\u2069\u200f\u061clines\u2028of\u2029text', 'twolines of text'],
    ['zero\u200b\u200d\u2060width\u00ad', 'zerowidth'],
    ['\u3164\uffa0hidden\u{e0041}', 'hidden'],
    ['bell\u0007\u001b[31mred\u009b', 'bell[31mred'],
    ['half\ud800pair', 'halfpair'],
    ['', 'unnamed'],
    ['\u202e\u0000', 'unnamed'],
  ])('%j is shown as %j', (claimed, name) => expect(toolFromClaim({ ...maya, name: claimed }).name).toBe(name))

  test('is cut, without cutting a letter in two', () => {
    const { name, version } = toolFromClaim({ name: '🎬'.repeat(100), version: '9'.repeat(50), pid: 1 })
    expect(name).toBe(`${'🎬'.repeat(59)}…`)
    expect(version).toBe(`${'9'.repeat(29)}…`)
    expect(toolFromClaim({ ...maya, name: 'x'.repeat(60) }).name).toBe('x'.repeat(60))
  })

  test('is only what is known of tools', () => {
    expect(toolFromClaim({ ...maya, icon: 'x' } as typeof maya)).toEqual(maya)
  })
})
