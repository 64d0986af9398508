import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { referencePages } from '../../build/reference/write.ts'
import * as client from '../../src/client/node/agent-client.ts'

const read = (path: string): string => readFileSync(path, 'utf8')

test.each([...referencePages()])('%s is what `npm run reference` writes', (path, text) => {
  expect(read(path)).toBe(text)
})

describe('the Python reference', () => {
  const page = read('docs/reference/python.md')
  const ask = (code: string): string[] => {
    const env = { ...process.env, PYTHONPATH: join('src', 'client', 'python'), PYTHONDONTWRITEBYTECODE: '1' }
    return execFileSync('python3', ['-c', `import sg_session, sg_session.flow_auth\n${code}`], {
      encoding: 'utf8',
      env,
    })
      .trim()
      .split('\n')
  }

  test('has a heading for every name that the package makes public, and for every public method', () => {
    const names = ask(`
for module in (sg_session, sg_session.sgtk, sg_session.flow_auth):
    for name in module.__all__:
        thing = getattr(module, name)
        if name != "sgtk" and not name.startswith("__"):
            print(name)
        if isinstance(thing, type) and not issubclass(thing, Exception):
            for method in vars(thing):
                if callable(getattr(thing, method)) and not method.startswith("_"):
                    print("%s.%s" % (name, method))
`)
    expect(names.length).toBeGreaterThan(35)
    expect(names.filter((name) => !page.includes(`\n### ${name}\n`))).toEqual([])
  })

  test('names every field of what comes back, and every code under its error', () => {
    const rows = ask(`
for kind in (sg_session.Session, sg_session.RestToken, sg_session.AutodeskToken, sg_session.Change):
    for name in kind.__slots__:
        print("| \`%s\` | " % name)
from sg_session import _errors
for kind, codes in _errors._TYPES.items():
    for code in codes:
        print("\`%s\`" % code)
`)
    expect(rows.length).toBeGreaterThan(50)
    expect(rows.filter((row) => !page.includes(row))).toEqual([])
  })
})

test('the Node reference has a heading for every public member of AgentClient, and none for a private one', () => {
  const page = read('docs/reference/node.md')
  const members = Object.getOwnPropertyNames(client.AgentClient.prototype).filter((name) => name !== 'constructor')
  expect(members.length).toBeGreaterThan(15)
  expect(members.filter((name) => !page.includes(`\n### ${name}\n\n`))).toEqual([])
  expect(page).not.toContain('#timeoutMs')
})
