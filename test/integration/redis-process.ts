import { execFileSync } from 'node:child_process'
import { freePorts } from '../sandbox/free-ports.ts'
import { type Running, startProcess, untilSaid } from '../sandbox/processes.ts'

export function hasRedis(): boolean {
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** A Redis of our own, in memory. */
export class RedisProcess {
  readonly port: number
  readonly #password: string | undefined
  #running: Running | undefined

  private constructor(port: number, password: string | undefined) {
    this.port = port
    this.#password = password
  }

  static async start(password?: string): Promise<RedisProcess> {
    const [port = 0] = await freePorts(1)
    const redis = new RedisProcess(port, password)
    await redis.start()
    return redis
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`
  }

  async start(): Promise<void> {
    const settings = ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
    const secret = this.#password === undefined ? [] : ['--requirepass', this.#password]
    this.#running = startProcess('redis-server', [...settings, ...secret], { PATH: process.env['PATH'] ?? '' })
    await untilSaid(this.#running, 'Ready to accept connections', 10_000)
  }

  signal(name: NodeJS.Signals): void {
    if (this.#running) process.kill(this.#running.pid, name)
  }

  async stop(): Promise<void> {
    await this.#running?.stop('SIGKILL')
  }
}
