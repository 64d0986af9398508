import type { TypeDefinition } from './schema.ts'
import {
  checkbox,
  dateTime,
  everywhere,
  field,
  identity,
  link,
  linkedFrom,
  links,
  number,
  onCreate,
  onSite,
  pictured,
  readOnly,
  status,
  text,
  thumbnailed,
} from './schema-fields.ts'

/** Who acts on the site, and what they are grouped by. */
export const peopleTypes: readonly TypeDefinition[] = [
  {
    name: 'HumanUser',
    displayName: 'Person',
    plural: 'human_users',
    identity: undefined,
    // facts: SGT HumanUser: `login` alone is unique, `code` does not exist, two fields are read only for everybody
    fields: {
      ...onSite,
      login: text('Login', { unique: true }),
      email: text('Email'),
      name: text('Name', { mandatory: true }),
      firstname: text('First Name'),
      lastname: text('Last Name'),
      sg_status_list: status({ act: 'Active', dis: 'Disabled' }, 'act'),
      can_impersonate_this_user: checkbox('Can Impersonate This User', { ...readOnly, defaultValue: true }),
      permission_rule_set: link('Permission Group', ['PermissionRuleSet'], readOnly),
      projects: links('Projects', ['Project']),
      groups: linkedFrom('Groups', 'Group', 'users'),
      department: link('Department', ['Department']),
      pipeline_configurations: linkedFrom('Pipeline Configurations', 'PipelineConfiguration', 'users'),
      custom_home_page: link('Custom Home Page', ['Page']),
      email_notes: checkbox('Email Notes', { defaultValue: true }),
      locked_until: dateTime('Locked Until'),
      // taken with a new person and never after; the schema calls it not editable (PY tests/base.py, SGT HumanUser)
      password_proxy: field('password', 'Password', onCreate),
    },
  },
  {
    name: 'Group',
    displayName: 'Group',
    plural: 'groups',
    identity: 'code',
    fields: { ...onSite, code: identity('Group Name'), users: links('People', ['HumanUser']) },
  },
  {
    name: 'Department',
    displayName: 'Department',
    plural: 'departments',
    identity: 'name',
    // facts: SGT entity_types/Step, HumanUser (the links that lead here), field_types/image
    fields: {
      ...everywhere,
      ...thumbnailed,
      name: identity('Department Name'),
      code: text('Short Code'),
      list_order: number('List Order'),
      users: linkedFrom('People', 'HumanUser', 'department'),
      steps: linkedFrom('Pipeline Steps', 'Step', 'department'),
    },
  },
  {
    name: 'ApiUser',
    displayName: 'Script',
    plural: 'api_users',
    identity: 'firstname',
    // facts: TK user_impl.py: `firstname` is the script's name; SGT 049: the event flag is off unless somebody sets it
    fields: {
      ...everywhere,
      ...pictured,
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
      ...pictured,
      code: text('Code', readOnly),
      display_name: text('Display Name', readOnly),
      entity_type: text('Entity Type', readOnly),
    },
  },
]
