import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Arch, build, Platform } from 'electron-builder'

const repository = fileURLToPath(new URL('../../..', import.meta.url))
const here = fileURLToPath(new URL('.', import.meta.url))
/** Whom wine says everything belongs to: it knows no Administrators. */
const wineOwner = 'S-1-5-21-0-0-0-1000'
/** By its place: the tests set PATH to what has it not. */
const registryProgram = 'C:\\windows\\system32\\reg.exe'

const wanted = ['makensis', 'x86_64-w64-mingw32-gcc', 'i686-w64-mingw32-gcc', '7z', 'wine'] as const
const debianPackages = 'nsis gcc-mingw-w64-x86-64-win32 gcc-mingw-w64-i686-win32 p7zip-full wine wine64'

/** What this needs that is not here, with the packages that bring it; undefined when all is. */
export function missingPrograms(): string | undefined {
  const missing = wanted.filter((name) => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0)
  return missing.length > 0 ? `${missing.join(', ')} not found: apt-get install ${debianPackages}` : undefined
}

export interface Installation {
  /** What the installer said by its exit status. */
  readonly status: number | null
}

/**
 * electron-builder makes the installer of our configuration here, with Debian's NSIS; wine runs it. Twice compiled: as it is for
 * Windows, 32-bit with warnings as errors; and as a 64-bit program, which is what wine of Debian runs without foreign packages. The
 * plug-ins of electron-builder's bundle and the programs inside are stand-ins (plugins.c, command.c).
 */
export class WindowsStage {
  readonly #folder = mkdtempSync(join(tmpdir(), 'sg-windows-'))
  readonly #payload = join(this.#folder, 'app')
  readonly #env: NodeJS.ProcessEnv

  constructor() {
    const prefix = join(this.#folder, 'wine')
    this.#env = {
      ...process.env,
      HOME: this.#folder,
      WINEPREFIX: prefix,
      WINEDEBUG: '-all',
      WINEDLLOVERRIDES: 'mscoree=;mshtml=',
      // Wine shows Unix' files as drive Z.
      SG_TEST_PAYLOAD: `Z:${this.#payload.replaceAll('/', '\\')}`,
    }
    this.#makeTools()
    this.#makePayload()
    run('wineboot', ['--init'], this.#env)
  }

  /** The installer of this version. `trustsWine`: what belongs to wine's only user counts as the administrators'. */
  async makeInstaller(version: string, { trustsWine }: { readonly trustsWine: boolean }): Promise<string> {
    const output = join(this.#folder, `out-${version}-${trustsWine}`)
    const settings = {
      ELECTRON_BUILDER_NSIS_DIR: join(this.#folder, 'nsis'),
      ELECTRON_BUILDER_NSIS_RESOURCES_DIR: join(this.#folder, 'resources'),
      ELECTRON_BUILDER_7ZIP_PATH: '/usr/bin/7z',
      SG_TEST_DEFINES: trustsWine ? `-DSG_ALSO_TRUSTED_OWNER=${wineOwner}` : '-DSG_NOBODY_ELSE',
      ...Object.fromEntries(Object.entries(this.#env).filter(([name]) => name.startsWith('WINE') || name === 'HOME')),
    }
    const before = { ...process.env }
    Object.assign(process.env, settings)
    try {
      const files = await build({
        projectDir: repository,
        targets: Platform.WINDOWS.createTarget('nsis', Arch.x64),
        prepackaged: this.#payload,
        publish: 'never',
        config: {
          extends: join(repository, 'electron-builder.yml'),
          electronVersion: '33.2.1',
          extraMetadata: { version },
          directories: { output },
        },
      })
      const installer = files.find((file) => file.endsWith('.exe'))
      if (installer === undefined) throw new Error(`electron-builder made no installer but ${files.join(', ')}`)
      return installer
    } finally {
      for (const name of Object.keys(settings)) delete process.env[name]
      Object.assign(process.env, before)
    }
  }

  /** Runs a program of Windows to its end. */
  run(program: string, args: readonly string[]): Installation {
    const { status } = spawnSync('wine', [program, ...args], { env: this.#env, timeout: 60_000 })
    return { status }
  }

  /**
   * The uninstaller, where it is installed, so that its exit status is its own: `_?=` keeps it from running as a copy. NSIS knows that
   * word only without quotation marks, which whoever starts a program through wine cannot leave out; a batch file can.
   */
  uninstall(args: readonly string[]): Installation {
    const folder = 'C:\\Program Files\\sg-session'
    const line = `"${folder}\\Uninstall sg-session.exe" ${args.join(' ')} _?=${folder}`
    writeFileSync(this.path('uninstall.cmd'), `@${line}\r\n@exit /b %ERRORLEVEL%\r\n`)
    return this.run('C:\\windows\\system32\\cmd.exe', ['/c', 'C:\\uninstall.cmd'])
  }

  /** A value of HKEY_LOCAL_MACHINE, undefined where there is none. */
  registry(key: string, name: string): { readonly type: string; readonly value: string } | undefined {
    const { stdout } = spawnSync('wine', [registryProgram, 'query', `HKLM\\${key}`, '/v', name], {
      env: this.#env,
      encoding: 'utf8',
    })
    const found = new RegExp(`^ +${name} +(REG_\\w+) +(.*?)\\r?$`, 'm').exec(stdout)
    return found === null ? undefined : { type: found[1] ?? '', value: found[2] ?? '' }
  }

  setRegistry(key: string, name: string, type: string, value: string): void {
    run('wine', [registryProgram, 'add', `HKLM\\${key}`, '/v', name, '/t', type, '/d', value, '/f'], this.#env)
  }

  /** A file or folder of drive C as one of this machine. */
  path(path: string): string {
    return join(this.#folder, 'wine', 'drive_c', ...path.split('\\'))
  }

  /** How the command was called since the last time this was asked, one line a call, arguments parted by " | ". */
  takeCalls(): string[] {
    const file = this.path('sg-test\\calls.txt')
    if (!existsSync(file)) return []
    const text = readFileSync(file, 'utf8').replace(/^\ufeff/, '')
    rmSync(file)
    return text.split(/\r?\n/).filter(Boolean)
  }

  close(): void {
    spawnSync('wineserver', ['--kill'], { env: this.#env })
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 })
  }

  #makeTools(): void {
    const nsis = join(this.#folder, 'nsis')
    const plugins = {
      'x86_64-w64-mingw32-gcc': join(nsis, 'amd64'),
      'i686-w64-mingw32-gcc': join(this.#folder, 'resources', 'plugins', 'x86-unicode'),
    }
    for (const [compiler, folder] of Object.entries(plugins)) {
      mkdirSync(folder, { recursive: true })
      const library = join(folder, 'UAC.dll')
      run(compiler, ['-O1', '-s', '-shared', '-o', library, join(here, 'plugins.c'), '-lshell32'], this.#env)
      for (const name of ['StdUtils', 'WinShell', 'Nsis7z']) copyFileSync(library, join(folder, `${name}.dll`))
    }
    mkdirSync(join(nsis, 'linux'))
    writeFileSync(join(nsis, 'elevate.exe'), '')
    // Of tasklist and findstr wine has only names, so that the app would seem to run for ever.
    writeFileSync(join(nsis, 'stage.nsh'), '!macro customCheckAppRunning\n!macroend\n')
    const makensis = join(nsis, 'linux', 'makensis')
    writeFileSync(
      makensis,
      `#!/bin/sh
set -eu
unset NSISDIR
script="${nsis}/script.$$.nsi"
cat > "$script"
makensis "$@" < "$script"
# In a 64-bit program "is this a 64-bit Windows" is no question, and its other branch a warning.
exec makensis "$SG_TEST_DEFINES" '-XTarget amd64-unicode' '-X!addplugindir /amd64-unicode "${nsis}/amd64"' '-X!pragma warning disable 6012' '-X!include "${nsis}/stage.nsh"' "$@" < "$script"
`,
    )
    chmodSync(makensis, 0o755)
  }

  #makePayload(): void {
    for (const name of ['bin', 'resources']) mkdirSync(join(this.#payload, name), { recursive: true })
    const command = join(this.#payload, 'bin', 'sg-session.exe')
    run('x86_64-w64-mingw32-gcc', ['-O1', '-s', '-municode', '-o', command, join(here, 'command.c')], this.#env)
    copyFileSync(command, join(this.#payload, 'sg-session.exe'))
  }
}

function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv): void {
  const { status, stderr, error } = spawnSync(program, args, { env, encoding: 'utf8', timeout: 120_000 })
  if (status !== 0) throw new Error(`${program} ${args[0] ?? ''} failed: ${error?.message ?? stderr}`)
}
