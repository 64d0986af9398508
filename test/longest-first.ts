import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** These take a minute and more each: started last, one of them alone keeps the run from ending. */
const longest = [
  'e2e/python-client',
  'e2e/app/trouble',
  'e2e/hand-over',
  'e2e/python-pipelines',
  'integration/window-pages',
  'integration/broker-stop',
  'integration/doctor-command',
]

/**
 * Project after project, for a worker goes on with the next file only when that is of the same one; in each, files in the order vitest
 * would take on a fresh machine, by size, but for the longest, which go first. What is short ends the run.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLongest = ({ moduleId }: TestSpecification): boolean =>
      longest.some((name) => moduleId.endsWith(`/test/${name}.test.ts`))
    const sorted = await super.sort(files)
    const projects = ['integration', 'integration-postgres', 'unit', 'e2e', 'measured']
    const rank = (file: TestSpecification): number =>
      2 * projects.indexOf(file.project.name) + (isLongest(file) ? 0 : 1)
    return sorted.toSorted((one, other) => rank(one) - rank(other))
  }
}
