import 'reflect-metadata'
import { KeyObject, randomBytes, webcrypto } from 'node:crypto'
import { X509CertificateGenerator } from '@peculiar/x509'

export interface RunCertificate {
  readonly certificatePem: string
  /** PKCS #8, PEM. Stays in memory. */
  readonly privateKeyPem: string
}

/**
 * A P-256 self-signed certificate for one run of the agent. Clients pin it byte for byte; its names and dates only have to
 * satisfy their TLS libraries. It dies with the run, not by a date: a clock that is set wrong must not lock plug-ins out.
 */
export async function makeRunCertificate(): Promise<RunCertificate> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: `00${randomBytes(16).toString('hex')}`,
      name: 'CN=sg-session',
      notBefore: new Date('2000-01-01T00:00:00Z'),
      // RFC 5280 §4.1.2.5: no well-defined expiration date.
      notAfter: new Date('9999-12-31T23:59:59Z'),
      signingAlgorithm: algorithm,
      keys,
    },
    webcrypto,
  )
  return {
    certificatePem: `${certificate.toString('pem').trim()}\n`,
    privateKeyPem: KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}
