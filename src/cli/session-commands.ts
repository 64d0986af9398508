import { createInterface } from 'node:readline'
import type { AgentClient } from '../client/node/agent-client.ts'
import { AgentError } from '../errors.ts'
import { describeStatus, type Output } from './output.ts'

export interface SiteOption {
  readonly site?: string
}

export interface GetOptions extends SiteOption {
  readonly interactive: boolean
  readonly minValidity: number
}

/** Prints the session token: the one command that prints a secret, because that is what it is asked for. */
export async function getCommand(client: AgentClient, output: Output, options: GetOptions): Promise<void> {
  const session = await client.getSession({
    ...named(options),
    interactive: options.interactive,
    minValidityS: options.minValidity,
  })
  output.result(session, session.sessionToken)
}

export async function statusCommand(client: AgentClient, output: Output): Promise<void> {
  const status = await client.status()
  const sites = status.sites.map((site) => describeStatus(site, Date.now()))
  output.result(status, sites.join('\n'))
}

export interface SignInOptions extends SiteOption {
  readonly browser: boolean
  readonly switchUser: boolean
}

/**
 * Signs in through the browser of the agent's desktop. On a terminal the redirected address can be pasted, for a browser
 * that runs on another machine; Ctrl-C cancels the sign-in, not only the waiting.
 */
export async function signInCommand(client: AgentClient, output: Output, options: SignInOptions): Promise<void> {
  const cancel = (): void => {
    client.cancelSignIn(options.site).catch(() => undefined)
  }
  process.once('SIGINT', cancel)
  const stopPasting = offerPaste(client, output, options)
  try {
    const request = { ...named(options), openBrowser: options.browser, switchUser: options.switchUser }
    const status = await client.signIn(request, {
      onBrowser: (url) => {
        const how = options.browser
          ? 'Your browser is opening. If it does not, open this address:'
          : 'Open this address in a browser:'
        output.remark(`${how}\n\n  ${url}\n`)
        output.remark('Waiting for the sign-in, five minutes at most. Ctrl-C cancels.')
        if (process.stdin.isTTY) {
          output.remark('Is the browser on another machine? Paste the address it ends at (http://localhost:…) here.')
        }
      },
    })
    output.result(status, describeStatus(status, Date.now()))
  } finally {
    stopPasting()
    process.removeListener('SIGINT', cancel)
  }
}

function offerPaste(client: AgentClient, output: Output, options: SiteOption): () => void {
  if (!process.stdin.isTTY) return () => undefined
  const lines = createInterface({ input: process.stdin, terminal: false })
  lines.on('line', (line) => {
    if (line.trim() === '') return
    client.pasteRedirect(line.trim(), options.site).catch((error: unknown) => {
      output.remark(error instanceof AgentError ? `That did not work: ${error.message}` : String(error))
    })
  })
  return () => lines.close()
}

export async function signOutCommand(client: AgentClient, output: Output, options: SiteOption): Promise<void> {
  const status = await client.signOut(options.site)
  output.result(status, describeStatus(status, Date.now()))
}

/** Prints each change as it happens, until Ctrl-C. */
export async function watchCommand(client: AgentClient, output: Output): Promise<void> {
  const stop = new AbortController()
  process.once('SIGINT', () => stop.abort())
  process.once('SIGTERM', () => stop.abort())
  await client.watch((status) => {
    if (status) output.result(status, describeStatus(status, Date.now()))
    else output.result({ agent: 'agent_not_running' }, 'sg-session is not running; waiting for it')
  }, stop.signal)
}

function named({ site }: SiteOption): { site?: string } {
  return site === undefined ? {} : { site }
}
