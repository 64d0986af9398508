import { AgentError } from '../../src/errors.ts'
import type { SecretStore } from '../../src/ports.ts'
import { Secret } from '../../src/secrets/secret.ts'

const service = 'sg-session'
/** A keychain that asks for its own password on a screen nobody looks at would wait for ever. */
const answerLimitMs = 20_000

/** What is used of keytar, whose types are there only where it could be built. */
interface Keytar {
  getPassword(service: string, account: string): Promise<string | null>
  setPassword(service: string, account: string, password: string): Promise<void>
  deletePassword(service: string, account: string): Promise<boolean>
}

/** The system's keychain (Keychain, Credential Manager, Secret Service) through keytar, loaded when first needed. */
export class Keychain implements SecretStore {
  async get(name: string): Promise<Secret | undefined> {
    const text = await withKeytar((keytar) => keytar.getPassword(service, name))
    return text === null ? undefined : new Secret(text)
  }

  async set(name: string, secret: Secret): Promise<void> {
    await withKeytar((keytar) => keytar.setPassword(service, name, secret.reveal()))
  }

  async delete(name: string): Promise<void> {
    await withKeytar((keytar) => keytar.deletePassword(service, name))
  }
}

/** Every failure, a missing keytar too, is `secret_store_unavailable`. */
async function withKeytar<T>(use: (keytar: Keytar) => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('the keychain did not answer')), answerLimitMs)
  })
  try {
    // By a variable, since it may be missing.
    const name = 'keytar'
    const { default: keytar } = (await import(name)) as { default: Keytar }
    return await Promise.race([use(keytar), limit])
  } catch (cause) {
    throw new AgentError('secret_store_unavailable', 'the keychain of this system cannot be used', { cause })
  } finally {
    clearTimeout(timer)
  }
}
