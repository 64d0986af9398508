import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { AgentError } from '../../errors.ts'
import type { ChainLink } from '../audit/chain.ts'
import { type ExportFormat, exportFormats, verifyFile, writeExport } from '../audit/export.ts'
import { type AuditPoint, lastRows, readAudit } from '../audit/read-audit.ts'
import { verifyDatabase } from '../audit/verify.ts'
import type { AuditRow } from '../database/tables.ts'
import { atWork, type ConfigOptions, withConfigOptions } from './config-options.ts'
import { formatTable } from './table.ts'

interface VerifyOptions {
  readonly config?: string
  readonly allowInsecureLoopback: boolean
  readonly expect?: ChainLink
  readonly file?: string
}

interface ExportOptions extends ConfigOptions {
  readonly since?: AuditPoint
  readonly until?: AuditPoint
  readonly site?: string
  readonly person?: string
  readonly format: ExportFormat
  readonly file?: string
}

const rowsListed = 20

/** `sg-broker audit verify`, `audit export` and `audit list`. */
export function addAuditCommands(program: Command): void {
  const audit = program.command('audit').description('who was given a session and who was not, and why')
  audit
    .command('verify')
    .description('walk the whole chain of the audit, or of an export, and print its head')
    .addOption(
      new Option('--config <file>', 'configuration file (JSON); not needed with --file').env('SG_BROKER_CONFIG'),
    )
    .option('--allow-insecure-loopback', 'accept http: addresses on this machine, for the sandbox', false)
    .option('--expect <sequence:hash>', 'a head that was noted elsewhere; the chain must contain it', readHead)
    .option('--file <export.jsonl>', 'verify an export instead of the database')
    .action(verify)
  withConfigOptions(audit.command('export'))
    .description('write rows of the audit as JSON lines or CSV')
    .option('--since <point>', 'from this row on: its sequence, or a time (ISO 8601)', readPoint)
    .option('--until <point>', 'up to this row: its sequence, or a time (ISO 8601)', readPoint)
    .option('--site <url>', 'of this site only')
    .option('--person <login or subject>', 'of this person only')
    .addOption(new Option('--format <format>', 'how to write them').choices(exportFormats).default('jsonl'))
    .option('--file <file>', 'a new file to write them to; without it, standard output')
    .action(exportRows)
  withConfigOptions(audit.command('list')).description(`show the last ${rowsListed} rows`).action(list)
}

async function verify({ config, allowInsecureLoopback, expect, file }: VerifyOptions): Promise<void> {
  const verification = {
    expected: expect,
    didCheck: (sequence: number) => void process.stderr.write(`${sequence} rows …\n`),
  }
  if (file !== undefined) {
    const { first, head } = await verifyFile(file, verification).catch(translateFileError(file))
    const whole = first === 1 ? 'is whole from row 1 on' : `follows from row ${first - 1}, which is not in it`
    process.stdout.write(`"${file}" ${whole}, up to row ${head.sequence}\n${textOf(head)}\n`)
    return
  }
  if (config === undefined) throw new AgentError('config_invalid', '"--config" or "--file" must say what to verify')
  await atWork({ config, allowInsecureLoopback }, async ({ database }) => {
    const head = await verifyDatabase(database, verification)
    process.stdout.write(`the audit is whole, up to row ${head.sequence}\n${textOf(head)}\n`)
  })
}

async function exportRows(options: ExportOptions): Promise<void> {
  const { format, file } = options
  await atWork(options, async ({ database }) => {
    const rows = readAudit(database, options)
    if (file === undefined) return writeExport(rows, format, process.stdout).catch(ignoreClosedPipe)
    // A new file only, and half an export is none.
    const out = createWriteStream(file, { flags: 'wx', mode: 0o600 })
    let isOurs = false
    out.once('open', () => {
      isOurs = true
    })
    try {
      await writeExport(rows, format, out)
    } catch (error) {
      if (isOurs) await rm(file, { force: true })
      translateFileError(file)(error)
    }
  })
}

async function list(options: ConfigOptions): Promise<void> {
  await atWork(options, async ({ database }) => {
    const rows = await lastRows(database, rowsListed)
    process.stdout.write(formatTable(['row', 'time', 'event', 'who', 'site', 'outcome', 'detail'], rows.map(cellsOf)))
  })
}

function cellsOf({ sequence, at, event, actor, login, site, outcome, detail }: AuditRow): string[] {
  return [String(sequence), new Date(at).toISOString(), event, login ?? actor, site ?? '', outcome, detail]
}

function textOf({ sequence, hash }: ChainLink): string {
  return `${sequence}:${hash}`
}

function readHead(text: string): ChainLink {
  const [, sequence, hash] = /^([1-9]\d{0,14}):([0-9a-f]{64})$/.exec(text) ?? []
  if (sequence === undefined || hash === undefined) {
    throw new InvalidArgumentError('It must look as "audit verify" prints it: 123:0a1b…, with 64 hexadecimal digits.')
  }
  return { sequence: Number(sequence), hash }
}

function readPoint(text: string): AuditPoint {
  if (/^\d{1,15}$/.test(text)) return { sequence: Number(text) }
  const at = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(at))
    throw new InvalidArgumentError('It must be the sequence of a row, or a time such as 2026-11-22T08:00Z.')
  return { at }
}

function translateFileError(file: string): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof Error && 'syscall' in error)) throw error
    throw new AgentError('config_invalid', `"--file": ${file}: ${error.message}`, { cause: error })
  }
}

/** `… | head` has seen enough. */
function ignoreClosedPipe(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'EPIPE')) throw error
}
