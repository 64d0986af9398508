import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { finished, startProcess } from '../sandbox/processes.ts'

// V8 answers with a lock in its hand: who lets go of the inspector there can wait for that lock for ever.
test('clearing the heap after a sign-out lets the program go on, every time', async () => {
  const script = `
    import { clearHeapAfterSignOut } from ${JSON.stringify(resolve('src/system/clear-heap.ts'))}
    let cleared = 0
    const log = { debug: (_about, said) => { if (said === 'cleared the heap') cleared += 1 } }
    const signedOut = { onChange(listener) { listener({ state: 'signed_out' }); return () => undefined } }
    for (let time = 0; time < 100; time += 1) clearHeapAfterSignOut(signedOut, log)
    setTimeout(() => { console.log(cleared); process.exit() }, 6_000)`
  const child = startProcess(process.execPath, ['--input-type=module', '-e', script], {})
  const late = setTimeout(() => process.kill(child.pid, 'SIGKILL'), 40_000)
  const { stdout } = await finished(child)
  clearTimeout(late)
  expect(stdout.trim()).toBe('100')
})
