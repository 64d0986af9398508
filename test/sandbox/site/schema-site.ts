import type { TypeDefinition } from './schema.ts'
import {
  accounts,
  checkbox,
  dateTime,
  everywhere,
  field,
  identity,
  link,
  onCreate,
  pictured,
  projectLink,
  readOnly,
  tagged,
  text,
  workable,
} from './schema-fields.ts'

/** What the site keeps about itself. */
export const siteTypes: readonly TypeDefinition[] = [
  {
    name: 'EventLogEntry',
    displayName: 'Event Log Entry',
    plural: 'event_log_entries',
    identity: undefined,
    // facts: SGT 025: never changed, `meta` is readable and never filterable; TK path_cache.py creates its own kinds
    fields: {
      ...everywhere,
      ...pictured,
      project: projectLink,
      event_type: text('Event Type', onCreate),
      attribute_name: text('Attribute Name', onCreate),
      description: text('Description', onCreate),
      meta: field('serializable', 'Meta', onCreate),
      entity: link('Link', [...workable, 'Note', 'Project', 'Task', 'Version', ...accounts], onCreate),
      user: link('User', accounts, onCreate),
      session_uuid: field('uuid', 'Session Uuid', readOnly),
    },
  },
  {
    name: 'Tag',
    displayName: 'Tag',
    plural: 'tags',
    identity: 'name',
    fields: { ...everywhere, name: identity('Tag Name') },
  },
  {
    name: 'Status',
    displayName: 'Status',
    plural: 'statuses',
    identity: 'code',
    // facts: SGT 010: `bg_color` is text, decimal r,g,b
    fields: {
      ...everywhere,
      code: identity('Short Code'),
      name: text('Status Name'),
      bg_color: text('Color'),
      system: checkbox('System', readOnly),
    },
  },
  {
    name: 'Page',
    displayName: 'Page',
    plural: 'pages',
    identity: 'name',
    hasSiteLevelRows: true,
    // facts: SGT 023; PY tests/test_api.py (`last_accessed`)
    fields: {
      ...everywhere,
      ...tagged,
      project: projectLink,
      name: identity('Page Name'),
      description: text('Description'),
      page_type: text('Page Type'),
      entity_type: field('entity_type', 'Entity Type', readOnly),
      ui_category: text('UI Category'),
      system_owned: checkbox('System Owned', readOnly),
      last_accessed: dateTime('Last Accessed', readOnly),
    },
  },
]
