import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { errors, type Interaction, type InteractionResults, type Provider } from 'oidc-provider'
import { z } from 'zod'
import type { Accounts } from './accounts.ts'
import { paths } from './metadata.ts'
import { errorPage, pageHeaders, signInPage } from './pages.ts'

interface LoginOptions {
  readonly provider: Provider
  readonly accounts: Accounts
}

const formSchema = z.object({
  email: z.string().default(''),
  password: z.string().default(''),
  answer: z.literal('cancel').optional(),
})

/** The page a person signs in on. There is no consent: after the password comes the redirect. */
export function addLoginPages(app: FastifyInstance, { provider, accounts }: LoginOptions): void {
  app.get(`${paths.signIn}/:uid`, async (request, reply) => {
    const interaction = await pendingSignIn(provider, request, reply)
    return interaction ? showForm(reply, interaction, accounts) : showGone(reply)
  })

  app.post(`${paths.signIn}/:uid`, async (request, reply) => {
    const interaction = await pendingSignIn(provider, request, reply)
    if (!interaction) return showGone(reply)
    const form = formSchema.safeParse(request.body)
    if (!form.success) return showForm(reply, interaction, accounts, { problem: 'The form was not complete.' })
    const { email, password, answer } = form.data
    if (answer === 'cancel') {
      return finish(provider, reply, interaction, {
        error: 'access_denied',
        error_description: 'The sign-in was cancelled.',
      })
    }
    const account = accounts.withCredentials(email, password)
    if (account) return finish(provider, reply, interaction, { login: { accountId: account.sub } })
    return showForm(reply, interaction, accounts, {
      email,
      problem: 'That email and password do not belong together. Check both and try again.',
    })
  })
}

/** The authorization request this browser is in the middle of; undefined: none, or it has expired. */
async function pendingSignIn(
  provider: Provider,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<Interaction | undefined> {
  try {
    return await provider.interactionDetails(request.raw, reply.raw)
  } catch (error) {
    if (error instanceof errors.SessionNotFound) return undefined
    throw error
  }
}

/** Sends the browser back into the authorization request with the person's answer. */
async function finish(
  provider: Provider,
  reply: FastifyReply,
  interaction: Interaction,
  result: InteractionResults,
): Promise<FastifyReply> {
  if (interaction.session && result.login && interaction.session.accountId !== result.login.accountId) {
    // Somebody else was signed in. The provider would log them out on a page that needs script; here they just go.
    const session = await provider.Session.findByUid(interaction.session.uid)
    await session?.destroy()
    interaction.session = undefined
  }
  interaction.result = result
  await interaction.persist()
  return reply.redirect(interaction.returnTo, 303)
}

function showForm(
  reply: FastifyReply,
  { uid, params }: Interaction,
  accounts: Accounts,
  shown: { email?: string; problem?: string } = {},
): FastifyReply {
  const page = signInPage({
    action: `${paths.signIn}/${uid}`,
    clientId: String(params['client_id']),
    accounts: accounts.all(),
    ...shown,
  })
  return reply
    .code(shown.problem === undefined ? 200 : 401)
    .headers(pageHeaders(new URL(String(params['redirect_uri'])).origin))
    .send(page)
}

function showGone(reply: FastifyReply): FastifyReply {
  return reply
    .code(400)
    .headers(pageHeaders())
    .send(errorPage('session_not_found', 'This sign-in has expired or ended.'))
}
