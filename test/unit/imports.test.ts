import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'

/**
 * Who may import whom (each folder holds one conversation). A layer is a folder; `root` is what everybody needs, directly in
 * src/ and in the folders that hold no conversation, `agent` what wires everything. Every line says why it is there.
 */
const layers: Record<string, { readonly mayImport: readonly string[]; readonly because: string }> = {
  root: { mayImport: [], because: 'what everybody needs must need nobody, or every change ripples everywhere' },
  'src/session': {
    mayImport: [],
    because: 'the rules of a session are pure: they must not know how it was obtained or who asks',
  },
  'src/identity': { mayImport: [], because: 'the talk with Autodesk knows nothing of ShotGrid' },
  'src/shotgrid': { mayImport: [], because: 'the talk with a site serves agent and broker alike' },
  'src/hand-out': {
    mayImport: ['src/shotgrid', 'src/session'],
    because: 'what a tool gets is made of what is held, and of nothing else',
  },
  'src/sign-in': {
    mayImport: ['src/identity', 'src/shotgrid', 'src/session'],
    because: 'a way in joins the conversations that bring a session home',
  },
  'src/preflight': {
    mayImport: ['src/shotgrid', 'src/sign-in'],
    because: 'it asks a site what a sign-in would find, by the way in that is there, and judges; it serves nobody',
  },
  'src/socket': {
    mayImport: ['src/session'],
    because: 'plug-ins are served from what is held, never from the network',
  },
  'src/consent': {
    mayImport: ['src/socket'],
    because: 'it decides about who is calling, in the socket’s words, and knows nothing of what they get',
  },
  'src/hand-over': {
    mayImport: ['src/socket'],
    because: 'one program passes on to the next what the agent says it holds; it knows nothing of what that is',
  },
  'src/audit': {
    mayImport: ['src/session', 'src/socket'],
    because: 'it keeps what became of calls and sessions, in their own words, and decides nothing',
  },
  'src/policy': {
    mayImport: [],
    because:
      'what IT gets is made of the configuration’s schema and words alone, at build time and on the command line',
  },
  'src/update': { mayImport: [], because: 'whether a newer version is to be trusted must not hang on anything else' },
  'src/broker': {
    mayImport: ['src/shotgrid'],
    because: 'the studio service shares the site’s client with the agent, and nothing of the agent',
  },
  'src/client/node': {
    mayImport: ['src/socket'],
    because: 'a tool speaks the protocol; what is behind it is none of its business',
  },
  'src/doctor': {
    mayImport: ['src/audit', 'src/identity', 'src/shotgrid', 'src/sign-in', 'src/socket', 'src/update'],
    because: 'it asks every peer once, in the words the others use, and steers none: nothing of the agent may need it',
  },
  'src/erase': {
    mayImport: ['src/client/node', 'src/socket'],
    because: 'it finds the agent as a tool does, asks it to end, and removes files; it serves nobody',
  },
  agent: {
    mayImport: ['src/hand-out', 'src/shotgrid', 'src/sign-in', 'src/session', 'src/socket', 'src/consent', 'src/audit'],
    because: 'the one place where everything meets',
  },
  'src/cli': {
    mayImport: [
      'agent',
      'src/audit',
      'src/client/node',
      'src/doctor',
      'src/erase',
      'src/hand-over',
      'src/policy',
      'src/preflight',
      'src/socket',
    ],
    because:
      'a shell round the agent and a client of it; it takes claiming the endpoint and message types from the socket, and looks by itself at what one person lacks: no passphrase typed for that is the agent’s',
  },
  app: {
    mayImport: ['agent', 'src/doctor', 'src/hand-over', 'src/session', 'src/socket', 'src/update'],
    because: 'the Electron shell holds no logic that plain Node could hold',
  },
  build: {
    mayImport: ['src/broker', 'src/cli'],
    because:
      'it must run before anything is installed or built; only the manual pages are made of what the commands say of themselves',
  },
  test: {
    mayImport: [
      'agent',
      'app',
      'src/session',
      'src/identity',
      'src/shotgrid',
      'src/sign-in',
      'src/preflight',
      'src/socket',
      'src/consent',
      'src/audit',
      'src/update',
      'src/broker',
      'src/client/node',
      'src/doctor',
      'src/erase',
      'src/policy',
      'src/hand-over',
      'src/cli',
      'build',
      'docs/examples',
    ],
    because: 'tests may look everywhere',
  },
  'test/sandbox': {
    mayImport: ['docs/examples'],
    because: 'a peer that shared code with us would share our mistakes; the example of a web app is such a peer',
  },
  'docs/examples': {
    mayImport: [],
    because: 'somebody else’s tool begins with a copy of one, and has nothing of ours',
  },
}

const rootFolders = ['src/config', 'src/secrets', 'src/system', 'src/waiting']

/** Packages that stay behind one door, and which door. */
const packages: Record<string, { readonly only: readonly string[]; readonly because: string }> = {
  electron: { only: ['app'], because: 'the core runs in plain Node' },
  'electron-updater': {
    only: ['app'],
    because: 'only the app replaces itself, and only where the policy switched that on',
  },
  'openid-client': {
    only: ['src/identity', 'test'],
    because: 'OpenID Connect is one conversation; tests hold the sandbox against the real client',
  },
  fastify: {
    only: ['src/broker', 'test', 'test/sandbox', 'docs/examples'],
    because: 'the agent is no web server; a bench holds the broker against it, and a web app is one',
  },
  '@fastify/formbody': { only: ['src/broker', 'test', 'test/sandbox'], because: 'it belongs to fastify' },
  '@fastify/cors': { only: ['src/broker'], because: 'only web apps of the studio may read anything, and only there' },
  ioredis: { only: ['src/broker', 'test'], because: 'only brokers count together; tests look at what they keep' },
  'rate-limiter-flexible': { only: ['src/broker'], because: 'only the broker is open to strangers' },
  'prom-client': { only: ['src/broker'], because: 'only the service is watched by Prometheus' },
  '@fastify/busboy': { only: ['src/broker'], because: 'uploads pass through the gateway of the broker' },
  kysely: { only: ['src/broker'], because: 'only the broker has a database' },
  'node:sqlite': {
    only: ['src/broker', 'test'],
    because: 'Electron’s older Node has none, and the agent keeps nothing',
  },
  'csv-parse': {
    only: ['src/broker', 'test'],
    because: 'only the table of people comes as a spreadsheet; tests read what goes out',
  },
  'csv-stringify': {
    only: ['src/broker'],
    because: 'people and preflight go out as spreadsheets, from the broker alone',
  },
  commander: {
    only: ['src/cli', 'src/broker', 'build'],
    because: 'arguments are read at the entry; the manual pages are made of them',
  },
  jose: {
    only: ['src/broker', 'src/sign-in', 'src/shotgrid', 'test', 'test/sandbox'],
    because: 'tokens are judged by the broker, signed by a way in, and read from a site’s answer',
  },
  '@peculiar/x509': {
    only: ['src/socket', 'test/sandbox'],
    because: 'the run’s certificate is made in one file, the sandbox’s authority in another',
  },
  'oidc-provider': {
    only: ['test', 'test/sandbox'],
    because: 'it stands in for Autodesk, in the sandbox and in a bench, and ships nowhere',
  },
  'dbus-next': {
    only: ['test/sandbox'],
    because: 'the sandbox plays the desktop; Electron speaks to a real one by itself',
  },
  open: { only: ['src/cli'], because: 'the app opens browsers with Electron' },
  'p-retry': {
    only: ['src/shotgrid', 'src/sign-in'],
    because: 'only these conversations have a rule for trying again',
  },
  'proper-lockfile': { only: ['src/socket'], because: 'one lock: becoming the user’s agent' },
  'write-file-atomic': {
    only: ['root', 'src/socket', 'src/policy', 'app'],
    because:
      'four files are written: the endpoint at the socket, the settings by the root, IT’s policy, the autostart entry by the app',
  },
  'node:http': {
    only: ['root', 'src/identity', 'src/broker', 'test', 'test/sandbox'],
    because:
      'the redirect listener is the agent’s only HTTP, and lives while a sign-in waits; the broker listens; the root sets the proxy',
  },
  'node:tls': {
    only: ['root', 'src/socket', 'src/broker', 'test', 'test/sandbox'],
    because:
      'TLS is spoken at the socket and to the broker’s syslog receiver; the root sets the certificate authorities',
  },
  'rotating-file-stream': { only: ['app'], because: 'the app has no terminal to log to' },
  pino: { only: ['root'], because: 'one log, with one net under it' },
}

interface Import {
  readonly file: string
  readonly layer: string
  readonly what: string
}

const imports = sourceFiles(['src', 'app', 'build', 'test', 'docs/examples']).flatMap(importsOf)

function sourceFiles(folders: string[]): string[] {
  return folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .map((name) => join(folder, name))
      .filter((file) => /\.(ts|tsx)$/.test(file) && !file.includes('node_modules') && statSync(file).isFile()),
  )
}

function importsOf(file: string): Import[] {
  const text = readFileSync(file, 'utf8')
  const found = text.matchAll(
    /^\s*(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]|^\s*import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm,
  )
  return [...found].map(([, from, bare, dynamic]) => ({
    file,
    layer: layerOf(file),
    what: from ?? bare ?? dynamic ?? '',
  }))
}

function layerOf(file: string): string {
  if (file === 'src/agent.ts' || file === 'src/agent-desk.ts') return 'agent'
  if (dirname(file) === 'src' || rootFolders.includes(dirname(file))) return 'root'
  const found = Object.keys(layers)
    .filter((layer) => file.startsWith(`${layer}/`))
    .sort((a, b) => b.length - a.length)[0]
  if (!found) throw new Error(`${file} is in no layer`)
  return found
}

function targetLayer({ file, what }: Import): string {
  return layerOf(relative('.', join(dirname(file), what)))
}

const within = imports.filter(({ what }) => what.startsWith('.') && what.endsWith('.ts'))
const foreign = imports.filter(({ what }) => !what.startsWith('.'))

describe('layers', () => {
  test('there is something to look at', () => expect(within.length).toBeGreaterThan(100))

  for (const [layer, { mayImport, because }] of Object.entries(layers)) {
    test(`${layer} imports ${['itself', 'root', ...mayImport].join(', ')} only: ${because}`, () => {
      const allowed = new Set([layer, 'root', ...mayImport, ...(layer === 'test' ? ['test/sandbox'] : [])])
      if (layer === 'test/sandbox' || layer === 'docs/examples') allowed.delete('root')
      const wrong = within.filter((one) => one.layer === layer && !allowed.has(targetLayer(one)))
      expect(wrong.map(({ file, what }) => `${file} imports ${what}`)).toEqual([])
    })
  }

  test('no rule allows what nobody uses any more', () => {
    const stale = Object.entries(layers)
      .filter(([layer]) => layer !== 'test')
      .flatMap(([layer, { mayImport }]) =>
        mayImport
          .filter((target) => !within.some((one) => one.layer === layer && targetLayer(one) === target))
          .map((target) => `${layer} → ${target}`),
      )
    expect(stale).toEqual([])
  })

  test('every layer is a place that exists', () => {
    for (const layer of Object.keys(layers)) {
      if (layer !== 'root' && layer !== 'agent') expect(existsSync(layer), layer).toBe(true)
    }
  })
})

describe('packages', () => {
  for (const [name, { only, because }] of Object.entries(packages)) {
    test(`${name} is imported in ${only.join(', ')} only: ${because}`, () => {
      const wrong = foreign.filter((one) => isOf(name, one.what) && !only.includes(one.layer))
      expect(wrong.map(({ file, what }) => `${file} imports ${what}`)).toEqual([])
    })
  }

  test('no ban is about a package that is not there, or a door nobody uses', () => {
    const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Record<string, Record<string, string>>
    const known = new Set(
      Object.keys({ ...manifest['dependencies'], ...manifest['devDependencies'], ...manifest['optionalDependencies'] }),
    )
    const unused = Object.entries(packages).flatMap(([name, { only }]) => {
      if (!name.startsWith('node:') && !known.has(name)) return [`${name} is no dependency`]
      return only
        .filter((layer) => !foreign.some((one) => one.layer === layer && isOf(name, one.what)))
        .map((layer) => `${layer} does not import ${name}`)
    })
    expect(unused).toEqual([])
  })
})

function isOf(name: string, what: string): boolean {
  return what === name || what.startsWith(`${name}/`)
}
