import type { EntityType } from './schema.ts'
import { peopleTypes } from './schema-people.ts'
import { publishingTypes } from './schema-publishing.ts'
import { reviewTypes } from './schema-review.ts'
import { shotTypes } from './schema-shots.ts'
import { siteTypes } from './schema-site.ts'

/** Every type the site has. */
export const entityTypes: Readonly<Record<string, EntityType>> = Object.fromEntries(
  [...shotTypes, ...reviewTypes, ...publishingTypes, ...peopleTypes, ...siteTypes].map(
    (definition): [string, EntityType] => {
      const { hasSiteLevelRows = false, emptyIdentity = 'refused', retiresWith = [], ...type } = definition
      const projectScope = Object.hasOwn(type.fields, 'project') ? (hasSiteLevelRows ? 'optional' : 'required') : 'none'
      return [type.name, { ...type, projectScope, emptyIdentity, retiresWith }]
    },
  ),
)
