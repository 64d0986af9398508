/** Writes a value as the site's error texts show it: `{"type" => "Shot", "id" => nil}`. facts: SGT 017 */
export function inspectValue(value: unknown): string {
  if (value === null || value === undefined) return 'nil'
  if (typeof value === 'string') return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(inspectValue).join(', ')}]`
  if (typeof value === 'object') {
    const pairs = Object.entries(value).map(([key, item]) => `${JSON.stringify(key)} => ${inspectValue(item)}`)
    return `{${pairs.join(', ')}}`
  }
  return String(value)
}

/** The class the site names when a value is of the wrong one: `got Integer: 7479`. facts: SGT field_types */
export function classNameOf(value: unknown): string {
  if (value === null || value === undefined) return 'NilClass'
  if (typeof value === 'string') return 'String'
  if (typeof value === 'boolean') return value ? 'TrueClass' : 'FalseClass'
  if (typeof value === 'number') return Number.isInteger(value) ? 'Integer' : 'Float'
  return Array.isArray(value) ? 'Array' : 'Hash'
}
