import 'reflect-metadata'
import { KeyObject, randomBytes } from 'node:crypto'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509'

export interface SandboxCertificates {
  /** What a client must trust: PEM of the sandbox's own certificate authority. */
  readonly ca: string
  readonly key: string
  /** Valid for localhost, 127.0.0.1 and ::1. */
  readonly cert: string
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const dayMs = 24 * 3600_000

/** What is wrong with a server's certificate, for those who have to notice. */
export interface CertificateFlaw {
  /** Valid from and until when: ms since the epoch. */
  readonly from?: number
  readonly until?: number
  /** The only DNS names it is for. */
  readonly names?: readonly string[]
}

/** A certificate authority for this run and one server certificate by it: a studio's private CA in miniature. */
export async function makeCertificates(flaw: CertificateFlaw = {}): Promise<SandboxCertificates> {
  const dates = { notBefore: new Date(Date.now() - dayMs), notAfter: new Date(Date.now() + 30 * dayMs) }
  const caKeys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const ca = await X509CertificateGenerator.createSelfSigned(
    {
      ...dates,
      serialNumber: serial(),
      name: 'CN=sg-session sandbox authority',
      keys: caKeys,
      signingAlgorithm: algorithm,
      extensions: [
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
        // Python 3.13 checks strictly (RFC 5280 §4.2.1.1, §4.2.1.2).
        await SubjectKeyIdentifierExtension.create(caKeys.publicKey),
      ],
    },
    crypto,
  )
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const cert = await X509CertificateGenerator.create(
    {
      notBefore: flaw.from === undefined ? dates.notBefore : new Date(flaw.from),
      notAfter: flaw.until === undefined ? dates.notAfter : new Date(flaw.until),
      serialNumber: serial(),
      subject: 'CN=localhost',
      issuer: ca.subject,
      publicKey: keys.publicKey,
      signingKey: caKeys.privateKey,
      signingAlgorithm: algorithm,
      extensions: [
        new SubjectAlternativeNameExtension(
          flaw.names?.map((value) => ({ type: 'dns' as const, value })) ?? [
            { type: 'dns', value: 'localhost' },
            { type: 'ip', value: '127.0.0.1' },
            { type: 'ip', value: '::1' },
          ],
        ),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
        await AuthorityKeyIdentifierExtension.create(caKeys.publicKey),
      ],
    },
    crypto,
  )
  return {
    ca: `${ca.toString('pem').trim()}\n`,
    cert: `${cert.toString('pem').trim()}\n`,
    key: KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

function serial(): string {
  return `00${randomBytes(16).toString('hex')}`
}
