import formbody from '@fastify/formbody'
import fastify from 'fastify'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { z } from 'zod'

/** The limit: a Fastify route that does one RS256 verification and nothing else. Arguments: port, issuer. */
const [port, issuer = ''] = process.argv.slice(2)
const keys = createRemoteJWKSet(new URL(`${issuer}/keys`))
const app = fastify()
await app.register(formbody)
const form = z.object({ subject_token: z.string() })
app.post('/token', async (request) => {
  const { payload } = await jwtVerify(form.parse(request.body).subject_token, keys, { issuer, algorithms: ['RS256'] })
  return { sub: payload.sub }
})
await app.listen({ port: Number(port), host: '127.0.0.1' })
process.stdout.write('serves\n')
