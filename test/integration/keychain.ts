import type { SecretStore } from '../../src/ports.ts'
import { Secret } from '../../src/secrets/secret.ts'

/** A keychain in memory that outlives agents, and can be in trouble. */
export class Keychain implements SecretStore {
  readonly content = new Map<string, string>()
  readonly calls: string[] = []
  trouble: 'none' | 'throws' | 'hangs' = 'none'
  delayMs = 0

  get(name: string): Promise<Secret | undefined> {
    return this.#call('get', () => {
      const found = this.content.get(name)
      return found === undefined ? undefined : new Secret(found)
    })
  }

  set(name: string, secret: Secret): Promise<void> {
    return this.#call('set', () => void this.content.set(name, secret.reveal()))
  }

  delete(name: string): Promise<void> {
    return this.#call('delete', () => void this.content.delete(name))
  }

  /** What stands under the one name there is. */
  get only(): { token: string; key: string; sub: string; at: number; account?: string } {
    const [first] = this.content.values()
    if (this.content.size !== 1 || first === undefined) throw new Error(`${this.content.size} names in the keychain`)
    return JSON.parse(first)
  }

  async #call<T>(call: string, effect: () => T): Promise<T> {
    this.calls.push(call)
    if (this.trouble === 'throws') throw new Error('no D-Bus')
    if (this.trouble === 'hangs') return new Promise(() => undefined)
    if (this.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, this.delayMs))
    return effect()
  }
}
