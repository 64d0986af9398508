import { lstat, readdir, rename, unlink } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'

/** A file that was moved aside. */
export interface OldFile {
  readonly file: string
  /** Of its last line, `2026-11-21`. */
  readonly day: string
}

/** Of a moment, in UTC. */
export function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}

/** `audit.jsonl` of the 21st becomes `audit.2026-11-21.jsonl`, or `audit.2026-11-21.2.jsonl` where there is one. */
export async function moveAside(file: string, day: string): Promise<void> {
  const taken = new Set((await oldFiles(file)).map((old) => old.file))
  for (let number = 1; ; number += 1) {
    const target = nameOf(file, day, number)
    if (taken.has(target)) continue
    await rename(file, target)
    return
  }
}

/** What was moved aside, oldest first. */
export async function oldFiles(file: string): Promise<OldFile[]> {
  const extension = extname(file)
  const stem = `${basename(file, extension)}.`
  const names = await readdir(dirname(file)).catch(() => [])
  return names
    .flatMap((name) => {
      if (!name.startsWith(stem) || !name.endsWith(extension)) return []
      const middle = name.slice(stem.length, name.length - extension.length)
      const [, day, number = '1'] = /^(\d{4}-\d\d-\d\d)(?:\.([1-9]\d{0,5}))?$/.exec(middle) ?? []
      return day === undefined ? [] : [{ file: join(dirname(file), name), day, number: Number(number) }]
    })
    .toSorted((a, b) => (a.day === b.day ? a.number - b.number : a.day < b.day ? -1 : 1))
    .map(({ file: found, day }) => ({ file: found, day }))
}

/** Removes what is older than that, and the oldest where all of it is too much. What cannot be removed stays. */
export async function forgetOldFiles(
  file: string,
  {
    today,
    retentionDays,
    allBytes,
  }: { readonly today: string; readonly retentionDays: number; readonly allBytes: number },
): Promise<void> {
  const oldestDay = dayOf(Date.parse(today) - retentionDays * 24 * 3600_000)
  let bytes = 0
  for (const old of (await oldFiles(file)).reverse()) {
    bytes += (await lstat(old.file).catch(() => undefined))?.size ?? 0
    if (old.day < oldestDay || bytes > allBytes) await unlink(old.file).catch(() => undefined)
  }
}

function nameOf(file: string, day: string, number: number): string {
  const extension = extname(file)
  const stem = join(dirname(file), basename(file, extension))
  return `${stem}.${day}${number > 1 ? `.${number}` : ''}${extension}`
}
