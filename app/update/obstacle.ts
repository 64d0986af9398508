import { isSignInUnderWay, type Situation } from '../situation.ts'

/**
 * What a newer version waits for. `session`: somebody is signed in, and it cannot be handed over. `work`: a renewal, say, which is over
 * soon. `start`: it has not taken over when it was started, so only the next start runs it.
 */
export type Obstacle = 'question' | 'sign-in' | 'session' | 'work' | 'window' | 'start'

export interface ObstacleFacts {
  readonly anyWindow: boolean
  /** The newer version takes over what is held here. */
  readonly handsOver: boolean
  readonly isBusy: boolean
}

/** What stands in the way of a restart now: nobody is interrupted, and no session is lost. Pure. */
export function obstacleOf(
  { sites, question }: Pick<Situation, 'sites' | 'question'>,
  { anyWindow, handsOver, isBusy }: ObstacleFacts,
): Obstacle | undefined {
  if (question !== undefined) return 'question'
  if (sites.some(isSignInUnderWay)) return 'sign-in'
  if (!handsOver && sites.some(({ status }) => status.state === 'signed_in')) return 'session'
  if (isBusy) return 'work'
  return anyWindow ? 'window' : undefined
}

/** Whether the artist may restart at once all the same: only an open window is theirs alone. */
export function mayRestart(obstacle: Obstacle | undefined): boolean {
  return obstacle === undefined || obstacle === 'window'
}
