import type { Page } from 'playwright-core'
import { afterAll, expect, type TestContext, test } from 'vitest'
import { judgeOutsideAddress } from '../../../app/system/outside-address.ts'
import { type AppStage, demandElectron, openStage } from './app-stage.ts'
import { addressesAsked, calling, watchOpeners, windowNamed } from './every-window.ts'

let opening: Promise<AppStage> | undefined
afterAll(async () => {
  await (await opening?.catch(() => undefined))?.close()
})

function onStage(context: TestContext): Promise<AppStage> {
  opening ??= openStage(demandElectron(context), {
    args: ['--status'],
    async prepare({ studio }) {
      await Promise.all([watchOpeners(studio), studio.startBroker()])
    },
  })
  return opening
}

const opened = ({ scene }: AppStage): Promise<readonly string[]> => addressesAsked(scene.studio)

/** Addresses no opener of the system may ever get, with and without the sandbox's loopback rule. */
const hostile: readonly string[] = [
  // Other schemes: programs, files, scripts.
  ...[
    'javascript:alert(1)',
    'JavaScript:alert(1)',
    'java\nscript:alert(1)',
    'vbscript:x',
    'data:text/html,x',
    'about:blank',
  ],
  ...[
    'file:///etc/passwd',
    'file://attacker.example/share',
    '/etc/passwd',
    'smb://attacker.example/x',
    'ssh://attacker.example',
  ],
  ...['ftp://attacker.example', 'mailto:a@attacker.example', 'tel:1', 'ms-msdt:/id PCWDiagnostic', 'search-ms:query=x'],
  ...[
    'ms-officecmd:{}',
    'steam://run/1',
    'vscode://file/etc',
    'app://sg-session/page.html',
    'chrome://settings',
    'ws://x.example',
  ],
  ...[
    'view-source:https://x.example',
    'blob:https://x.example/1',
    'filesystem:https://x.example/1',
    'x-apple.systempreferences:x',
  ],
  // Addresses that only look like https.
  ...[
    'https:attacker.example',
    'https:/attacker.example',
    'https:///attacker.example',
    'https:\\\\attacker.example',
    'https://',
  ],
  ...[
    '//attacker.example',
    'attacker.example',
    ' https://attacker.example',
    'https://attacker.example ',
    'https ://x.example',
  ],
  ...[
    'httpss://attacker.example',
    'https;//attacker.example',
    'https://[::1',
    'https://%00.example',
    'https://a b.example',
  ],
  // What a shell, an opener or a person would misread.
  ...[
    'https://x.example/$(id)`id`',
    'https://x.example/"--flag',
    "https://x.example/'x",
    'https://x.example/<x>',
    'https://x.example/|x',
  ],
  ...[
    'https://x.example/^x',
    'https://x.example/{x}',
    'https://x.example/x\\y',
    'https://x.example/\tx',
    'https://x.example/\r\nx',
  ],
  ...[
    'https://x.example/\0',
    'https://x.example/\u202egpj',
    'https://\u0430pple.example/',
    'https://x.example/\u2028',
    '--help',
  ],
  ...[
    'https://studio.example@attacker.example/',
    'https://user:password@studio.example/',
    'https://:x@studio.example/',
  ],
  // Plain http elsewhere.
  ...[
    'http://attacker.example/',
    'http://127.0.0.1.attacker.example/',
    'http://localhost.attacker.example/',
    'http://0.0.0.0/',
  ],
  ...[
    'http://128.0.0.1/',
    'http://10.0.0.1/',
    'http://[::2]/',
    'http://localhost@attacker.example/',
    `https://x.example/${'x'.repeat(8_200)}`,
  ],
]

test('the judge refuses every hostile address', () => {
  expect(new Set(hostile).size).toBeGreaterThanOrEqual(60)
  for (const address of hostile) {
    for (const insecureLoopback of [false, true]) {
      expect([address, judgeOutsideAddress(address, { insecureLoopback })?.href]).toEqual([address, undefined])
    }
  }
})

test('and takes the ordinary ones', () => {
  const strict = { insecureLoopback: false }
  expect(judgeOutsideAddress('https://studio.example/page?x=1&y=%20#z', strict)?.host).toBe('studio.example')
  expect(judgeOutsideAddress('http://localhost:1234/', strict)).toBe(undefined)
  expect(judgeOutsideAddress('http://localhost:1234/', { insecureLoopback: true })?.port).toBe('1234')
})

test('a page cannot have an address opened: not as a site, not as a sign-in, not as what the browser came back with', async (context) => {
  const stage = await onStage(context)
  const status = await windowNamed(stage, 'status')
  const short = hostile.filter((address) => address.length <= 2_048)
  for (const call of ['openSite', 'signIn', 'switchUser', 'showSignIn']) {
    const answers = await callWithEach(status, call, short)
    expect(new Set(answers)).toEqual(new Set(['site_unknown']))
  }
  expect(await opened(stage)).toEqual([])
})

test('addresses typed at the first start are asked by nobody but the app, and none is opened or saved', async (context) => {
  const stage = await onStage(context)
  await calling(await windowNamed(stage, 'status'), 'openFirstRun', {})
  const firstRun = await windowNamed(stage, 'first-run')
  const addresses = hostile.filter((address) => address.length <= 2_048 && !/^https:\/\/[a-z.]+\//.test(address))
  const outcomes = await firstRun.evaluate(async (all) => {
    const told: string[] = []
    for (const address of all) {
      const checked = await window.sgSession.call('checkAddresses', { site: address, broker: address })
      const saved = await window.sgSession.call('saveAddresses', { site: address, broker: address })
      told.push(`${checked.ok && checked.value.ready ? 'ready' : 'refused'} ${saved.ok ? 'saved' : 'refused'}`)
    }
    return told
  }, addresses)
  expect(outcomes).toHaveLength(addresses.length)
  expect(new Set(outcomes)).toEqual(new Set(['refused refused']))
  expect(await opened(stage)).toEqual([])
})

/** Authorization endpoints that an identity provider, or who speaks in its place, could name. */
const endpoints: readonly string[] = [
  'https://attacker.example/authorize',
  'javascript:alert(document.domain)//',
  'file:///etc/passwd',
  'data:text/html,x',
  'smb://attacker.example/x',
  'http://127.0.0.1:1/authorize',
  'http://localhost.attacker.example/authorize',
  '//attacker.example/authorize',
  '$(touch /tmp/x)',
  '',
]

const metadataPath = '/.well-known/openid-configuration'

test.for(endpoints)('metadata that names "%s" as the place to sign in opens nothing', async (endpoint, context) => {
  const stage = await onStage(context)
  const { identity } = stage.scene
  const metadata = (await (await fetch(identity.issuer + metadataPath)).json()) as Record<string, unknown>
  const body = JSON.stringify({ ...metadata, authorization_endpoint: endpoint })
  identity.faults.inject({ path: metadataPath, does: { kind: 'status', status: 200, body } })
  const before = metadataReads(stage)
  try {
    await signInAnew(stage)
    await expect.poll(() => signInState(stage), { timeout: 15_000 }).toBe('failed')
    expect(metadataReads(stage)).toBeGreaterThan(before)
    expect(await opened(stage)).toEqual([])
  } finally {
    identity.faults.clear()
    // The next one is to be told by a window that has told nothing yet.
    const window = await windowNamed(stage, 'sign-in')
    const closed = window.waitForEvent('close')
    await calling(window, 'closeWindow', {}).catch(() => undefined)
    await closed
  }
})

test('honest metadata opens the one address it should', async (context) => {
  const stage = await onStage(context)
  await signInAnew(stage)
  const address = await stage.scene.studio.openedAddress()
  expect(new URL(address).origin).toBe(new URL(stage.scene.identity.issuer).origin)
  expect(await opened(stage)).toEqual([address])
})

/** Saves the addresses once more: a new agent, which has read no metadata yet, begins a sign-in. */
async function signInAnew(stage: AppStage): Promise<void> {
  const { site, studio } = stage.scene
  await calling(await windowNamed(stage, 'status'), 'openFirstRun', {})
  const saved = calling(await windowNamed(stage, 'first-run'), 'saveAddresses', {
    site: site.url,
    broker: studio.brokerUrl,
  })
  // Its window is closed when all is well, which can be before the answer is heard.
  expect(await saved.catch(() => ({ ok: true }))).toMatchObject({ ok: true })
}

function metadataReads({ scene }: AppStage): number {
  return scene.identity.web.requests.filter(({ path }) => path.startsWith(metadataPath)).length
}

async function signInState(stage: AppStage): Promise<string | undefined> {
  const page = await windowNamed(stage, 'sign-in')
  return page.evaluate(async () => Reflect.get(await window.sgSession.view(), 'state') as string)
}

function callWithEach(page: Page, call: string, sites: readonly string[]): Promise<string[]> {
  return page.evaluate(
    async ([name, all]) => {
      const told: string[] = []
      for (const site of all) {
        const outcome = await window.sgSession.call(name as 'openSite', { site })
        told.push(outcome.ok ? 'done' : outcome.code)
      }
      return told
    },
    [call, sites] as const,
  )
}
