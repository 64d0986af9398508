// Signs what an update feed says. Plain JavaScript for Node 20.
//
//   node build/sign-update.mjs --new-key FILE
//       makes an Ed25519 key pair: the private key as PEM in FILE (0600, never overwritten); prints the public key, which is what
//       "update.publicKey" of the policy wants.
//   node build/sign-update.mjs --key FILE [--key FILE] [--days N] [--percentage N] latest-linux.yml …
//       signs metadata as electron-builder has written it, or as this program has before. FILE "-" is standard input, so that a
//       key can come out of a safe without touching the disk; a key is never an argument nor in the environment. --days: how long
//       clients may take it (30). --percentage: for how many of the machines it is (100). Two keys while one replaces the other.
//   node build/sign-update.mjs --verify PUBLIC-KEY latest-linux.yml …
//       what a client would say, and until when the metadata counts.
//
// The files that the metadata names lie beside it, and are read: their size and SHA-512 must be what it says. What comes out is JSON,
// which is YAML too, so that no client parses YAML: metadataOf (the name of the file itself), version, issued, expires,
// stagingPercentage, files. Beside it `FILE.sig`: a signature a line, base64, over the exact bytes.
//
// For the release playbook:
//  1. The key is made once, on a machine that is not the build's, and kept where two people must act to use it. Whoever has it can
//     run code on every machine with updates on.
//  2. Sign after the platforms' own signatures: those change the files, and so their hashes.
//  3. Upload the files first, then the metadata and its .sig together. Between the two a client says "wrong signature" and looks again
//     a day later.
//  4. More machines: the same command again with a higher --percentage, and upload metadata and .sig. Never lower it for the same version:
//     those that have it keep it.
//  5. Withdraw: sign the metadata of the version before again. Clients that have not updated stay; the others keep what they have,
//     since nothing goes back. To mend those, release a higher version.
//  6. Sign again before --days are over, or clients stop believing the feed (a freeze would look the same). A job once a week will do.
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'
import { createReadStream, readFileSync, realpathSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const dayMs = 24 * 3_600_000
/** What comes before the 32 bytes in a SubjectPublicKeyInfo of Ed25519. RFC 8410 §4 */
const prefix = Buffer.from('302a300506032b6570032100', 'hex')
const usage =
  'usage: sign-update.mjs --new-key FILE | --key FILE [--days N] [--percentage N] METADATA… | --verify PUBLIC-KEY METADATA…'

/** Said to the person, without a stack. */
class Refusal extends Error {}

/** Makes a key pair; resolves with the public key in base64. */
export function makeKey(file) {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  try {
    writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600, flag: 'wx' })
  } catch (error) {
    throw new Refusal(
      error.code === 'EEXIST' ? `"${file}" is there already, and is not overwritten` : `"${file}": ${error.message}`,
    )
  }
  return rawOf(publicKey)
}

function rawOf(publicKey) {
  return publicKey.export({ type: 'spki', format: 'der' }).subarray(prefix.length).toString('base64')
}

/** Reads a private key; `-` is standard input. */
function readKey(file) {
  const mode = file === '-' ? 0 : statSync(file, { throwIfNoEntry: false })?.mode
  if (mode === undefined) throw new Refusal(`there is no "${file}"`)
  if (process.platform !== 'win32' && (mode & 0o077) !== 0)
    throw new Refusal(`"${file}" can be read by others: chmod 600`)
  let key
  try {
    key = createPrivateKey(readFileSync(file === '-' ? 0 : file))
  } catch {
    // Not the reason: it may quote what stands there.
    throw new Refusal(`"${file}" is no private key in PEM form`)
  }
  if (key.asymmetricKeyType !== 'ed25519')
    throw new Refusal(`"${file}" is no Ed25519 key, but ${key.asymmetricKeyType}`)
  return key
}

/** Writes metadata and signatures anew. `now`: ms since the epoch. Resolves with what was written. */
export async function signMetadata(file, keys, { days, percentage, now }) {
  const metadata = await completed(file, { days, percentage, now })
  const text = `${JSON.stringify(metadata, undefined, 2)}\n`
  const signatures = keys.map((key) => `${sign(null, Buffer.from(text), key).toString('base64')}\n`)
  writeWhole(`${file}.sig`, signatures.join(''))
  writeWhole(file, text)
  return metadata
}

async function completed(file, { days, percentage, now }) {
  const found = parseYaml(file)
  const version = found?.version
  if (typeof version !== 'string' || !/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/.test(version))
    throw new Refusal(`"${file}": "version" is no version`)
  const named = Array.isArray(found.files) ? found.files : []
  if (named.length === 0) throw new Refusal(`"${file}" names no files`)
  const files = []
  for (const { url, sha512 } of named) {
    // Below the feed: a mirror of the folder is as good as the folder.
    if (typeof url !== 'string' || url === '' || /^[/\\]|:|\.\.|[?#%]/.test(url))
      throw new Refusal(`"${file}": "${url}" must be a name below the feed's folder`)
    const artefact = join(dirname(file), url)
    const actual = { size: sizeOf(artefact), sha512: await sha512Of(artefact) }
    if (actual.sha512 !== sha512)
      throw new Refusal(`"${artefact}" has not the SHA-512 that "${file}" says: was it signed or changed since?`)
    files.push({ url, ...actual })
  }
  return {
    metadataOf: basename(file),
    version,
    issued: new Date(now).toISOString(),
    expires: new Date(now + days * dayMs).toISOString(),
    stagingPercentage: percentage,
    files,
  }
}

function parseYaml(file) {
  const { load, JSON_SCHEMA } = createRequire(import.meta.url)('js-yaml')
  try {
    return load(readFileSync(file, 'utf8'), { schema: JSON_SCHEMA })
  } catch (error) {
    throw new Refusal(`"${file}": ${error.message.split('\n')[0]}`)
  }
}

function sizeOf(file) {
  try {
    return statSync(file).size
  } catch {
    throw new Refusal(`there is no "${file}"`)
  }
}

async function sha512Of(file) {
  const hash = createHash('sha512')
  await pipeline(createReadStream(file), hash)
  return hash.digest('base64')
}

function writeWhole(file, text) {
  writeFileSync(`${file}.new`, text, { mode: 0o644 })
  renameSync(`${file}.new`, file)
}

/** Throws what a client would refuse it for. */
export function verifyMetadata(file, publicKey, now) {
  const raw = Buffer.from(publicKey, 'base64')
  if (raw.length !== 32) throw new Refusal(`"${publicKey}" is no Ed25519 public key: base64 of 32 bytes`)
  const key = createPublicKey({ key: Buffer.concat([prefix, raw]), format: 'der', type: 'spki' })
  const bytes = readFileSync(file)
  const lines = readFileSync(`${file}.sig`, 'utf8').split('\n').filter(Boolean)
  if (!lines.some((line) => verify(null, bytes, key, Buffer.from(line, 'base64'))))
    throw new Refusal(`"${file}": no signature is this key's over these bytes`)
  const metadata = JSON.parse(bytes.toString('utf8'))
  if (metadata.metadataOf !== basename(file)) throw new Refusal(`"${file}" says it is "${metadata.metadataOf}"`)
  if (Date.parse(metadata.expires) <= now) throw new Refusal(`"${file}" counted until ${metadata.expires}`)
  return metadata
}

async function main(args) {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      'new-key': { type: 'string' },
      key: { type: 'string', multiple: true },
      days: { type: 'string', default: '30' },
      percentage: { type: 'string', default: '100' },
      verify: { type: 'string' },
    },
  })
  const say = (text) => process.stdout.write(`${text}\n`)
  if (values['new-key'] !== undefined) return say(makeKey(values['new-key']))
  if (positionals.length === 0 || (values.key === undefined) === (values.verify === undefined)) throw new Refusal(usage)
  if (values.verify !== undefined) {
    for (const file of positionals) {
      const { version, expires, stagingPercentage } = verifyMetadata(file, values.verify, Date.now())
      say(`${file}: ${version} for ${stagingPercentage} %, until ${expires}`)
    }
    return
  }
  const days = wholeNumber('--days', values.days, 1, 400)
  const percentage = wholeNumber('--percentage', values.percentage, 0, 100)
  const keys = values.key.map(readKey)
  for (const file of positionals) {
    const { version, expires } = await signMetadata(file, keys, { days, percentage, now: Date.now() })
    say(
      `${file}: ${version} for ${percentage} %, until ${expires}, signed for ${keys.map((key) => rawOf(createPublicKey(key))).join(', ')}`,
    )
  }
}

function wholeNumber(name, text, least, most) {
  const number = Number(text)
  if (!Number.isInteger(number) || number < least || number > most)
    throw new Refusal(`${name}: "${text}" is no whole number from ${least} to ${most}`)
  return number
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  main(process.argv.slice(2)).catch((error) => {
    process.stderr.write(
      `sign-update: ${error instanceof Refusal || error.code?.startsWith('ERR_PARSE_ARGS') ? error.message : error.stack}\n`,
    )
    process.exitCode = error instanceof Refusal ? 1 : 2
  })
}
