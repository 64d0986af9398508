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
  {
    where: /\/app-\w+\/start\.js$/,
    what: /^session token$/,
    because: 'the Electron program of a test of fetch, with what it is to send',
  },
  {
    where: /\/trace$/,
    what: /^script key$/,
    because: 'what strace wrote of a broker that reads its key file: its system calls are what that test looks at',
  },
  {
    where: /\/token$/,
    what: /^session token$/,
    because: 'what `sg-session get` has printed into a file, in a test of what it prints',
  },
  {
    where: /\/heard$/,
    what: /^session token$/,
    because: 'what a stand-in for the next program was passed on, in a test of what is passed on',
  },
  {
    where: /\/sg-session\.mjs$/,
    what: /^session token$/,
    because: 'the program of a test of taking over, with what it is to pass on',
  },
  { where: /\.key$/, what: /^script key$/, because: 'the file in which the operator gives the broker its script key' },
]
