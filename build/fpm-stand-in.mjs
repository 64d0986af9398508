#!/usr/bin/env node
// Makes a deb or an rpm on a network that fpm cannot be fetched from: takes those of fpm's arguments that electron-builder and this
// project use (https://fpm.readthedocs.io), and has dpkg-deb and rpmbuild do the work. Whatever else fpm knows is an error here.
//   CUSTOM_FPM_PATH=build/fpm-stand-in.mjs electron-builder --linux deb
//   build/fpm-stand-in.mjs -s dir -t deb --name x --version 1 --architecture amd64 … --package x.deb tree/=/
// Plain JavaScript for Node 20. The same input gives the same package: files are sorted, root's, and none is younger than SOURCE_DATE_EPOCH.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const flags = ['force', 'deb-no-default-config-files']
const single = [
  ...[
    'architecture',
    'category',
    'description',
    'iteration',
    'license',
    'maintainer',
    'name',
    'package',
    'url',
    'vendor',
    'version',
  ],
  ...['before-install', 'after-install', 'before-remove', 'after-remove'],
  ...['deb-compression', 'deb-compression-level', 'deb-priority'],
  ...['rpm-compression', 'rpm-compression-level', 'rpm-os', 'rpm-summary'],
]
const several = ['config-files', 'deb-recommends', 'depends', 'directories', 'rpm-rpmbuild-define']
const short = { '-s': 'input', '-t': 'target', '-d': 'depends' }

/** Judges fpm's arguments: `{ options, sources: [{ from, to, contents }] }`. Throws for what it does not know and for what is missing. */
export function judgeArguments(argv) {
  const options = Object.fromEntries(several.map((name) => [name, []]))
  const sources = []
  for (let at = 0; at < argv.length; at++) {
    const argument = argv[at]
    if (!argument.startsWith('-')) {
      sources.push(judgeSource(argument))
      continue
    }
    const [, long, , attached] = /^--([a-z-]+)(=(.*))?$/s.exec(argument) ?? []
    const name = long ?? short[argument]
    if (attached === undefined && flags.includes(name)) {
      options[name] = true
      continue
    }
    const known = [...single, ...several, 'input', 'target'].includes(name)
    if (!known) throw new Error(`"${argument}" is an option of fpm that this stand-in does not know`)
    const value = attached ?? argv[++at]
    if (value === undefined) throw new Error(`"${argument}" has no value`)
    if (several.includes(name)) options[name].push(value)
    else options[name] = value
  }
  if (options.input !== 'dir') throw new Error(`"-s" must be dir, not "${options.input ?? ''}"`)
  if (!['deb', 'rpm'].includes(options.target))
    throw new Error(`"-t" must be deb or rpm, not "${options.target ?? ''}"`)
  for (const name of ['name', 'version', 'architecture', 'maintainer', 'description', 'package'])
    if (!options[name]) throw new Error(`"--${name}" is missing`)
  for (const name of [
    'name',
    'version',
    'architecture',
    'maintainer',
    'url',
    'vendor',
    'license',
    'category',
    'iteration',
  ])
    if (/[\n\r]/.test(options[name] ?? '')) throw new Error(`"--${name}" must be one line`)
  if (sources.length === 0) throw new Error('there is nothing to package')
  return { options: { ...options, architecture: architectureOf(options) }, sources }
}

/** Each distribution has names of its own; fpm takes any. */
function architectureOf({ target, architecture }) {
  const names = [
    { deb: 'amd64', rpm: 'x86_64' },
    { deb: 'arm64', rpm: 'aarch64' },
    { deb: 'all', rpm: 'noarch' },
  ]
  return names.find((one) => Object.values(one).includes(architecture))?.[target] ?? architecture
}

/** `from=to`; with a slash behind `from` the folder's contents, not the folder. */
function judgeSource(argument) {
  const [, from, to] = /^([^=]+)=(\/.*)$/s.exec(argument) ?? []
  if (from === undefined) throw new Error(`"${argument}" is not of the form FROM=/TO`)
  return { from, to, contents: from.endsWith('/') }
}

/** The tree as it will lie on the machine, as hard links where that is possible. */
function layOut(sources, tree) {
  for (const { from, to, contents } of sources) {
    const there = lstatSync(from)
    if (there.isDirectory()) copy(from, join(tree, to, contents ? '' : basename(from)))
    else copy(from, to.endsWith('/') ? join(tree, to, basename(from)) : join(tree, to))
  }
}

function copy(from, to) {
  const stat = lstatSync(from)
  if (stat.isDirectory()) {
    mkdirSync(to, { recursive: true })
    for (const name of readdirSync(from)) copy(join(from, name), join(to, name))
    return
  }
  mkdirSync(dirname(to), { recursive: true })
  rmSync(to, { force: true })
  if (stat.isSymbolicLink()) return symlinkSync(readlinkSync(from), to)
  if (!stat.isFile()) throw new Error(`"${from}" is neither a file, a folder nor a link`)
  try {
    linkSync(from, to)
  } catch (error) {
    if (!['EXDEV', 'EPERM', 'EMLINK'].includes(error.code)) throw error
    copyFileSync(from, to)
    chmodSync(to, stat.mode & 0o7777)
  }
}

/** All that is in the tree, sorted: `{ path: '/usr/bin/x', kind: 'file' | 'folder' | 'link', mode, size }`. */
function list(tree, path = '') {
  return readdirSync(join(tree, path))
    .sort()
    .flatMap((name) => {
      const inside = `${path}/${name}`
      const stat = lstatSync(join(tree, inside))
      const kind = stat.isDirectory() ? 'folder' : stat.isSymbolicLink() ? 'link' : 'file'
      const entry = { path: inside, kind, mode: stat.mode & 0o7777, size: stat.size }
      return kind === 'folder' ? [entry, ...list(tree, inside)] : [entry]
    })
}

/** fpm: what `--config-files` names, and for a deb all of /etc unless told otherwise. */
function configurationFiles(options, entries) {
  const named = (path) => options['config-files'].some((one) => path === one || path.startsWith(`${one}/`))
  const byDefault = (path) =>
    options.target === 'deb' && !options['deb-no-default-config-files'] && path.startsWith('/etc/')
  return entries.filter(({ kind, path }) => kind === 'file' && (named(path) || byDefault(path))).map(({ path }) => path)
}

/** The description as a control file has it: an empty line is a dot, each line after the first is indented. */
function descriptionOf(text) {
  const [first, ...rest] = text.trim().split('\n')
  return [first.trim(), ...rest.map((line) => ` ${line.trim() || '.'}`)].join('\n')
}

function makeDeb(options, tree, workshop) {
  const entries = list(tree)
  const control = join(tree, 'DEBIAN')
  const version = options.iteration ? `${options.version}-${options.iteration}` : options.version
  const fields = {
    Package: options.name,
    Version: version,
    License: options.license,
    Vendor: options.vendor,
    Architecture: options.architecture,
    Maintainer: options.maintainer,
    // In KiB, each file and folder rounded up: deb-substvars(5).
    'Installed-Size': entries.reduce((sum, { kind, size }) => sum + (kind === 'file' ? Math.ceil(size / 1024) : 1), 0),
    Depends: options.depends.join(', '),
    Recommends: options['deb-recommends'].join(', '),
    Section: options.category ?? 'default',
    Priority: options['deb-priority'] ?? 'optional',
    Homepage: options.url,
    Description: descriptionOf(options.description),
  }
  mkdirSync(control)
  const write = (name, text, mode = 0o644) => {
    writeFileSync(join(control, name), text)
    chmodSync(join(control, name), mode)
  }
  write(
    'control',
    Object.entries(fields)
      .map(([name, value]) => (value ? `${name}: ${value}\n` : ''))
      .join(''),
  )
  const sums = entries
    .filter(({ kind }) => kind === 'file')
    .map(({ path }) => `${md5(join(tree, path))}  ${path.slice(1)}\n`)
  write('md5sums', sums.join(''))
  const configuration = configurationFiles(options, entries)
  if (configuration.length > 0) write('conffiles', configuration.map((path) => `${path}\n`).join(''))
  for (const [name, option] of Object.entries({
    preinst: 'before-install',
    postinst: 'after-install',
    prerm: 'before-remove',
    postrm: 'after-remove',
  }))
    if (options[option]) write(name, readFileSync(options[option]), 0o755)

  const kinds = { gz: 'gzip', xz: 'xz', zst: 'zstd', none: 'none' }
  const kind = kinds[options['deb-compression'] ?? 'gz']
  if (!kind) throw new Error(`"--deb-compression" must be one of ${Object.keys(kinds).join(', ')}`)
  const level = options['deb-compression-level']
  const made = join(workshop, 'made.deb')
  run('dpkg-deb', ['--root-owner-group', `-Z${kind}`, ...(level ? [`-z${level}`] : []), '--build', tree, made])
  return made
}

function md5(file) {
  return createHash('md5').update(readFileSync(file)).digest('hex')
}

function makeRpm(options, tree, workshop) {
  const entries = list(tree)
  const spec = join(workshop, 'package.spec')
  writeFileSync(spec, specification(options, entries, tree, configurationFiles(options, entries)))
  const out = join(workshop, 'rpms')
  const define = (name, value) => ['--define', `${name} ${value}`]
  run('rpmbuild', [
    '-bb',
    '--quiet',
    '--target',
    `${options.architecture}-unknown-${options['rpm-os'] ?? 'linux'}`,
    ...define('_topdir', join(workshop, 'top')),
    ...define('_rpmdir', out),
    // Whoever builds it may have macros of their own.
    ...define('_rpmfilename', 'made.rpm'),
    ...define('_buildhost', 'localhost'),
    ...define('use_source_date_epoch_as_buildtime', 1),
    ...define('clamp_mtime_to_source_date_epoch', 1),
    ...define('_binary_payload', payload(options)),
    ...options['rpm-rpmbuild-define'].flatMap((one) => ['--define', one]),
    spec,
  ])
  return join(out, 'made.rpm')
}

function payload(options) {
  const kinds = {
    none: 'w0T.ufdio',
    gzip: 'w9.gzdio',
    xz: 'w6.xzdio',
    xzmt: `w6T${availableParallelism()}.xzdio`,
    zstd: 'w19.zstdio',
  }
  const kind = kinds[options['rpm-compression'] ?? 'gzip']
  if (!kind) throw new Error(`"--rpm-compression" must be one of ${Object.keys(kinds).join(', ')}`)
  const level = options['rpm-compression-level']
  return level ? kind.replace(/^w\d+/, `w${level}`) : kind
}

/** What rpm would find out by itself stays off: it would have the libraries that Chromium brings come from the distribution. */
function specification(options, entries, tree, configuration) {
  const summary = options['rpm-summary'] ?? options.description.trim().split('\n', 1)[0]
  const section = (name, option) =>
    options[option] ? `%${name} -p /bin/sh\n${unexpanded(readFileSync(options[option], 'utf8'))}\n` : ''
  const owned = (path) => options.directories.some((one) => path === one || path.startsWith(`${one}/`))
  const files = entries.flatMap(({ path, kind, mode }) => {
    if (/["\n*?[\]{}\\]/.test(path)) throw new Error(`"${path}" has a character that a list of rpm files cannot hold`)
    const quoted = `"${unexpanded(path)}"`
    const attributes = `%attr(${mode.toString(8).padStart(4, '0')}, root, root)`
    if (kind === 'folder') return owned(path) ? [`%dir ${attributes} ${quoted}`] : []
    if (kind === 'link') return [`%attr(-, root, root) ${quoted}`]
    return [`${configuration.includes(path) ? '%config(noreplace) ' : ''}${attributes} ${quoted}`]
  })
  return `Name: ${unexpanded(options.name)}
Version: ${unexpanded(options.version)}
Release: ${unexpanded(options.iteration ?? '1')}
Summary: ${unexpanded(summary)}
License: ${unexpanded(options.license ?? 'unknown')}
Group: ${unexpanded(options.category ?? 'default')}
${options.vendor ? `Vendor: ${unexpanded(options.vendor)}\n` : ''}Packager: ${unexpanded(options.maintainer)}
${options.url ? `URL: ${unexpanded(options.url)}\n` : ''}AutoReqProv: no
${options.depends.map((one) => `Requires: ${unexpanded(rpmDependency(one))}\n`).join('')}
%global debug_package %{nil}
%global __os_install_post %{nil}

%description
${unexpanded(options.description.trim())}

%install
mkdir -p %{buildroot}
cp -al '${unexpanded(tree)}/.' %{buildroot}/

${section('pre', 'before-install')}${section('post', 'after-install')}${section('preun', 'before-remove')}${section('postun', 'after-remove')}%files
${files.join('\n')}
`
}

/** Debian's `name (>= 1)` is `name >= 1` here; what stands in brackets as a whole is rpm's own boolean dependency. */
function rpmDependency(text) {
  const [, name, relation] = /^([^\s(]+)\s+\(([^)]*)\)$/.exec(text) ?? []
  return name === undefined ? text : `${name} ${relation}`
}

function unexpanded(text) {
  return text.replaceAll('%', '%%')
}

function run(program, args) {
  const { status, error, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' })
  if (status === 0) return
  const missing = error?.code === 'ENOENT' ? `; on Debian it comes with ${program === 'rpmbuild' ? 'rpm' : 'dpkg'}` : ''
  throw new Error(`${program} failed: ${error?.message ?? `${stdout}${stderr}`.trim()}${missing}`)
}

function makePackage(argv) {
  const { options, sources } = judgeArguments(argv)
  const made = resolve(options.package)
  mkdirSync(dirname(made), { recursive: true })
  // Beside the package, so that hard links are possible.
  const workshop = mkdtempSync(join(dirname(made), '.fpm-'))
  try {
    const tree = join(workshop, 'tree')
    layOut(sources, tree)
    // Folders that stand in no source have the mask of whoever builds.
    for (const { path, kind } of list(tree)) if (kind === 'folder') chmodSync(join(tree, path), 0o755)
    chmodSync(tree, 0o755)
    const file = options.target === 'deb' ? makeDeb(options, tree, workshop) : makeRpm(options, tree, workshop)
    renameSync(file, made)
  } finally {
    rmSync(workshop, { recursive: true, force: true })
  }
}

if (realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    makePackage(process.argv.slice(2))
  } catch (error) {
    process.stderr.write(`fpm-stand-in: ${error.message}\n`)
    process.exitCode = 1
  }
}
