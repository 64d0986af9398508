/** How an artist may change a key that no policy has locked. */
export type ArtistMay =
  /** In the settings window, or in the settings file. */
  | 'window'
  /** Asked for at the first start, if nothing says it; later in the settings file. */
  | 'first-start'
  /** In the settings file only. */
  | 'file'
  /** Not at all: a settings file that has it is refused. */
  | 'never'

export interface KeyWords {
  /** A few words, with the unit; no full stop. */
  readonly title: string
  /** Whole sentences for IT, with what each value does. Plain text: no mark-up. */
  readonly description: string
  /** A value as somebody may want it. */
  readonly example: unknown
}

export interface ConfigKeyWords extends KeyWords {
  readonly artist: ArtistMay
}

/**
 * What every key of the configuration is called and does: the one source of JSON Schema, ADMX, the reference and the man page
 * (`src/policy/`). In the order of the schema. The words in French are `policy/french.ts`.
 */
export const configWords = {
  sites: {
    title: 'ShotGrid sites',
    description:
      'The sites artists sign in to. The first is the one tools get when they name none. The list is one value: a locked list replaces the artist’s, it is not added to it.',
    example: [{ url: 'https://studio.shotgrid.autodesk.com', broker: 'https://sg-broker.studio.example' }],
    artist: 'first-start',
  },
  'identity.issuer': {
    title: 'Autodesk Identity',
    description: 'Address of the identity provider that artists sign in at.',
    example: 'https://developer.api.autodesk.com',
    artist: 'file',
  },
  'identity.clientId': {
    title: 'Client id of the Autodesk app',
    description:
      'Client id of your Autodesk app, of the type "Desktop, Mobile, Single-Page App". It is no secret. Needed for a site with a broker, and for "identity-direct".',
    example: 'the client id of your Autodesk app',
    artist: 'first-start',
  },
  'identity.redirectPorts': {
    title: 'Redirect ports',
    description:
      'Ports of this machine at which the browser may come back, 1024 to 65535. Register http://localhost:PORT/callback with Autodesk for each: it compares exactly.',
    example: [14285, 21842],
    artist: 'file',
  },
  'identity.scopes': {
    title: 'Scopes of the Autodesk sign-in',
    description:
      'What the Autodesk sign-in may be used for. A change counts from the next sign-in. Flow data tools need "data:read", "data:write" and "data:create" too.',
    example: ['openid', 'user-profile:read', 'data:read'],
    artist: 'file',
  },
  'identity.serveAccessToken': {
    title: 'Hand the Autodesk access token to tools',
    description:
      'Tools may have the Autodesk access token of the sign-in too (autodesk/get), with all of "identity.scopes": whatever those allow, every program of the artist can then do. Lock it, or an artist’s settings can switch it on.',
    example: true,
    artist: 'file',
  },
  'session.maxAgeHours': {
    title: 'Longest session (hours)',
    description: 'No session is served longer than this many hours after the sign-in. 24 at most.',
    example: 10,
    artist: 'file',
  },
  'session.remindBeforeMinutes': {
    title: 'Remind before the end (minutes)',
    description: 'How many minutes before its end the end of a session is announced. 0 announces none.',
    example: 60,
    artist: 'file',
  },
  'session.endOnScreenLock': {
    title: 'Sign out when the screen is locked',
    description: 'Locking the screen signs the artist out. Tray app only.',
    example: true,
    artist: 'file',
  },
  'session.endOnSuspendHours': {
    title: 'Sign out after a sleep of (hours)',
    description:
      'A machine that slept longer than this many hours is signed out when it wakes; 24 at most. When not set, sleep alone ends nothing. Tray app only.',
    example: 2,
    artist: 'file',
  },
  'session.rememberSignIn': {
    title: 'Remember the sign-in for the day',
    description:
      'The system’s keychain keeps the Autodesk refresh token and the key of the sign-in, so that a restart within the same working day needs no browser. No ShotGrid session is ever stored. Tray app only; a change counts from its next start.',
    example: true,
    artist: 'window',
  },
  'tools.consent': {
    title: 'Which programs may have a session',
    description:
      '"prompt" asks the artist about programs nobody has decided about, "allow-list" serves those of "tools.allow" only, "allow-all" serves every program of the artist but those of "tools.deny".',
    example: 'allow-list',
    artist: 'file',
  },
  'tools.allow': {
    title: 'Programs that are allowed',
    description:
      'Programs that are served without a question. Every member of a rule must fit; each rule must name a program by executable, script, parent, owner or sha256.',
    example: [{ executable: '/usr/autodesk/maya20*/bin/*', owner: 'root' }],
    artist: 'file',
  },
  'tools.deny': {
    title: 'Programs that are refused',
    description: 'Programs that are refused whatever else says yes, "allow-all" included.',
    example: [{ executable: '/home/**' }],
    artist: 'file',
  },
  'audit.file': {
    title: 'File of the local audit',
    description:
      'Where the local audit is written: an absolute path, or ~/… for one in each user’s home. When not set: audit.jsonl among the user’s state files.',
    example: '~/.sg-session-audit.jsonl',
    artist: 'file',
  },
  'audit.retentionDays': {
    title: 'Keep the audit for (days)',
    description: 'How many days the files of the local audit are kept, 1 to 3650.',
    example: 30,
    artist: 'file',
  },
  'audit.systemLog': {
    title: 'Audit to the system’s log too',
    description: 'Each entry of the audit is handed to the system’s log too, through logger.',
    example: true,
    artist: 'file',
  },
  'app.startAtLogin': {
    title: 'Start at login',
    description:
      'The tray app starts with the artist’s login. Where any file sets it, every start of the app makes the system agree. Tray app only.',
    example: true,
    artist: 'window',
  },
  'app.language': {
    title: 'Language',
    description:
      'The tray app’s language: "auto" is the system’s, or a language tag such as "fr"; a language it has not is as "auto". Tray app only.',
    example: 'fr',
    artist: 'window',
  },
  'network.proxy': {
    title: 'Proxy',
    description:
      'Address of the proxy to go through, in place of the system’s (tray app) or the environment’s (headless agent).',
    example: 'http://proxy.studio.example:3128',
    artist: 'file',
  },
  'network.extraCa': {
    title: 'Further certificate authorities',
    description: 'PEM file of certificate authorities to trust beside the system’s. Headless agent only.',
    example: '/etc/ssl/studio-ca.pem',
    artist: 'file',
  },
  'update.enabled': {
    title: 'Look for newer versions',
    description:
      'The tray app looks for newer versions of itself and puts them in place, where its user may replace it: an AppImage, an app or a Windows installation of one user. What a package manager has installed is never touched. Needs "update.feedUrl" and "update.publicKey". Tray app only.',
    example: true,
    artist: 'never',
  },
  'update.feedUrl': {
    title: 'Update feed',
    description:
      'The https folder that holds the metadata (latest.yml, latest-mac.yml, latest-linux.yml), its signatures and the files it names.',
    example: 'https://updates.studio.example/sg-session/',
    artist: 'never',
  },
  'update.publicKey': {
    title: 'Public key of the update feed',
    description: 'The Ed25519 key that signs the feed: base64 of its 32 bytes. No feed is taken without its signature.',
    example: 'NrL3bnkYh2J7sYzU0mO3nX3vJ1n0Vb8H4y0rj5Qw6sA=',
    artist: 'never',
  },
  'update.channel': {
    title: 'Update channel',
    description:
      '"latest" takes releases; "beta" reads beta.yml, beta-mac.yml or beta-linux.yml, and takes versions such as 1.4.0-beta.2 too.',
    example: 'beta',
    artist: 'never',
  },
} as const satisfies Record<string, ConfigKeyWords>

export type ConfigKey = keyof typeof configWords

/** The members of a site, and of a rule about programs. */
export const siteWords = {
  url: {
    title: 'Address',
    description: 'The site’s address: scheme, host and port only.',
    example: 'https://studio.shotgrid.autodesk.com',
  },
  name: {
    title: 'Name',
    description: 'What people call the site. When not set: its host name.',
    example: 'Studio',
  },
  signIn: {
    title: 'Way in',
    description:
      'How artists sign in: "broker" at Autodesk, with the studio’s broker; "web" at the site in the browser; "legacy" with login and passphrase; "identity-direct" at Autodesk without a broker; "auto" the first of the first three that there is.',
    example: 'web',
  },
  broker: {
    title: 'Broker',
    description: 'Address of the studio’s broker. With one, "identity.clientId" is needed too.',
    example: 'https://sg-broker.studio.example',
  },
} as const satisfies Record<string, KeyWords>

export const toolRuleWords = {
  executable: {
    title: 'Program file',
    description:
      'Path of the program file, links resolved. ? stands for one character but a slash, * for any number of them, ** for anything.',
    example: '/usr/autodesk/maya20*/bin/*',
  },
  script: {
    title: 'Script',
    description:
      'Path of the script that an interpreter runs, from its command line, which a program can rewrite: name it together with an executable.',
    example: '/opt/pipeline/**',
  },
  parent: {
    title: 'Parent program',
    description: 'Path of the file of any program above it: its launcher, say.',
    example: '/opt/launcher/bin/launcher',
  },
  owner: {
    title: 'Owner',
    description:
      '"root": only root can have written the file, every folder above it and, if the rule has a script, that too. Fits nothing on Windows.',
    example: 'root',
  },
  sha256: {
    title: 'SHA-256 of the program file',
    description: 'Hash of the program file, 64 hexadecimal digits. It changes with every update.',
    example: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  },
  client: {
    title: 'Claimed name',
    description:
      'What the program calls itself. It proves nothing: it can only make an allow rule narrower, and alone it stands in "tools.deny" only.',
    example: 'maya',
  },
  sites: {
    title: 'Only these sites',
    description: 'Addresses of the sites the rule is about. When not set: every one.',
    example: ['https://studio.shotgrid.autodesk.com'],
  },
  scope: {
    title: 'Scope',
    description:
      'In "tools.allow" the most the program may have: "session", "rest" (when not set) or "autodesk". In "tools.deny" the least it may not: everything when not set.',
    example: 'session',
  },
} as const satisfies Record<string, KeyWords>

/** What the parts of the configuration are called. */
export const sectionWords = {
  sites: 'Sites',
  identity: 'Autodesk Identity',
  session: 'Sessions',
  tools: 'Programs',
  audit: 'Audit',
  app: 'Tray app',
  network: 'Network',
  update: 'Updates',
} as const

/** Keys that only a policy may set: what they do goes beyond the artist’s account. */
export const policyOnlyKeys: ReadonlySet<string> = new Set(
  Object.entries<ConfigKeyWords>(configWords)
    .filter(([, { artist }]) => artist === 'never')
    .map(([key]) => key),
)
