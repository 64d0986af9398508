import { type Operation, valueRefused } from './data-refusals.ts'

/** What the old colour names are stored as; Task.color alone takes them. facts: SGT field_types/color */
const legacyColors: Readonly<Record<string, string>> = {
  blue: '2,149,216',
  orange: '253,141,3',
  pink: '254,125,179',
  red: '253,1,0',
  green: '29,215,46',
  purple: '183,0,188',
  grey: '129,129,129',
  black: '45,45,45',
}

/** "The colour of the pipeline step". */
const stepToken = 'pipeline_step'

const grammar =
  'Unsupported format for Task color field. The Task color can not be nil, the expected format is r,g,b where the values of r,g and b are in the range 0-255. The value of the color can also be set using the legacy color strings which are; Blue, Orange, Pink, Red, Green, Purple, Grey and Black.'

/**
 * The colour a row will hold: decimal `r,g,b` without spaces. A Task takes names and the step's token besides, and is
 * never without; other types can be emptied. Throws the site's refusal. facts: SGT field_types/color
 */
export function judgeWrittenColor(
  operation: Operation,
  type: string,
  name: string,
  value: string | null,
): string | null {
  const refuse = (why: string) => valueRefused(operation, type, name, why)
  const isTask = type === 'Task'
  if (value === null) {
    if (isTask) throw refuse(`Value cannot be nil for Task.${name}.`)
    return null
  }
  const legacy = legacyColors[value.toLowerCase()]
  if (isTask && (value === stepToken || legacy)) return legacy ?? value
  const problem = problemWith(value)
  if (problem) throw refuse(isTask ? ` (task.rb) ${problem}: [${value}]${grammar}` : `${problem}: [${value}]`)
  return value
}

function problemWith(value: string): string | undefined {
  const components = value.split(',')
  if (value !== '' && components.length === 1) return 'Value is not a valid color token'
  if (components.length !== 3) return 'The value is not a valid color expression'
  if (!components.every((component) => /^\d+$/.test(component))) return 'At least one component value is not valid'
  if (!components.every((component) => Number(component) <= 255)) return 'At least one component value is out of range'
  return undefined
}
