import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { beforeEach, describe, expect, test } from 'vitest'

/** What npm test has made of app/ before it starts the tests. */
const read = (name: string): string => readFileSync(`out/app/${name}`, 'utf8')
/** The main process: its entry, and what that loads later. */
const mainFiles = (): string[] => readdirSync('out/app').filter((name) => name.endsWith('.js'))

describe('the bundled app', () => {
  beforeEach((context) => {
    if (!existsSync('out/app/main.js')) context.skip('the app is not bundled here: npm test does that')
  })

  test('imports only Node, Electron and packages that are installed with it', () => {
    const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Record<string, Record<string, string>>
    const there = new Set([
      ...Object.keys({ ...manifest['dependencies'], ...manifest['optionalDependencies'] }),
      ...builtinModules,
      ...['electron', 'original-fs'],
    ])
    const imported = mainFiles().flatMap((name) => importsOf(read(name)))
    expect(imported).toContain('electron')
    const [own, foreign] = [imported.filter(isOwn), imported.filter((one) => !isOwn(one))]
    expect(foreign.map(packageOf).filter((name) => !there.has(name))).toEqual([])
    expect(own.filter((name) => !existsSync(`out/app/${name}`))).toEqual([])
  })

  test('asks nothing of Node that the older of the two Electrons has not', () => {
    for (const name of mainFiles()) {
      expect(read(name)).not.toMatch(/node:sqlite|setGlobalProxyFromEnv|setDefaultCACertificates|getCACertificates/)
    }
  })

  test('loads nothing of electron-updater before there is something to download', () => {
    const withIt = mainFiles().filter((name) => read(name).includes('APPIMAGE env is not defined'))
    expect(withIt).toEqual(['download-release.js'])
    // What the entry and what stands behind the icon import without being asked.
    const atStart = new Set(['main.js', 'run.js'])
    for (const name of atStart) {
      const imported = read(name).matchAll(/^import\b(?!\.)[^"']*?["']\.\/([^"']+)["']/gm)
      for (const [, own] of imported) atStart.add(own ?? '')
    }
    expect(atStart.size).toBeGreaterThan(3)
    expect([...atStart].filter((name) => /^(download-release|system-updates|updates)/.test(name))).toEqual([])
  })

  test('has a preload script that requires nothing but electron, as the sandbox demands', () => {
    const required = [...read('preload.cjs').matchAll(/\brequire\(\s*["']([^"']+)["']\s*\)/g)].map(([, name]) => name)
    expect([...new Set(required)]).toEqual(['electron'])
    expect(read('preload.cjs')).not.toMatch(/^\s*(import|export)\b/m)
  })

  test('has a page with no line of script or style inside, and addresses of its own files only', () => {
    const html = read('pages/page.html')
    expect(html).not.toMatch(/<style|\bstyle=|\son\w+=|crossorigin|https?:|data:/i)
    for (const [, text] of html.matchAll(/<script\b[^>]*>([\s\S]*?)<\/script>/g)) expect(text?.trim()).toBe('')
    const addresses = [...html.matchAll(/\b(?:src|href)="([^"]+)"/g)].map(([, address]) => address ?? '')
    expect(addresses.length).toBeGreaterThan(1)
    for (const address of addresses) expect(existsSync(`out/app/pages/${address}`), address).toBe(true)
  })

  test('has pages whose files can be listed: no name changes from build to build, and no data: addresses', () => {
    const names = readdirSync('out/app/pages')
    expect(names).toEqual(expect.arrayContaining(['page.css', 'page.html', 'page.js']))
    expect(names.filter((name) => /-[\w-]{8}\./.test(name))).toEqual([])
    for (const name of names.filter((one) => /\.(css|js)$/.test(one)))
      expect(read(`pages/${name}`)).not.toMatch(/url\(["']?data:/)
  })

  test('brings its icons', () => {
    expect(readdirSync('out/app/icons')).toEqual(
      expect.arrayContaining(['app.png', 'tray-signed-in-dark.png', 'tray-signed-in-dark@2x.png']),
    )
  })
})

function isOwn(specifier: string): boolean {
  return specifier.startsWith('./')
}

function importsOf(code: string): string[] {
  const found = code.matchAll(/^import\b(?!\.)[^"']*?["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']/gm)
  return [...new Set([...found].map(([, from, dynamic]) => from ?? dynamic ?? ''))]
}

function packageOf(specifier: string): string {
  const [first = '', second = ''] = specifier.replace(/^node:/, '').split('/')
  return first.startsWith('@') ? `${first}/${second}` : first
}
