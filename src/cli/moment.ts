/** `90m`, `12h`, `7d`, or a moment as ISO 8601 has it; ms since the epoch. Undefined for what is none. */
export function momentOf(text: string, nowMs: number): number | undefined {
  const [, number = '', unit = ''] = /^(\d{1,5})([mhd])$/.exec(text) ?? []
  if (unit !== '') return nowMs - Number(number) * ({ m: 60_000, h: 3600_000, d: 86_400_000 }[unit] ?? 0)
  const at = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(at) ? undefined : at
}
