import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { SecretStore } from '../../../src/ports.ts'
import { Secret } from '../../../src/secrets/secret.ts'
import { StoredSecret } from '../../../src/sign-in/stored-secret.ts'

/** A keychain whose calls are answered when the test says so. */
class SlowStore implements SecretStore {
  readonly content = new Map<string, string>()
  readonly calls: string[] = []
  #waiting: (() => void)[] = []
  isSlow = false
  trouble: Error | undefined

  get(name: string): Promise<Secret | undefined> {
    return this.#answer('get', () => {
      const found = this.content.get(name)
      return found === undefined ? undefined : new Secret(found)
    })
  }

  set(name: string, secret: Secret): Promise<void> {
    return this.#answer(`set ${secret.reveal()}`, () => void this.content.set(name, secret.reveal()))
  }

  delete(name: string): Promise<void> {
    return this.#answer('delete', () => void this.content.delete(name))
  }

  async answer(): Promise<void> {
    this.#waiting.shift()?.()
    await vi.advanceTimersByTimeAsync(0)
  }

  async #answer<T>(call: string, effect: () => T): Promise<T> {
    this.calls.push(call)
    if (this.isSlow) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    if (this.trouble) throw this.trouble
    return effect()
  }
}

const log = { debug() {}, info() {}, warn: vi.fn(), error() {} }
let store: SlowStore
let place: StoredSecret
beforeEach(() => {
  vi.useFakeTimers()
  store = new SlowStore()
  place = new StoredSecret({ store, name: 'here', log })
})
afterEach(() => void vi.useRealTimers())

const held = (): string | undefined => store.content.get('here')
const read = async (): Promise<string | undefined> => (await place.read())?.reveal()

describe('a secret in the keychain', () => {
  test('is kept, read and cleared', async () => {
    expect(await read()).toBeUndefined()
    await place.keep(new Secret('one'))
    expect([held(), place.isKept]).toEqual(['one', true])
    const later = new StoredSecret({ store, name: 'here', log })
    expect((await later.read())?.reveal()).toBe('one')
    expect(later.isKept).toBe(true)
    await later.clear()
    expect([held(), later.isKept]).toEqual([undefined, false])
    expect(place.problem).toBeUndefined()
  })

  test('is asked for once: what this run wrote it knows', async () => {
    await read()
    await place.keep(new Secret('one'))
    expect(await read()).toBe('one')
    await place.clear()
    await place.clear()
    expect(await read()).toBeUndefined()
    expect(store.calls).toEqual(['get', 'set one', 'delete'])
  })

  test('is cleared even if nobody knows whether it is there', async () => {
    store.content.set('here', 'of an earlier run')
    await place.clear()
    expect(held()).toBeUndefined()
  })
})

describe('a keychain that is slow', () => {
  beforeEach(() => {
    store.isSlow = true
  })

  test('keeps nobody waiting for more than two seconds, and nobody twice', async () => {
    const done = vi.fn()
    void place.keep(new Secret('one')).then(done)
    await vi.advanceTimersByTimeAsync(1_999)
    expect(done).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(done).toHaveBeenCalled()
    expect(place.problem).toMatchObject({ code: 'secret_store_unavailable' })
    expect(place.isKept).toBe(false)
    await place.keep(new Secret('two'))
    await store.answer()
    await store.answer()
    expect([held(), place.isKept, place.problem]).toEqual(['two', true, undefined])
  })

  test('ends with what was wanted last, and skips what was wanted between', async () => {
    void place.keep(new Secret('one'))
    void place.keep(new Secret('two'))
    void place.keep(new Secret('three'))
    await store.answer()
    expect([held(), place.isKept]).toEqual(['one', false])
    await store.answer()
    expect([held(), place.isKept]).toEqual(['three', true])
    expect(store.calls).toEqual(['set one', 'set three'])
  })

  test('does not bring back what was cleared while it was thinking', async () => {
    void place.keep(new Secret('one'))
    void place.clear()
    void place.clear()
    await store.answer()
    await store.answer()
    expect(held()).toBeUndefined()
    expect(store.calls).toEqual(['set one', 'delete'])
  })

  test('does not overrule what was written while it was being asked', async () => {
    store.content.set('here', 'old')
    const reading = read()
    store.isSlow = false
    await place.keep(new Secret('new'))
    await store.answer()
    expect(await reading).toBe('new')
  })

  test('is asked for thirty seconds: it may wait for the person to unlock it', async () => {
    const reading = expect(place.read()).rejects.toMatchObject({ code: 'secret_store_unavailable' })
    await vi.advanceTimersByTimeAsync(30_000)
    await reading
    expect(place.problem).toMatchObject({ code: 'secret_store_unavailable' })
  })

  test('that answers after all is heard the next time', async () => {
    void place.keep(new Secret('one'))
    await vi.advanceTimersByTimeAsync(2_000)
    await store.answer()
    // Nothing is under way any more: what comes now is done at once.
    store.isSlow = false
    await place.keep(new Secret('two'))
    expect([held(), place.problem]).toEqual(['two', undefined])
  })
})

describe('a keychain that fails', () => {
  beforeEach(() => {
    store.trouble = new Error('no D-Bus')
  })

  test('is noted, and never thrown at who writes', async () => {
    await place.keep(new Secret('one'))
    expect(place.problem).toMatchObject({ code: 'secret_store_unavailable', cause: store.trouble })
    expect(place.isKept).toBe(false)
    await place.clear()
    expect(JSON.stringify(log.warn.mock.calls)).not.toContain('one')
    await expect(new StoredSecret({ store, name: 'here', log }).read()).rejects.toMatchObject({
      code: 'secret_store_unavailable',
    })
  })

  test('is well again when it works again', async () => {
    await place.keep(new Secret('one'))
    store.trouble = undefined
    await place.keep(new Secret('two'))
    expect([held(), place.isKept, place.problem]).toEqual(['two', true, undefined])
  })

  test('keeps the last that worked, and says that this is not what is wanted', async () => {
    store.trouble = undefined
    await place.keep(new Secret('one'))
    store.trouble = new Error('too long')
    await place.keep(new Secret('two'))
    expect([held(), place.isKept]).toEqual(['one', false])
  })

  test('that throws instead of rejecting is no different', async () => {
    const rude = { get: fail, set: fail, delete: fail } as unknown as SecretStore
    const at = new StoredSecret({ store: rude, name: 'here', log })
    await at.keep(new Secret('one'))
    await at.clear()
    await expect(at.read()).resolves.toBeUndefined()
    await expect(new StoredSecret({ store: rude, name: 'x', log }).read()).rejects.toMatchObject({
      code: 'secret_store_unavailable',
    })
  })
})

function fail(): never {
  throw new Error('no such module')
}
