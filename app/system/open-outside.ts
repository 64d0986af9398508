import { shell } from 'electron'
import { judgeOutsideAddress } from './outside-address.ts'

/** Opens an address in the person's own browser. Rejects, opening nothing, when it may not be opened. */
export async function openOutside(address: URL | string, rules: { readonly insecureLoopback: boolean }): Promise<void> {
  const url = judgeOutsideAddress(typeof address === 'string' ? address : address.href, rules)
  if (!url) throw new Error('an address that is not https was not opened')
  await shell.openExternal(url.href)
}
