import { globSync, readFileSync } from 'node:fs'

/** A fenced block of a page, with what the HTML comments above it say; readers do not see those. */
export interface Block {
  readonly page: string
  /** Of the fence, counted from 1. */
  readonly line: number
  /** The first word behind the fence; empty where there is none. */
  readonly language: string
  readonly text: string
  /** `<!-- not run: REASON -->`: why a block cannot be run here. */
  readonly notRun: string | undefined
  /** `<!-- when: STATE -->`: what the test brings about before it runs the block. */
  readonly when: string | undefined
  /** `<!-- judged as: KIND -->`: what a block of JSON is. */
  readonly judgedAs: string | undefined
}

/** The pages whose snippets people copy. What the references have are signatures, made of the code; a test of theirs compares. */
export const snippetPages = globSync(['README.md', 'CONTRIBUTING.md', 'docs/**/*.md'])
  .filter((page) => !page.startsWith('docs/reference/'))
  .sort()

/** Every fenced block of a page, in order. Throws where a fence is not closed, or a comment says what nobody knows. */
export function readBlocks(page: string, source: string = readFileSync(page, 'utf8')): Block[] {
  const blocks: Block[] = []
  const lines = source.split('\n')
  for (let index = 0; index < lines.length; index += 1) {
    const [, indent = '', fence = '', information = ''] = /^( *)(```+)(.*)$/.exec(lines[index] ?? '') ?? []
    if (fence === '') continue
    const end = lines.findIndex((text, at) => at > index && text.trimEnd() === indent + fence)
    if (end < 0) throw new Error(`${page}:${index + 1}: the block has no end`)
    const text = lines.slice(index + 1, end).map((one) => one.slice(indent.length))
    const [language = ''] = information.trim().split(' ')
    blocks.push({ page, line: index + 1, language, text: `${text.join('\n')}\n`, ...commentsAbove(page, lines, index) })
    index = end
  }
  return blocks
}

function commentsAbove(page: string, lines: readonly string[], fence: number) {
  const found: Record<string, string> = {}
  for (let at = fence - 1; at >= 0; at -= 1) {
    const [, name, value = ''] = /^ *<!-- (not run|when|judged as): (.+) -->$/.exec(lines[at] ?? '') ?? []
    if (name === undefined) {
      if (/^ *<!-- *(not ?run|when|run|judged)/.test(lines[at] ?? ''))
        throw new Error(`${page}:${at + 1}: "${lines[at]?.trim()}" is no comment that the test knows`)
      break
    }
    found[name] = value
  }
  return { notRun: found['not run'], when: found['when'], judgedAs: found['judged as'] }
}
