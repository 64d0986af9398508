/** A place where a secret must stand, or where nothing of ours is: named one by one, each with its reason. */
export interface KnownPlace {
  readonly where: RegExp
  /** Which secrets; absent: the place is not looked at. */
  readonly what?: RegExp
  readonly because: string
}

export const knownPlaces: readonly KnownPlace[] = [
  {
    where: /\/sg-session-compile-cache\//,
    because: 'Node’s cache of compiled sources: the words that stand in the tests themselves',
  },
  {
    where: /\/endpoint\.json$/,
    what: /^endpoint key$/,
    because: 'the file by which a program of the user finds the key',
  },
  { where: /\.key$/, what: /^script key$/, because: 'the file in which the operator gives the broker its script key' },
]
