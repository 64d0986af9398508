import type {
  AboutView,
  Action,
  ConsentView,
  FirstRunView,
  ProgramRow,
  ProgramsView,
  SettingsView,
  SignInView,
  SiteCard,
  StatusView,
  View,
} from '../../app/windows/contract.ts'

/** What the windows show to an artist of “Studio Example”; every window once. */
const site = 'https://studio-example.shotgrid.example'
export const action = (label: string, call: Action['call'], more: Partial<Action> = {}): Action => ({
  label,
  call,
  kind: 'plain',
  args: {},
  ...more,
})

const card: SiteCard = {
  site,
  name: 'Studio Example',
  state: 'signed_in',
  headline: 'Signed in as Plain Artist',
  detail: 'Login plain.artist · until 19:40 today',
  obtained: 'With login and passphrase. Unused, it ends at about 11:20.',
  left: { share: 0.76, label: '9 h 12 min left', soon: false },
  actions: [
    action('Open ShotGrid', 'openSite', { args: { site }, kind: 'primary' }),
    action('Switch user', 'switchUser', { args: { site } }),
    action('Sign out', 'signOut', { args: { site }, kind: 'danger' }),
  ],
}

export const status: StatusView = {
  window: 'status',
  language: 'en',
  title: 'sg-session',
  problems: [],
  sites: [card],
  tools: {
    heading: 'Tools that use the session',
    none: 'No tool has asked for the session yet.',
    rows: [
      { name: 'maya.bin', detail: 'calls itself “Maya 2025” · at 10:02', refused: false },
      {
        name: 'python3.11 running publish.py',
        whole: '/usr/bin/python3.11\n/tools/publish.py',
        detail: 'calls itself “publish” · last at 10:24, 12 times',
        refused: false,
      },
      {
        name: 'curl',
        detail: 'calls itself “Maya 2025” · at 10:31 · Refused: This program was not allowed to use the session.',
        refused: true,
      },
    ],
    actions: [action('Programs that may…', 'openPrograms')],
  },
  calls: {
    heading: 'Who asked for what, lately',
    none: 'Nobody has asked for anything yet.',
    hint: 'All of it: “sg-session audit” in a terminal.',
    rows: [
      {
        ...{ when: '10:31', who: 'curl', whole: '/usr/bin/curl', what: 'the session' },
        ...{ outcome: 'This program was not allowed to use the session.', refused: true },
      },
      {
        ...{ when: '10:24', who: 'python3.11 running publish.py', whole: '/usr/bin/python3.11' },
        ...{ what: 'a REST token, 12 times', outcome: 'given, as you allowed before', refused: false },
      },
    ],
  },
  actions: [
    action('Settings', 'openSettings'),
    action('Copy diagnosis', 'copyDiagnosis', { doing: 'Collecting…', done: 'Copied' }),
    action('About', 'openAbout'),
  ],
}

export const signedOut: StatusView = {
  ...status,
  sites: [
    {
      site,
      name: 'Studio Example',
      state: 'signed_out',
      headline: 'Signed out',
      detail: 'Your tools cannot reach ShotGrid.',
      problem: {
        tone: 'error',
        sentence: 'Your session ended on the site.',
        advice: 'Sign in again to go on; nothing in your tools is lost.',
      },
      actions: [action('Sign in', 'signIn', { args: { site }, kind: 'primary' })],
    },
  ],
  tools: { ...status.tools, rows: [] },
}

export const runningOut: StatusView = {
  ...status,
  problems: [
    {
      tone: 'warning',
      sentence: 'The keychain is locked.',
      advice: 'The sign-in is kept until you log out of this computer.',
    },
    {
      tone: 'info',
      sentence: 'Version 1.4.0 is ready.',
      advice: 'It is put in place when the windows of sg-session are closed.',
    },
  ],
  actions: [action('Restart now', 'restartForUpdate'), ...status.actions],
  sites: [
    { ...card, left: { share: 0.05, label: '34 min left', soon: true } },
    {
      site: 'https://second-unit.shotgrid.example',
      name: 'Second Unit',
      state: 'signing_in',
      headline: 'Signing in…',
      detail: 'Go on in your browser.',
      actions: [action('Cancel', 'cancelSignIn', { args: { site: 'https://second-unit.shotgrid.example' } })],
    },
  ],
}

export const signIn: SignInView = {
  window: 'sign-in',
  language: 'en',
  title: 'Sign in to Studio Example',
  state: 'waiting',
  headline: 'Go on in your browser',
  text: 'Autodesk asks who you are. When you are done there, this window closes by itself.',
  actions: [
    action('Open the browser again', 'openBrowserAgain', { args: { site } }),
    action('Copy link', 'copyLink', { args: { site }, done: 'Copied' }),
    action('Cancel', 'cancelSignIn', { args: { site } }),
  ],
  paste: {
    site,
    label: 'The browser cannot come back?',
    hint: 'Copy the address of the page it ended on, and paste it here.',
    submit: 'Go on',
  },
}

/** At a site that the browser is sent nowhere by. */
const { paste: _, ...unpasted } = signIn
export const approving: SignInView = {
  ...unpasted,
  headline: 'Approve in your browser',
  text: 'Studio Example asks there whether sg-session may sign you in. Say yes, and this window closes by itself.',
}

export const asking: SignInView = {
  window: 'sign-in',
  language: 'en',
  title: 'Sign in to Studio Example',
  state: 'asking',
  headline: 'Sign in to Studio Example',
  text: 'Your passphrase goes to studio-example.shotgrid.example once, and is kept nowhere.',
  credentials: {
    site,
    login: { label: 'ShotGrid login', hint: 'As in your account settings there; not always your e-mail address.' },
    passphrase: { label: 'ShotGrid passphrase', hint: 'Not the password of your Autodesk account.' },
    submit: 'Go on',
  },
  actions: [action('Cancel', 'cancelSignIn', { args: { site } })],
}

const openSite = action('Open ShotGrid', 'openHelp', { args: { site, page: 'site' } })
export const askingAgain: SignInView = {
  ...asking,
  text: '',
  problem: {
    tone: 'error',
    sentence: 'This site wants a Personal Access Token bound to the user.',
    advice: '',
    steps: [
      'In your Autodesk profile, create a Personal Access Token for ShotGrid.',
      'On the site, in Account Settings, “Legacy Login and Personal Access Token”: bind it, and set a passphrase if you have none.',
      'Try again. Login or passphrase may be wrong too: the site does not say which.',
    ],
  },
  help: [action('Open Autodesk profile', 'openHelp', { args: { site, page: 'autodesk-profile' } }), openSite],
  credentials: {
    site,
    login: { label: 'ShotGrid login', hint: '' },
    passphrase: { label: 'ShotGrid passphrase', hint: '' },
    submit: 'Go on',
  },
}

export const askingForCode: SignInView = {
  ...asking,
  text: '',
  problem: {
    tone: 'info',
    sentence: 'The site asks for a two-factor code.',
    advice: '',
    steps: [
      'Open the authenticator that you have set up for this site.',
      'Enter your passphrase once more, and the code that it shows now.',
      'Do you have none any more? Ask an administrator of the site.',
    ],
  },
  help: [openSite],
  credentials: {
    site,
    login: { label: 'ShotGrid login', hint: '' },
    passphrase: { label: 'ShotGrid passphrase', hint: '' },
    code: { label: 'Two-factor code', hint: '' },
    submit: 'Go on',
  },
}

export const refused: SignInView = {
  window: 'sign-in',
  language: 'en',
  title: 'Sign in to Studio Example',
  state: 'failed',
  headline: 'The sign-in did not work',
  text: '',
  problem: {
    tone: 'error',
    sentence: 'Your Autodesk account is not known on this site.',
    advice: 'Ask your production to add plain.artist@studio.example in ShotGrid, then try again.',
  },
  actions: [action('Try again', 'signIn', { args: { site }, kind: 'primary' }), action('Close', 'closeWindow')],
}

export const firstRun: FirstRunView = {
  window: 'first-run',
  language: 'en',
  title: 'Set up sg-session',
  headline: 'Where is your ShotGrid?',
  text: 'Two addresses, once. Your pipeline department knows both.',
  site: {
    label: 'ShotGrid site',
    hint: 'The address you open in the browser.',
    value: '',
    placeholder: 'https://studio.shotgrid.example',
  },
  broker: {
    label: 'Sign-in service of the studio',
    hint: 'Leave it empty if your studio has none.',
    value: '',
    placeholder: 'https://sign-in.studio.example',
  },
  checking: 'Checking…',
  save: 'Save',
}

export const consent: ConsentView = {
  window: 'consent',
  language: 'en',
  title: 'Allow a program?',
  id: 'question-1',
  headline: 'May “mayapy.bin” use your session of Studio Example?',
  facts: [
    { label: 'Program', value: '/usr/autodesk/maya2025/bin/mayapy.bin' },
    { label: 'Script', value: '/tools/pipeline/publish.py', note: 'As its command line says.' },
    { label: 'Installed by', value: 'IT: only an administrator can change it' },
    {
      label: 'Started by',
      value: 'tk-desktop ← gnome-shell',
      whole: '/opt/tk-desktop (4117)\n/usr/bin/gnome-shell (812)',
    },
    { label: 'Process', value: '4711' },
    { label: 'Wants', value: 'To read and change studio.shotgrid.autodesk.com in your name' },
  ],
  claim: 'It calls itself “Maya 2025”. Any program can say that.',
  hint: '“This time” is for as long as it runs. “Always” is until you revoke it under Programs.',
  actions: [
    action('Do not allow', 'answerConsent', { args: { id: 'question-1', answer: 'deny' } }),
    action('Allow this time', 'answerConsent', { args: { id: 'question-1', answer: 'once' }, kind: 'primary' }),
    action('Always allow', 'answerConsent', { args: { id: 'question-1', answer: 'always' } }),
  ],
}

const program = (id: string, name: string, executable: string, more: Partial<ProgramRow> = {}): ProgramRow => ({
  id,
  name,
  facts: [
    { label: 'Program', value: executable },
    { label: 'Site', value: 'Studio Example' },
    { label: 'Allowed', value: 'since May 10, 2026' },
    { label: 'Last used', value: 'May 12, 2026' },
  ],
  action: action('Revoke', 'revokeTool', { args: { id }, kind: 'danger' }),
  ...more,
})

export const programs: ProgramsView = {
  window: 'programs',
  language: 'en',
  title: 'Programs',
  headline: 'Programs that may use your session',
  text: 'You are asked once for each program.',
  none: 'You have allowed none yet. When a program wants your session, a window asks you.',
  rows: [
    program('1', 'maya.bin', '/usr/autodesk/maya2025/bin/maya.bin'),
    program('2', 'python3.11 running publish.py', '/usr/bin/python3.11'),
  ],
  refused: {
    heading: 'Not asked about for now',
    text: 'You said no, or nobody answered.',
    rows: [
      program('3', 'curl', '/usr/bin/curl', {
        action: action('Ask me again', 'askAgain', { args: { executable: '/usr/bin/curl', script: '', site } }),
      }),
    ],
  },
  actions: [action('Close', 'closeWindow')],
}
export const noPrograms: ProgramsView = { ...programs, rows: [], refused: { ...programs.refused, rows: [] } }

export const settings: SettingsView = {
  window: 'settings',
  language: 'en',
  title: 'Settings',
  items: [
    {
      key: 'app.startAtLogin',
      label: 'Start when I log in to this computer',
      hint: 'The session is there before the first tool asks for it.',
      value: true,
    },
    {
      key: 'session.rememberSignIn',
      label: 'Stay signed in after a restart',
      hint: 'Keeps the sign-in, never the session, in the keychain of this computer.',
      value: false,
      locked: 'Set by your studio.',
    },
    {
      key: 'app.language',
      label: 'Language',
      hint: 'Of these windows and of notifications.',
      value: 'system',
      choices: [
        { value: 'system', label: 'As the system' },
        { value: 'en', label: 'English' },
        { value: 'fr', label: 'Français' },
      ],
    },
  ],
  actions: [action('Open logs', 'openLogs'), action('About', 'openAbout')],
}

export const about: AboutView = {
  window: 'about',
  language: 'en',
  title: 'About sg-session',
  name: 'sg-session',
  text: 'Sign in to ShotGrid once; every tool has the session.',
  facts: [
    { label: 'Version', value: '0.1.0' },
    { label: 'Electron', value: '45.4.1' },
    { label: 'System', value: 'Rocky Linux 9.4, x64' },
    { label: 'Settings', value: '/home/plain.artist/.config/sg-session/settings.json' },
  ],
  actions: [
    action('Copy diagnosis', 'copyDiagnosis', { kind: 'primary', doing: 'Collecting…', done: 'Copied' }),
    action('Open logs', 'openLogs'),
  ],
}

export const everyWindow: readonly View[] = [status, signIn, firstRun, consent, programs, settings, about]

/** How large the app opens each of them. */
export const sizes = {
  status: { width: 420, height: 560 },
  'sign-in': { width: 420, height: 560 },
  'first-run': { width: 460, height: 520 },
  consent: { width: 480, height: 580 },
  programs: { width: 480, height: 520 },
  settings: { width: 440, height: 480 },
  about: { width: 400, height: 420 },
} as const
