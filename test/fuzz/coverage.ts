import { registerHooks, stripTypeScriptTypes } from 'node:module'
import { fileURLToPath } from 'node:url'
import { parseAst } from 'vite'

/** More branches than any target reaches. */
const mostPoints = 32_768
const isOurs = /^file:.*\/(src|app)\/.*\.ts$/
/** Parsers of others that read what comes from outside. */
const isForeignParser = /\/node_modules\/(csv-parse|@fastify\/busboy|fast-querystring)\//

/** How often each branch of the instrumented modules was taken since `clear`. */
export class Coverage {
  readonly #counts = new Uint8ClampedArray(mostPoints)
  readonly #seen = new Uint8Array(mostPoints)
  readonly #words = new Set<string>()
  #points = 0

  /** From now on every module of ours, and every parser we rely on, counts its branches as it is loaded. */
  start(): void {
    Object.assign(globalThis, { fuzzCounts: this.#counts })
    registerHooks({
      load: (url, context, nextLoad) => {
        const loaded = nextLoad(url, context)
        if (loaded.source === undefined || loaded.source === null) return loaded
        if (isOurs.test(url)) {
          const source = stripTypeScriptTypes(textOf(loaded.source))
          return { ...loaded, format: 'module', source: this.#instrument(source, url) }
        }
        if (!isForeignParser.test(url) || (loaded.format !== 'module' && loaded.format !== 'commonjs')) return loaded
        return { ...loaded, source: this.#instrument(textOf(loaded.source), url) }
      },
    })
  }

  clear(): void {
    this.#counts.fill(0, 0, this.#points)
  }

  /** Branches there are. */
  get points(): number {
    return this.#points
  }

  /** Branches that were taken at least once. */
  get taken(): number {
    return this.#seen.subarray(0, this.#points).filter((seen) => seen !== 0).length
  }

  /** Texts that stand in the modules: what a parser compares with is worth putting into an input. */
  get words(): readonly string[] {
    return [...this.#words].sort()
  }

  /** Whether the last run took a branch for the first time, or a number of times (1, 2, 4, … 128) that is new for it. */
  isNew(): boolean {
    let isNew = false
    for (let point = 0; point < this.#points; point += 1) {
      const count = this.#counts[point] ?? 0
      if (count === 0) continue
      const bit = 1 << (31 - Math.clz32(count))
      if (((this.#seen[point] ?? 0) & bit) !== 0) continue
      this.#seen[point] = (this.#seen[point] ?? 0) | bit
      isNew = true
    }
    return isNew
  }

  /** The branches of the last run. */
  branches(): number[] {
    const taken: number[] = []
    for (let point = 0; point < this.#points; point += 1) if (this.#counts[point]) taken.push(point)
    return taken
  }

  #instrument(code: string, url: string): string {
    const edits: { at: number; text: string; order: number }[] = []
    const count = (): string => {
      if (this.#points >= mostPoints) throw new Error(`${fileURLToPath(url)}: more than ${mostPoints} branches`)
      this.#points += 1
      return `fuzzCounts[${this.#points - 1}]++`
    }
    const insert = (at: number, text: string, isEnd = false): void => {
      // Where several end at one place the inner one ends first.
      edits.push({ at, text, order: isEnd ? -edits.length : edits.length })
    }
    const mark = (node: Node, kind: 'expression' | 'statement'): void => {
      if (kind === 'statement' && node.type === 'BlockStatement') return insert(node.start + 1, `${count()};`)
      insert(node.start, kind === 'statement' ? `{${count()};` : `(${count()},`)
      insert(node.end, kind === 'statement' ? '}' : ')', true)
    }
    const visit = (value: unknown): void => {
      if (Array.isArray(value)) for (const one of value) visit(one)
      if (!isNode(value)) return
      for (const [name, kind] of branchesOf[value.type] ?? []) {
        const branch = value[name]
        if (isNode(branch)) mark(branch, kind === 'either' ? kindOfBody(branch) : kind)
      }
      if (value.type === 'SwitchCase' && Array.isArray(value['consequent'])) {
        const [first] = value['consequent'] as unknown[]
        if (isNode(first)) insert(first.start, `${count()};`)
      }
      const literal = value['value']
      if (value.type === 'Literal' && typeof literal === 'string' && literal.length > 1 && literal.length < 65) {
        this.#words.add(literal)
      }
      if (value.type === 'ImportDeclaration') return
      for (const child of Object.values(value)) if (typeof child === 'object') visit(child)
    }
    visit(parseAst(code))
    edits.sort((a, b) => a.at - b.at || a.order - b.order)
    let written = ''
    let from = 0
    for (const { at, text } of edits) {
      written += code.slice(from, at) + text
      from = at
    }
    return written + code.slice(from)
  }
}

interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [name: string]: unknown
}

type Kind = 'expression' | 'statement' | 'either'

const branchesOf: Readonly<Record<string, readonly (readonly [string, Kind])[]>> = {
  FunctionDeclaration: [['body', 'statement']],
  FunctionExpression: [['body', 'statement']],
  ArrowFunctionExpression: [['body', 'either']],
  IfStatement: [
    ['consequent', 'statement'],
    ['alternate', 'statement'],
  ],
  ConditionalExpression: [
    ['consequent', 'expression'],
    ['alternate', 'expression'],
  ],
  LogicalExpression: [['right', 'expression']],
  ForStatement: [['body', 'statement']],
  ForOfStatement: [['body', 'statement']],
  ForInStatement: [['body', 'statement']],
  WhileStatement: [['body', 'statement']],
  DoWhileStatement: [['body', 'statement']],
  CatchClause: [['body', 'statement']],
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && 'start' in value
}

function kindOfBody({ type }: Node): 'expression' | 'statement' {
  return type === 'BlockStatement' ? 'statement' : 'expression'
}

function textOf(source: string | ArrayBuffer | NodeJS.TypedArray): string {
  return typeof source === 'string' ? source : Buffer.from(source as Uint8Array).toString('utf8')
}
