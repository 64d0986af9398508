/** Some measured times, in the unit they were measured in. */
export class Samples {
  readonly #sorted: number[]

  constructor(values: Iterable<number>) {
    this.#sorted = [...values].sort((a, b) => a - b)
    if (this.#sorted.length === 0) throw new Error('nothing was measured')
  }

  get p50(): number {
    return this.#at(0.5)
  }

  get p99(): number {
    return this.#at(0.99)
  }

  #at(part: number): number {
    const last = this.#sorted.length - 1
    return this.#sorted[Math.min(last, Math.floor(this.#sorted.length * part))] ?? Number.NaN
  }
}

/** Does one thing and says how long it took. */
export type Measure = () => Promise<number>

/**
 * Measures each in turn, A B C A B C …, so that what the machine does meanwhile falls on all alike. The first round warms up and
 * is not counted.
 */
export async function inTurns<Name extends string>(
  rounds: number,
  measures: Readonly<Record<Name, Measure>>,
): Promise<Record<Name, Samples>> {
  const names = Object.keys(measures) as Name[]
  const taken = new Map(names.map((name) => [name, [] as number[]]))
  for (let round = -1; round < rounds; round += 1) {
    for (const name of names) {
      const took = await measures[name]()
      if (round >= 0) taken.get(name)?.push(took)
    }
  }
  return Object.fromEntries(names.map((name) => [name, new Samples(taken.get(name) ?? [])])) as Record<Name, Samples>
}
