import { type Link, sameLink } from './rows.ts'

/** Who follows what; kept in the order it began. facts: PY `follow`, SGT 043 */
export class Follows {
  #follows: { readonly user: Link; readonly entity: Link }[] = []

  /** Changes nothing when they follow it already. */
  begin(user: Link, entity: Link): void {
    this.end(user, entity)
    this.#follows.push({ user, entity })
  }

  /** Changes nothing when they do not follow it. */
  end(user: Link, entity: Link): void {
    this.#follows = this.#follows.filter((follow) => !(sameLink(follow.user, user) && sameLink(follow.entity, entity)))
  }

  followers(entity: Link): Link[] {
    return this.#follows.filter((follow) => sameLink(follow.entity, entity)).map(({ user }) => user)
  }

  followed(user: Link): Link[] {
    return this.#follows.filter((follow) => sameLink(follow.user, user)).map(({ entity }) => entity)
  }
}
