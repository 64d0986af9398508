import type { DataType, EntityType, Field } from './schema.ts'

type FieldOptions = Partial<Omit<Field, 'dataType' | 'displayName'>>

function field(dataType: DataType, displayName: string, options: FieldOptions = {}): Field {
  return {
    dataType,
    displayName,
    editable: 'always',
    mandatory: false,
    unique: false,
    defaultValue: dataType === 'checkbox' ? false : null,
    validTypes: [],
    bindsType: false,
    validValues: {},
    reverseOf: undefined,
    ...options,
  }
}

const text = (displayName: string, options?: FieldOptions) => field('text', displayName, options)
const number = (displayName: string) => field('number', displayName)
const date = (displayName: string) => field('date', displayName)
const checkbox = (displayName: string, options?: FieldOptions) => field('checkbox', displayName, options)
const identity = (displayName: string, options?: FieldOptions) => text(displayName, { mandatory: true, ...options })
const link = (displayName: string, validTypes: readonly string[], options?: FieldOptions) =>
  field('entity', displayName, { validTypes, ...options })
const links = (displayName: string, validTypes: readonly string[], options?: FieldOptions) =>
  field('multi_entity', displayName, { validTypes, defaultValue: [], ...options })
const linkedFrom = (displayName: string, type: string, by: string) =>
  links(displayName, [type], { editable: 'never', reverseOf: { type, field: by } })
const status = (validValues: Record<string, string>, defaultValue: string) =>
  field('status_list', 'Status', { validValues, defaultValue })
const list = (displayName: string, values: readonly string[], defaultValue: string | null = null) =>
  field('list', displayName, { validValues: Object.fromEntries(values.map((value) => [value, value])), defaultValue })

const accounts = ['HumanUser', 'ApiUser']
const readOnly = { editable: 'never' } as const
const work = { wtg: 'Waiting to Start', rdy: 'Ready to Start', ip: 'In Progress', fin: 'Final', omt: 'Omit' }
const review = { na: 'N/A', rev: 'Pending Review', vwd: 'Viewed', apr: 'Approved', fin: 'Final' }
const linkable = ['Asset', 'Sequence', 'Shot']

/** What every type has. facts: SGT field_types/date_time (`created_at` is editable on create only) */
const everywhere = {
  id: field('number', 'Id', readOnly),
  cached_display_name: text('Cached Display Name'),
  created_at: field('date_time', 'Date Created', { editable: 'on create' }),
  created_by: link('Created by', accounts, { editable: 'on create' }),
  updated_at: field('date_time', 'Date Updated', { editable: 'on create' }),
  updated_by: link('Updated by', accounts, { editable: 'on create' }),
  image: field('image', 'Thumbnail'),
}

const inProject = { ...everywhere, project: link('Project', ['Project'], { bindsType: true }) }

const table: Omit<EntityType, 'projectScoped'>[] = [
  {
    name: 'Project',
    displayName: 'Project',
    plural: 'projects',
    identity: 'name',
    fields: {
      ...everywhere,
      name: identity('Project Name', { unique: true }),
      code: text('Code', { unique: true }),
      tank_name: text('Tank Name'),
      sg_description: text('Description'),
      sg_status: list('Status', ['Active', 'Bidding', 'On Hold', 'Lost']),
      archived: checkbox('Archived'),
      is_template: checkbox('Template', readOnly),
      is_demo: checkbox('Demo', readOnly),
      users: linkedFrom('People', 'HumanUser', 'projects'),
      last_accessed_by_current_user: field('date_time', 'Last Accessed', readOnly),
    },
  },
  {
    name: 'Sequence',
    displayName: 'Sequence',
    plural: 'sequences',
    identity: 'code',
    fields: {
      ...inProject,
      code: identity('Sequence Code'),
      description: text('Description'),
      sg_status_list: status(work, 'wtg'),
      shots: linkedFrom('Shots', 'Shot', 'sg_sequence'),
      tasks: linkedFrom('Tasks', 'Task', 'entity'),
      notes: linkedFrom('Notes', 'Note', 'note_links'),
    },
  },
  {
    name: 'Shot',
    displayName: 'Shot',
    plural: 'shots',
    identity: 'code',
    fields: {
      ...inProject,
      code: identity('Shot Code'),
      description: text('Description'),
      sg_status_list: status(work, 'wtg'),
      sg_shot_type: list('Type', ['VFX', '2D', 'Full CG'], 'VFX'),
      sg_sequence: link('Sequence', ['Sequence']),
      sg_cut_in: number('Cut In'),
      sg_cut_out: number('Cut Out'),
      sg_cut_duration: number('Cut Duration'),
      sg_turnover_date: date('Turnover Date'),
      assets: links('Assets', ['Asset']),
      tasks: linkedFrom('Tasks', 'Task', 'entity'),
      sg_versions: linkedFrom('Versions', 'Version', 'entity'),
      notes: linkedFrom('Notes', 'Note', 'note_links'),
    },
  },
  {
    name: 'Asset',
    displayName: 'Asset',
    plural: 'assets',
    identity: 'code',
    fields: {
      ...inProject,
      code: identity('Asset Name'),
      description: text('Description'),
      sg_status_list: status(work, 'wtg'),
      sg_asset_type: list('Type', ['Character', 'Environment', 'Prop', 'Vehicle']),
      shots: linkedFrom('Shots', 'Shot', 'assets'),
      tasks: linkedFrom('Tasks', 'Task', 'entity'),
    },
  },
  {
    name: 'Step',
    displayName: 'Pipeline Step',
    plural: 'steps',
    identity: 'code',
    fields: {
      ...everywhere,
      code: identity('Step Name'),
      short_name: text('Short Code'),
      entity_type: field('entity_type', 'Entity Type'),
    },
  },
  {
    name: 'Task',
    displayName: 'Task',
    plural: 'tasks',
    identity: 'content',
    fields: {
      ...inProject,
      content: identity('Task Name'),
      entity: link('Link', [...linkable, 'Project']),
      step: link('Pipeline Step', ['Step'], { bindsType: true }),
      sg_status_list: status(work, 'wtg'),
      sg_description: text('Description'),
      task_assignees: links('Assigned To', ['Group', 'HumanUser']),
      start_date: date('Start Date'),
      due_date: date('Due Date'),
      duration: field('duration', 'Duration'),
      sg_versions: linkedFrom('Versions', 'Version', 'sg_task'),
    },
  },
  {
    name: 'Version',
    displayName: 'Version',
    plural: 'versions',
    identity: 'code',
    fields: {
      ...inProject,
      code: identity('Version Name'),
      description: text('Description'),
      entity: link('Link', linkable),
      sg_task: link('Task', ['Task']),
      user: link('Artist', ['HumanUser', 'ApiUser', 'Group']),
      sg_status_list: status(review, 'rev'),
      sg_version_type: list('Type', ['Daily', 'Delivery']),
      sg_path_to_movie: text('Path to Movie'),
      sg_path_to_frames: text('Path to Frames'),
      sg_uploaded_movie: field('url', 'Uploaded Movie'),
      sg_first_frame: number('First Frame'),
      sg_last_frame: number('Last Frame'),
      frame_count: number('Frame Count'),
      flagged: checkbox('Flagged'),
      client_approved_at: field('date_time', 'Client Approved At'),
      notes: linkedFrom('Notes', 'Note', 'note_links'),
    },
  },
  {
    name: 'Note',
    displayName: 'Note',
    plural: 'notes',
    identity: undefined,
    fields: {
      ...inProject,
      subject: identity('Subject'),
      content: text('Body'),
      user: link('Author', accounts),
      note_links: links('Links', [...linkable, 'Version']),
      tasks: links('Tasks', ['Task']),
      addressings_to: links('To', ['Group', 'HumanUser']),
      addressings_cc: links('CC', ['Group', 'HumanUser']),
      sg_status_list: status({ opn: 'Open', ip: 'In Progress', clsd: 'Closed' }, 'opn'),
      sg_note_type: list('Type', ['Internal', 'Client']),
    },
  },
  {
    name: 'HumanUser',
    displayName: 'Person',
    plural: 'human_users',
    identity: undefined,
    // facts: SGT HumanUser: `login` alone is unique, `code` does not exist, two fields are read only for everybody
    fields: {
      ...everywhere,
      login: text('Login', { unique: true }),
      email: text('Email'),
      name: text('Name', { editable: 'never', mandatory: true }),
      firstname: text('First Name'),
      lastname: text('Last Name'),
      sg_status_list: status({ act: 'Active', dis: 'Disabled' }, 'act'),
      can_impersonate_this_user: checkbox('Can Impersonate This User', { ...readOnly, defaultValue: true }),
      permission_rule_set: link('Permission Group', ['PermissionRuleSet'], readOnly),
      projects: links('Projects', ['Project']),
      groups: linkedFrom('Groups', 'Group', 'users'),
      locked_until: field('date_time', 'Locked Until'),
      password_proxy: field('password', 'Password', readOnly),
    },
  },
  {
    name: 'Group',
    displayName: 'Group',
    plural: 'groups',
    identity: 'code',
    fields: { ...everywhere, code: identity('Group Name'), users: links('People', ['HumanUser']) },
  },
  {
    name: 'ApiUser',
    displayName: 'Script',
    plural: 'api_users',
    identity: 'firstname',
    // facts: TK user_impl.py: `firstname` is the script's name; SGT 049: the event flag is off unless somebody sets it
    fields: {
      ...everywhere,
      firstname: identity('Script Name', { unique: true }),
      lastname: text('Version'),
      description: text('Description'),
      generate_event_log_entries: checkbox('Generate Events'),
      permission_rule_set: link('Permission Group', ['PermissionRuleSet'], readOnly),
      projects: links('Projects', ['Project']),
      salted_password: field('password', 'Application Key', readOnly),
    },
  },
  {
    name: 'PermissionRuleSet',
    displayName: 'Permission Group',
    plural: 'permission_rule_sets',
    identity: undefined,
    // facts: SGT 027: ten fields, none of them editable, none holding a rule
    fields: {
      ...everywhere,
      code: text('Code', readOnly),
      display_name: text('Display Name', readOnly),
      entity_type: text('Entity Type', readOnly),
    },
  },
  {
    name: 'EventLogEntry',
    displayName: 'Event Log Entry',
    plural: 'event_log_entries',
    identity: undefined,
    // facts: SGT 025: written by the site alone, `meta` is readable and never filterable
    fields: {
      ...inProject,
      event_type: text('Event Type', readOnly),
      attribute_name: text('Attribute Name', readOnly),
      description: text('Description'),
      meta: field('serializable', 'Meta', readOnly),
      entity: link('Link', [...linkable, 'Note', 'Project', 'Task', 'Version', ...accounts], readOnly),
      user: link('User', accounts, readOnly),
      session_uuid: field('uuid', 'Session Uuid', readOnly),
    },
  },
]

export const entityTypes: Readonly<Record<string, EntityType>> = Object.fromEntries(
  table.map((type) => [type.name, { ...type, projectScoped: Object.hasOwn(type.fields, 'project') }]),
)
