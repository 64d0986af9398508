import { noteSecret } from './canaries.ts'

/**
 * Everybody the sandbox knows, named for what is special about them. One row is a person; `site` is their row on the
 * ShotGrid site (absent: no ShotGrid user), `autodesk` their Autodesk account (absent: they cannot sign in there).
 */
export interface SandboxPerson {
  /** How tests and the demo call them. */
  readonly key: string
  readonly firstname: string
  readonly lastname: string
  readonly email: string
  readonly site?: {
    readonly login: string
    readonly status: 'act' | 'dis'
    readonly role: 'admin' | 'manager' | 'artist' | 'vendor'
    /** Legacy passphrase; undefined: never set. */
    readonly passphrase?: string
    /** Personal Access Token bound to the user. `deleted`: deleted in the Autodesk profile after it was bound. */
    readonly pat: 'bound' | 'deleted' | 'none'
    readonly twoFactorCode?: string
    readonly canImpersonate: boolean
    readonly retired: boolean
    /** How many of the seeded projects they may see: all of them, or the first n. */
    readonly seesProjects: 'all' | number
  }
  readonly autodesk?: {
    /** The `sub` claim; Autodesk user ids are 12 upper-case characters. */
    readonly sub: string
    readonly password: string
    readonly emailVerified: boolean
  }
}

export interface SandboxScript {
  readonly name: string
  readonly key: string
  readonly maySudo: boolean
}

const password = noteSecret('Autodesk password', 'autodesk-password')
const passphrase = noteSecret('passphrase', 'legacy-passphrase')

const onSite = {
  status: 'act',
  role: 'artist',
  passphrase,
  pat: 'bound',
  canImpersonate: true,
  retired: false,
  seesProjects: 2,
} as const

const autodesk = (sub: string) => ({ sub, password, emailVerified: true })

export const sandboxPeople: readonly SandboxPerson[] = [
  {
    key: 'artist',
    firstname: 'Plain',
    lastname: 'Artist',
    email: 'artist@studio.example',
    site: { ...onSite, login: 'artist@studio.example' },
    autodesk: autodesk('ARTIST000001'),
  },
  {
    key: 'supervisor',
    firstname: 'Old',
    lastname: 'Login',
    email: 'supervisor@studio.example',
    site: { ...onSite, login: 'supervisor', role: 'manager', seesProjects: 'all' },
    autodesk: autodesk('SUPERV000002'),
  },
  {
    key: 'shared-a',
    firstname: 'Shared',
    lastname: 'Mail A',
    email: 'shared@studio.example',
    site: { ...onSite, login: 'shared-a' },
    autodesk: autodesk('SHAREDA00003'),
  },
  {
    key: 'shared-b',
    firstname: 'Shared',
    lastname: 'Mail B',
    email: 'shared@studio.example',
    site: { ...onSite, login: 'shared-b' },
  },
  {
    key: 'disabled',
    firstname: 'Disabled',
    lastname: 'Account',
    email: 'disabled@studio.example',
    site: { ...onSite, login: 'disabled@studio.example', status: 'dis' },
    autodesk: autodesk('DISABL000004'),
  },
  {
    key: 'retired',
    firstname: 'Retired',
    lastname: 'Row',
    email: 'reused@studio.example',
    site: { ...onSite, login: 'reused', retired: true },
    autodesk: autodesk('RETIRE000005'),
  },
  {
    key: 'reused',
    firstname: 'Reused',
    lastname: 'Login',
    email: 'newcomer@studio.example',
    site: { ...onSite, login: 'reused' },
    autodesk: autodesk('REUSED000006'),
  },
  {
    key: 'no-impersonation',
    firstname: 'Impersonation',
    lastname: 'Off',
    email: 'no-impersonation@studio.example',
    site: { ...onSite, login: 'no-impersonation@studio.example', canImpersonate: false },
    autodesk: autodesk('NOIMPE000007'),
  },
  {
    key: 'no-pat',
    firstname: 'No',
    lastname: 'Token',
    email: 'no-pat@studio.example',
    site: { ...onSite, login: 'no-pat', pat: 'none' },
    autodesk: autodesk('NOPAT0000008'),
  },
  {
    key: 'deleted-pat',
    firstname: 'Deleted',
    lastname: 'Token',
    email: 'deleted-pat@studio.example',
    site: { ...onSite, login: 'deleted-pat', pat: 'deleted' },
    autodesk: autodesk('DELPAT000009'),
  },
  {
    key: 'no-passphrase',
    firstname: 'No',
    lastname: 'Passphrase',
    email: 'no-passphrase@studio.example',
    site: { ...withoutPassphrase(), login: 'no-passphrase@studio.example' },
    autodesk: autodesk('NOPASS000010'),
  },
  {
    key: 'two-factor',
    firstname: 'Two',
    lastname: 'Factor',
    email: 'two-factor@studio.example',
    site: { ...onSite, login: 'two-factor', twoFactorCode: '246810' },
    autodesk: autodesk('TWOFAC000011'),
  },
  {
    key: 'admin',
    firstname: 'Site',
    lastname: 'Admin',
    email: 'admin@studio.example',
    site: { ...onSite, login: 'admin', role: 'admin', seesProjects: 'all' },
    autodesk: autodesk('ADMIN0000012'),
  },
  {
    key: 'case-lower',
    firstname: 'Case',
    lastname: 'Lower',
    email: 'case@studio.example',
    site: { ...onSite, login: 'case-lower' },
    autodesk: autodesk('CASELO000013'),
  },
  {
    key: 'case-upper',
    firstname: 'Case',
    lastname: 'Upper',
    email: 'Case@studio.example',
    site: { ...onSite, login: 'case-upper' },
  },
  {
    key: 'unverified',
    firstname: 'Unverified',
    lastname: 'Mail',
    email: 'unverified@studio.example',
    site: { ...onSite, login: 'unverified@studio.example' },
    autodesk: { ...autodesk('UNVERI000014'), emailVerified: false },
  },
  {
    key: 'stranger',
    firstname: 'No',
    lastname: 'Account',
    email: 'stranger@studio.example',
    autodesk: autodesk('STRANG000015'),
  },
]

export const sandboxScripts: readonly SandboxScript[] = [
  { name: 'identity-broker', key: noteSecret('script key', 'script-key-with-sudo'), maySudo: true },
  { name: 'nightly-report', key: noteSecret('script key', 'script-key-without-sudo'), maySudo: false },
]

function withoutPassphrase() {
  const { passphrase: _none, ...rest } = onSite
  return { ...rest, pat: 'none' as const }
}

/** Throws when nobody has that key: a misspelt key in a test must not look like a missing person on the site. */
export function personNamed(key: string): SandboxPerson {
  const person = sandboxPeople.find((candidate) => candidate.key === key)
  if (!person) throw new Error(`the sandbox has nobody called "${key}"`)
  return person
}
