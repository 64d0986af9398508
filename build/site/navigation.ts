/** A page in a sidebar: what it is called there, and its file in the repository. */
export type Entry = readonly [title: string, file: string]

/** Pages for one kind of reader. */
export interface Section {
  readonly title: string
  readonly pages: readonly Entry[]
}

/** The sidebar of the site. A test compares: every page stands in it once, and every entry is a page. */
export const sections: readonly Section[] = [
  {
    title: 'sg-session',
    pages: [
      ['Start here', 'docs/index.md'],
      ['What it is, and how it compares', 'README.md'],
    ],
  },
  {
    title: 'Artists',
    pages: [
      ['Your day with sg-session', 'docs/artists.md'],
      ['Before the site moves', 'docs/preflight.md'],
    ],
  },
  {
    title: 'Plug-in developers',
    pages: [
      ['Plug-ins', 'docs/plug-ins.md'],
      ['Toolkit and Flow data', 'docs/plug-ins-toolkit.md'],
      ['Node, commands, other languages', 'docs/plug-ins-node.md'],
      ['Trying your own tool', 'docs/plug-ins-testing.md'],
      ['Examples', 'docs/examples/README.md'],
      ['How long a session lives', 'docs/sessions.md'],
      ['Errors', 'docs/errors.md'],
      ['Web apps', 'docs/web-apps.md'],
      ['The protocol', 'docs/PROTOCOL.md'],
      ['Python reference', 'docs/reference/python.md'],
      ['Node reference', 'docs/reference/node.md'],
    ],
  },
  {
    title: 'IT',
    pages: [
      ['Overview', 'docs/it/README.md'],
      ['Linux', 'docs/it/linux.md'],
      ['Windows', 'docs/it/windows.md'],
      ['macOS', 'docs/it/macos.md'],
      ['Configuration', 'docs/configuration.md'],
      ['Policy reference', 'docs/it/policy-reference.md'],
      ['Which programs may', 'docs/tools.md'],
      ['The local audit', 'docs/audit.md'],
      ['Network', 'docs/it/network.md'],
      ['Updates', 'docs/updates.md'],
      ['The doctor', 'docs/doctor.md'],
      ['Removing it', 'docs/it/uninstall.md'],
      ['What IT asks', 'docs/it/faq.md'],
    ],
  },
  {
    title: 'Broker operators',
    pages: [
      ['The broker', 'docs/broker.md'],
      ['Who is who', 'docs/broker-people.md'],
      ['The gateway', 'docs/broker-gateway.md'],
      ['While it runs', 'docs/broker-operation.md'],
      ['Audit and switch', 'docs/broker-audit.md'],
    ],
  },
  {
    title: 'Security',
    pages: [
      ['What is protected, and how', 'docs/security.md'],
      ['For reviewers', 'docs/security-review.md'],
      ['Who is calling', 'docs/who-is-calling.md'],
      ['Report a weakness', 'SECURITY.md'],
    ],
  },
  {
    title: 'Contributors',
    pages: [
      ['Contributing', 'CONTRIBUTING.md'],
      ['How the code is laid out', 'src/README.md'],
      ['How the tray app is laid out', 'app/README.md'],
      ['When the program is replaced', 'docs/hand-over.md'],
      ['Fuzzing', 'test/fuzz/README.md'],
      ['Releasing', 'docs/release.md'],
    ],
  },
  {
    title: 'On record',
    pages: [
      ['Decisions', 'docs/decisions.md'],
      ['Performance', 'docs/performance.md'],
      ['Changelog', 'CHANGELOG.md'],
    ],
  },
]

/** The sidebar of the French part. */
export const sectionsInFrench: readonly Section[] = [
  { title: 'Artistes', pages: [['Votre journée avec sg-session', 'docs/artists.fr.md']] },
]

/** The bar on top: a kind of reader, and the page they begin with. `more` is behind «More». */
export const bar: readonly Entry[] = [
  ['Artists', 'docs/artists.md'],
  ['Plug-ins', 'docs/plug-ins.md'],
  ['IT', 'docs/it/README.md'],
  ['Broker', 'docs/broker.md'],
  ['Contributors', 'CONTRIBUTING.md'],
]
export const more: readonly Entry[] = [
  ['Decisions', 'docs/decisions.md'],
  ['Security', 'docs/security.md'],
  ['Performance', 'docs/performance.md'],
  ['Changelog', 'CHANGELOG.md'],
]
