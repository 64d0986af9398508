import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Chance, mutate } from '../fuzz/mutate.ts'
import { loadTarget, readCorpus, startingInputs, targetNames } from '../fuzz/target.ts'

/** Each target of `npm run fuzz` is a property too: it throws when its parser does wrong. */
for (const name of targetNames) {
  describe(`the parser behind the target "${name}"`, async () => {
    const target = await loadTarget(name)
    const inputs = startingInputs(name, target)

    test('does right with its seeds and with all that fuzzing has kept', async () => {
      expect(readCorpus(name).length).toBeGreaterThan(0)
      for (const input of [new Uint8Array(), ...inputs]) await target.fuzz(input)
    })

    test('does right with what lies near them, and with anything', async () => {
      const near = fc.nat(2 ** 31 - 1).map((seed) => {
        const chance = new Chance(seed)
        return mutate(chance.pick(inputs), chance, [], inputs)
      })
      const anything = fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.json().map(bytesOf), fc.string().map(bytesOf))
      const input = fc.oneof({ arbitrary: near, weight: 3 }, { arbitrary: anything, weight: 1 })
      await fc.assert(
        fc.asyncProperty(input, async (data) => target.fuzz(data)),
        { numRuns: 200 },
      )
    })
  })
}

function bytesOf(text: string): Uint8Array {
  return Buffer.from(text)
}
