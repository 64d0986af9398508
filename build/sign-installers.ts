import type { Configuration } from 'electron-builder'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * How the installers of Windows and macOS are signed, from the environment of the release's job alone (docs/release.md), as a part of
 * electron-builder's configuration. A release is signed or does not come about: throws an Error that names the missing variable. A test
 * build is never signed for anybody else, and every file of it says so by its name.
 */
export function signingOf(system: 'mac' | 'win', testBuild: boolean, env: Environment): Configuration {
  if (testBuild) return unsigned(system)
  return system === 'win' ? windows(env) : macos(env)
}

function unsigned(system: 'mac' | 'win'): Configuration {
  // electron-builder fills in the words in braces.
  const name = (place: string, rest = ''): string =>
    `\${name}-test-build-unsigned-\${version}-${place}-\${arch}${rest}.\${ext}`
  return system === 'win'
    ? {
        forceCodeSigning: false,
        win: { signExecutable: false },
        nsis: { artifactName: name('windows', '-setup') },
        msi: { artifactName: name('windows') },
      }
    : {
        forceCodeSigning: false,
        // For the machine it is made on: Apple silicon runs nothing without a signature, and nobody's has no team to compare
        // libraries by.
        mac: { artifactName: name('macos'), identity: '-', hardenedRuntime: false, notarize: false },
      }
}

function windows(env: Environment): Configuration {
  const azure = env['SG_SESSION_AZURE_SIGNING']
  if (azure) {
    for (const name of ['AZURE_TENANT_ID', 'AZURE_CLIENT_ID', 'AZURE_CLIENT_SECRET']) demand(env, name)
    return { forceCodeSigning: true, win: { signtoolOptions: null, azureSignOptions: judgeAzure(azure) } }
  }
  demand(env, 'WIN_CSC_LINK')
  demand(env, 'WIN_CSC_KEY_PASSWORD')
  return { forceCodeSigning: true }
}

const azureMembers = ['publisherName', 'endpoint', 'certificateProfileName', 'codeSigningAccountName'] as const

/** No secret: which certificate of which account. */
function judgeAzure(text: string): Record<(typeof azureMembers)[number], string> {
  const shape = `"SG_SESSION_AZURE_SIGNING" must be JSON with the texts ${azureMembers.join(', ')}`
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new Error(shape)
  }
  const given = new Map(Object.entries(typeof value === 'object' && value !== null ? value : {}))
  const member = (name: (typeof azureMembers)[number]): string => {
    const found: unknown = given.get(name)
    if (typeof found !== 'string' || found === '') throw new Error(`${shape}: "${name}" is missing`)
    return found
  }
  const unknown = [...given.keys()].find((name) => !azureMembers.some((one) => one === name))
  if (unknown !== undefined) throw new Error(`${shape}, and not "${unknown}"`)
  return {
    publisherName: member('publisherName'),
    endpoint: member('endpoint'),
    certificateProfileName: member('certificateProfileName'),
    codeSigningAccountName: member('codeSigningAccountName'),
  }
}

/** electron-builder only warns where it cannot notarise, and Gatekeeper refuses what comes of it. */
function macos(env: Environment): Configuration {
  for (const name of ['CSC_LINK', 'CSC_KEY_PASSWORD', 'APPLE_API_KEY', 'APPLE_API_KEY_ID', 'APPLE_API_ISSUER'])
    demand(env, name)
  return { forceCodeSigning: true }
}

/** A secret that a workflow names and nobody has set is an empty text. */
function demand(env: Environment, name: string): void {
  if (!env[name])
    throw new Error(
      `a release is signed, and "${name}" is not set: see docs/release.md, or make a test build with --test-build`,
    )
}
