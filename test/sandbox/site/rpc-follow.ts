import { z } from 'zod'
import type { Caller } from './callers.ts'
import { notFoundById } from './data-refusals.ts'
import { shownAt } from './read.ts'
import { isLink, type Link, linkTo, type Row } from './rows.ts'
import { parseParams, typeIn } from './rpc-params.ts'
import type { SiteState } from './site-state.ts'
import { View } from './view.ts'

const linkSchema = z.looseObject({ type: z.string(), id: z.int() })
const followParams = z.looseObject({ user: linkSchema, entity: linkSchema })
const followersParams = z.looseObject({ entity: linkSchema })
const followingParams = z.looseObject({
  user: linkSchema,
  project: linkSchema.nullish(),
  entity_type: z.string().nullish(),
})

/** `follow`: answers what was sent, and that it holds now, whether it did before or not. facts: PY docstring */
export function rpcFollow(state: SiteState, caller: Caller, rawParams: unknown): unknown {
  const { user, entity } = parseParams('follow', followParams, rawParams)
  const view = new View(state, caller.acting)
  state.follows.begin(linkTo(personIn(view, user)), linkTo(rowIn(view, entity)))
  return { followed: true, user, entity }
}

/** `unfollow`: says the same to somebody who did not follow. facts: PY docstring, SGT put_entity_type_id_unfollow */
export function rpcUnfollow(state: SiteState, caller: Caller, rawParams: unknown): unknown {
  const { user, entity } = parseParams('unfollow', followParams, rawParams)
  const view = new View(state, caller.acting)
  state.follows.end(linkTo(personIn(view, user)), linkTo(rowIn(view, entity)))
  return { unfollowed: true, user, entity }
}

/** `followers` of a row: people, with their status. facts: PY docstring */
export function rpcFollowers(state: SiteState, caller: Caller, rawParams: unknown): unknown {
  const { entity } = parseParams('followers', followersParams, rawParams)
  const view = new View(state, caller.acting)
  return state.follows.followers(linkTo(rowIn(view, entity))).flatMap((user) => {
    const row = view.row(user)
    return row ? [{ status: row.values.get('sg_status_list') ?? null, valid: 'valid', ...view.named(user) }] : []
  })
}

/** `following`: what a person follows, of one project or one type if that was asked for. facts: PY docstring */
export function rpcFollowing(state: SiteState, caller: Caller, rawParams: unknown): unknown {
  const params = parseParams('following', followingParams, rawParams)
  const view = new View(state, caller.acting)
  const project = params.project ? rowIn(view, params.project) : undefined
  if (params.entity_type) typeIn('following', params.entity_type, rawParams)
  return state.follows
    .followed(linkTo(personIn(view, params.user)))
    .flatMap((entity) => view.row(entity) ?? [])
    .filter((row) => !params.entity_type || row.type === params.entity_type)
    .filter((row) => !project || projectIdOf(view, row) === project.id)
    .map(linkTo)
}

/** Only people follow: a script's own id is an unknown person's. facts: SGT get_entity_human_users_id_following */
function personIn(view: View, user: Link): Row {
  const row = user.type === 'HumanUser' ? view.row(user) : undefined
  if (!row) throw notFoundById('HumanUser', user.id)
  return row
}

function rowIn(view: View, link: Link): Row {
  const row = view.row(link)
  if (!row) throw notFoundById(link.type, link.id)
  return row
}

function projectIdOf(view: View, row: Row): unknown {
  if (row.type === 'Project') return row.id
  const project = shownAt(view, row, typeIn('following', row.type, row.type), 'project')
  return isLink(project) ? project.id : undefined
}
