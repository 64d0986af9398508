import { asAgentError } from '../errors.ts'
import { transportReason } from '../transport-failure.ts'
import type { Finding } from './finding.ts'
import type { World } from './world.ts'

/** Why an address could not be asked, where the way to it is the reason. */
export type Obstacle =
  | 'certificate-expired'
  | 'certificate-not-yet-valid'
  | 'certificate-unknown-authority'
  | 'certificate-other-name'
  | 'certificate-refused'
  | 'name-unknown'
  | 'nobody-listens'
  | 'no-route'
  | 'no-answer'
  | 'proxy'

/** Node's codes, then Chromium's. Chromium does not say which end of a certificate's time it is. */
const obstacles: readonly (readonly [RegExp, Obstacle])[] = [
  [/^(CERT_HAS_EXPIRED|net::ERR_CERT_DATE_INVALID)$/, 'certificate-expired'],
  [/^CERT_NOT_YET_VALID$/, 'certificate-not-yet-valid'],
  [
    /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_GET_ISSUER_CERT(_LOCALLY)?|UNABLE_TO_VERIFY_LEAF_SIGNATURE|CERT_UNTRUSTED|net::ERR_CERT_AUTHORITY_INVALID)$/,
    'certificate-unknown-authority',
  ],
  [/^(ERR_TLS_CERT_ALTNAME_INVALID|net::ERR_CERT_COMMON_NAME_INVALID)$/, 'certificate-other-name'],
  [/^(CERT_|ERR_SSL_|ERR_TLS_|EPROTO$|net::ERR_(CERT|SSL)_)/, 'certificate-refused'],
  [/^(ENOTFOUND|EAI_|net::ERR_NAME_)/, 'name-unknown'],
  [/^(ECONNREFUSED|net::ERR_CONNECTION_REFUSED)$/, 'nobody-listens'],
  [/^(ENETUNREACH|EHOSTUNREACH|net::ERR_(INTERNET_DISCONNECTED|ADDRESS_UNREACHABLE|NETWORK_))/, 'no-route'],
  [/^(UND_ERR_ABORTED|net::ERR_(PROXY|TUNNEL)_)/, 'proxy'],
  [
    /^(no answer in time|ETIMEDOUT|UND_ERR_(CONNECT|HEADERS|BODY)_TIMEOUT|net::ERR_(CONNECTION_)?TIMED_OUT)$/,
    'no-answer',
  ],
]

/** The obstacle a transport's code names, if it names one. */
export function obstacleOf(reason: string): Obstacle | undefined {
  return obstacles.find(([pattern]) => pattern.test(reason))?.[1]
}

const words: Readonly<Record<Exclude<Obstacle, 'proxy'>, readonly [found: string, advice: string]>> = {
  'certificate-expired': [
    'its certificate has expired',
    'Look at the clock of this machine first; if that is right, whoever runs the address has to renew its certificate.',
  ],
  'certificate-not-yet-valid': [
    'its certificate is not valid yet',
    'Look at the clock of this machine first; if that is right, whoever runs the address has to mend its certificate.',
  ],
  'certificate-unknown-authority': [
    'its certificate is from an authority this machine does not know',
    'A studio’s own authority, or one that reads along on the way, has to be installed on this machine: docs/configuration.md, "Proxy and certificates". If nobody knows of one, do not go on: something else may be answering.',
  ],
  'certificate-other-name': [
    'its certificate is for another name',
    'Check the spelling of the address. If it is right, something else answers there: ask IT.',
  ],
  'certificate-refused': [
    'no TLS connection comes about',
    'Ask IT what answers there, and with which certificate and version of TLS.',
  ],
  'name-unknown': ['its name is not known here', 'Check the spelling of the address, then network, VPN and DNS.'],
  'nobody-listens': ['nobody listens there', 'Check the address and its port; ask whoever runs it whether it is up.'],
  'no-route': ['there is no way to it', 'Check network and VPN.'],
  'no-answer': ['it did not answer in time', 'Check network, VPN and firewall; ask whoever runs it whether it is up.'],
}

/**
 * What kept us from asking an address, as the rest of a row: the obstacle named where there is one. An address behind a proxy
 * that is the obstacle itself is `skipped`, since the proxy has its own row.
 */
export async function describeFailure(
  thrown: unknown,
  address: string,
  world: World,
): Promise<Pick<Finding, 'state' | 'found' | 'advice'>> {
  const reason = transportReason(thrown)
  const obstacle = obstacleOf(reason)
  const proxied = (await world.wayOut.proxyFor(new URL(address)).catch(() => undefined)) !== undefined
  if (proxied && isOfTheProxy(obstacle)) {
    return { state: 'skipped', found: 'not asked: its proxy does not let us through, see there' }
  }
  if (obstacle === undefined || obstacle === 'proxy') {
    const { message, advice } = asAgentError(thrown)
    return { state: 'failed', found: message, advice }
  }
  const [found, advice] = words[obstacle]
  return { state: 'failed', found: `${found} (${reason})`, advice }
}

/** Through a proxy, what goes wrong before TLS went wrong on the way to the proxy, or was said by it. */
function isOfTheProxy(obstacle: Obstacle | undefined): boolean {
  return obstacle === 'proxy' || obstacle === 'nobody-listens' || obstacle === 'name-unknown' || obstacle === 'no-route'
}
