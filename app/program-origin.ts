import { packageOf } from '../src/socket/peers/program-file.ts'
import { isRootOwned } from '../src/socket/peers/root-owned.ts'

/** Who put a program's file where it lies, as far as that can be told. */
export type ProgramOrigin =
  | { readonly kind: 'package'; readonly name: string }
  | { readonly kind: 'root' }
  | { readonly kind: 'anybody' }

/** Never rejects. A package vouches for nothing while anybody could have changed the file since. */
async function originOf(executable: string): Promise<ProgramOrigin> {
  if (!(await isRootOwned(executable))) return { kind: 'anybody' }
  const name = await packageOf(executable)
  return name === undefined ? { kind: 'root' } : { kind: 'package', name }
}

/** The origins of programs that are asked about, each found out once, while its window is up already. */
export class ProgramOrigins {
  readonly #onFound: () => void
  readonly #found = new Map<string, ProgramOrigin>()

  constructor(onFound: () => void) {
    this.#onFound = onFound
  }

  /** Undefined until it is known. */
  of(executable: string): ProgramOrigin | undefined {
    return this.#found.get(executable)
  }

  /** Looks anew: the file may be another one than the last time. */
  look(executable: string): void {
    this.#found.delete(executable)
    void originOf(executable).then((origin) => {
      this.#found.set(executable, origin)
      this.#onFound()
    })
  }
}
