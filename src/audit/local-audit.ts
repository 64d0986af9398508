import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Config } from '../config/config.ts'
import { AgentError } from '../errors.ts'
import { Feed } from '../feed.ts'
import type { Clock, Log } from '../ports.ts'
import { type AuditEntry, ownEntry } from './audit-entry.ts'
import { AuditFile } from './audit-file.ts'
import { writeLine } from './audit-line.ts'
import { type Logger, SystemLog, systemLogger } from './system-log.ts'

export interface LocalAuditSettings {
  readonly audit: Config['audit']
  /** Absent: where the configuration names no file either, none is written. */
  readonly stateFolder?: string | undefined
  readonly clock: Pick<Clock, 'now'>
  readonly log: Log
  /** Another than the system's own. */
  readonly logger?: Logger | undefined
}

/** Where the audit is written: the file of the configuration, else one among the state files. */
export function auditFileOf(audit: Config['audit'], stateFolder: string): string {
  if (audit.file === undefined) return join(stateFolder, 'audit.jsonl')
  return audit.file.startsWith('~/') ? join(homedir(), audit.file.slice(2)) : audit.file
}

/** The audit of this machine: a file, and the system's log where the configuration says so. Keeps nobody waiting, fails nobody. */
export class LocalAudit {
  /** Hears of each change of `problem`. */
  readonly problems: Feed<[AgentError | undefined]>
  readonly #file: AuditFile | undefined
  readonly #systemLog: SystemLog | undefined
  readonly #log: Log
  readonly #wrong = new Map<'file' | 'system log', AgentError>()

  constructor({ audit, stateFolder, clock, log, logger = systemLogger() }: LocalAuditSettings) {
    this.#log = log
    this.problems = new Feed((error) => log.error({ err: error }, 'a listener failed'))
    const lostLine = (count: number): string =>
      writeLine(ownEntry({ at: clock.now(), method: 'audit', outcome: 'lost', count }))
    if (audit.file !== undefined || stateFolder !== undefined) {
      const onProblem = (problem: AgentError | undefined): void => this.#say('file', problem)
      const { retentionDays } = audit
      const file = auditFileOf(audit, stateFolder ?? '')
      this.#file = new AuditFile({ file, retentionDays, now: () => clock.now(), onProblem }, lostLine)
    }
    if (!audit.systemLog) return
    const onProblem = (problem: AgentError | undefined): void => this.#say('system log', problem)
    if (logger) this.#systemLog = new SystemLog({ logger, onProblem }, lostLine)
    else onProblem(noSystemLog())
  }

  /** What keeps the audit from being written now; undefined when nothing does. */
  get problem(): AgentError | undefined {
    return this.#wrong.get('file') ?? this.#wrong.get('system log')
  }

  /** Finds out early whether the file can be written. Never rejects. */
  async open(): Promise<void> {
    await this.#file?.open()
  }

  write(entry: AuditEntry): void {
    const line = writeLine(entry)
    this.#file?.write(line)
    this.#systemLog?.write(line)
  }

  /** Writes what waits; bounded in time. */
  async close(): Promise<void> {
    await Promise.all([this.#file?.close(), this.#systemLog?.close()])
  }

  #say(where: 'file' | 'system log', problem: AgentError | undefined): void {
    if (problem) {
      this.#wrong.set(where, problem)
      this.#log.error({ err: problem }, 'the audit is not written')
    } else {
      this.#wrong.delete(where)
      this.#log.info({ where }, 'the audit is written again')
    }
    this.problems.announce(this.problem)
  }
}

function noSystemLog(): AgentError {
  return new AgentError('temporarily_unavailable', 'this system has no log that the audit could be handed to', {
    advice: 'It is in its file all the same. Switch "audit.systemLog" off here.',
  })
}
