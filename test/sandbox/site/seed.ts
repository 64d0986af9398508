import { sandboxPeople, sandboxScripts } from '../people.ts'
import { Accounts, type Role } from './accounts.ts'
import { type Link, linkTo, type Row, Tables, type Value } from './rows.ts'
import { defaultValues } from './schema.ts'
import { timestamp } from './site-state.ts'

const projects = [
  'Amber Coast',
  'Brass Lantern',
  'Copper Field',
  'Dune Song',
  'Ember Road',
  'Fern Hollow',
  'Glass Harbour',
  'Heron Lake',
]
const steps = ['Animation', 'Lighting', 'Comp']
const sequencesPerProject = 2
const shotsPerSequence = 3

const roles: readonly { role: Role; displayName: string }[] = [
  { role: 'admin', displayName: 'Admin' },
  { role: 'manager', displayName: 'Manager' },
  { role: 'artist', displayName: 'Artist' },
  { role: 'vendor', displayName: 'Vendor' },
]

/** A site as it is on the first morning: everybody in `people.ts`, eight projects and some work in each. */
export function seedSite(nowMs: number): { tables: Tables; accounts: Accounts } {
  const tables = new Tables()
  const createdAt = timestamp(nowMs - 30 * 86_400_000)
  const insert = (type: string, values: Record<string, Value>) => insertWithDefaults(tables, createdAt, type, values)

  const projectRows = projects.map((name) =>
    insert('Project', { name, tank_name: name.toLowerCase().replaceAll(' ', '_'), sg_status: 'Active' }),
  )
  const ruleSets = new Map<Role, Link>(
    roles.map(({ role, displayName }) => [
      role,
      linkTo(insert('PermissionRuleSet', { code: role, display_name: displayName, entity_type: 'HumanUser' })),
    ]),
  )
  const apiAdmin = insert('PermissionRuleSet', {
    code: 'api_admin',
    display_name: 'API Admin',
    entity_type: 'ApiUser',
  })

  const accounts = new Accounts(tables, ruleSets)
  for (const person of sandboxPeople) {
    if (!person.site) continue
    const { site } = person
    const seen = site.seesProjects === 'all' ? projectRows : projectRows.slice(0, site.seesProjects)
    const row = insert('HumanUser', {
      login: site.login,
      email: person.email,
      firstname: person.firstname,
      lastname: person.lastname,
      sg_status_list: site.status,
      can_impersonate_this_user: site.canImpersonate,
      permission_rule_set: ruleSets.get(site.role) ?? null,
      projects: seen.map(linkTo),
    })
    row.retired = site.retired
    accounts.addUser(row, person)
  }
  for (const script of sandboxScripts) {
    const row = insert('ApiUser', { firstname: script.name, lastname: '1.0', permission_rule_set: linkTo(apiAdmin) })
    accounts.addScript(row, script)
  }

  insert('Group', { code: 'Supervisors', users: [accounts.person('supervisor').link] })
  seedWork(insert, projectRows, accounts.person('artist').link)
  return { tables, accounts }
}

type Insert = (type: string, values: Record<string, Value>) => Row

function seedWork(insert: Insert, projectRows: readonly Row[], artist: Link): void {
  const stepRows = steps.map((code) => insert('Step', { code, short_name: code.slice(0, 3), entity_type: 'Shot' }))
  for (const projectRow of projectRows) {
    const project = linkTo(projectRow)
    const asset = insert('Asset', { project, code: 'hero', sg_asset_type: 'Character' })
    for (let s = 1; s <= sequencesPerProject; s += 1) {
      const sequence = insert('Sequence', { project, code: `sq${s}0` })
      for (let n = 1; n <= shotsPerSequence; n += 1) {
        const code = `sq${s}0_sh0${n}0`
        const entity = linkTo(
          insert('Shot', {
            project,
            code,
            sg_sequence: linkTo(sequence),
            sg_status_list: ['wtg', 'ip', 'fin'][n - 1] ?? 'wtg',
            sg_cut_in: 1001,
            sg_cut_out: 1000 + n * 24,
            sg_cut_duration: n * 24,
            assets: [linkTo(asset)],
          }),
        )
        const step = stepRows[n - 1]
        const task = insert('Task', {
          project,
          entity,
          content: steps[n - 1] ?? 'Comp',
          step: step ? linkTo(step) : null,
          task_assignees: [artist],
        })
        if (n === 1) insert('Version', { project, entity, code: `${code}_v001`, sg_task: linkTo(task), user: artist })
      }
    }
  }
}

function insertWithDefaults(tables: Tables, createdAt: string, type: string, values: Record<string, Value>): Row {
  return tables.insert(type, [
    ...defaultValues(type),
    ['created_at', createdAt],
    ['updated_at', createdAt],
    ...Object.entries(values),
  ])
}
