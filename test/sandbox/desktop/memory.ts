import { readdir, readFile } from 'node:fs/promises'

/**
 * Memory of a process and all its descendants in KiB: the sum of their PSS, which counts a page that several share only
 * once. Throws when there is no such process.
 */
export async function pss(pid: number): Promise<number> {
  const own = await pssOf(pid)
  if (own === undefined) throw new Error(`there is no process ${pid} whose memory may be read`)
  const others = await Promise.all((await descendantsOf(pid)).map(pssOf))
  return others.reduce<number>((sum, one) => sum + (one ?? 0), own)
}

/** Undefined for a process that ended meanwhile. */
async function pssOf(pid: number): Promise<number | undefined> {
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => undefined)
  // Kernels before 4.14, and some that only look like Linux, have no rollup.
  const text = rollup ?? (await readFile(`/proc/${pid}/smaps`, 'utf8').catch(() => undefined))
  if (!text) return undefined
  return [...text.matchAll(/^Pss: +(\d+) kB$/gm)].reduce((sum, [, kib]) => sum + Number(kib), 0)
}

/** All processes below this one that there are now. */
export async function descendantsOf(root: number): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const parents = new Map<number, number>()
  for (const pid of pids) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
    // proc(5): pid (name) state parent …; the name may hold blanks and brackets.
    const parent = /^\d+ \(.*\) \S (\d+)/s.exec(stat)?.[1]
    if (parent) parents.set(Number(pid), Number(parent))
  }
  const found: number[] = []
  for (let level = [root]; level.length > 0; ) {
    level = [...parents].filter(([, parent]) => level.includes(parent)).map(([pid]) => pid)
    found.push(...level)
  }
  return found
}
