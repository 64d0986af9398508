import { DatabaseSync } from 'node:sqlite'
import formbody from '@fastify/formbody'
import fastify from 'fastify'
import { createRemoteJWKSet, EmbeddedJWK, jwtVerify } from 'jose'
import { z } from 'zod'

/**
 * What an exchange cannot do without, and nothing around it: two signatures (RS256, ES256), three questions to the site, one after
 * the other, and one row on disk. Judges nothing and keeps no chain. Arguments: port, issuer, file.
 */
const [port, issuer = '', file = ''] = process.argv.slice(2)
const keys = createRemoteJWKSet(new URL(`${issuer}/keys`))
const database = new DatabaseSync(file)
database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE row (subject TEXT, at INTEGER)')
const insert = database.prepare('INSERT INTO row VALUES (?, ?)')
const form = z.object({ subject_token: z.string() })
const json = { 'content-type': 'application/json' }
const params = [{ script_name: 'bench', script_key: 'key' }]

async function ask(path: string, headers: Record<string, string>, body: string): Promise<unknown> {
  return (await fetch(`${issuer}${path}`, { method: 'POST', headers, body })).json()
}

const app = fastify()
await app.register(formbody)
app.post('/token', async (request) => {
  const { payload } = await jwtVerify(form.parse(request.body).subject_token, keys, { issuer, algorithms: ['RS256'] })
  await jwtVerify(String(request.headers['dpop']), EmbeddedJWK, { algorithms: ['ES256'] })
  const filters = { conditions: [{ path: 'email', values: [payload['email']] }] }
  await ask('/api3/json', json, JSON.stringify({ method_name: 'read', params: [...params, { filters }] }))
  const sudo = [{ ...params[0], sudo_as_login: payload.sub?.toLowerCase() }]
  await ask('/api3/json', json, JSON.stringify({ method_name: 'get_session_token', params: sudo }))
  const session = new URLSearchParams({ session_token: `session-${payload.sub?.toLowerCase()}` })
  await ask('/api/v1/auth/access_token', { 'content-type': 'application/x-www-form-urlencoded' }, session.toString())
  insert.run(payload.sub ?? '', Date.now())
  return { sub: payload.sub }
})
await app.listen({ port: Number(port), host: '127.0.0.1' })
process.stdout.write('serves\n')
