import { createHash, randomBytes } from 'node:crypto'
import http from 'node:http'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { idIn, multipartBody, sendForm, type WireFile } from '../sandbox/site/shotgun-api3-forms.ts'
import { find } from '../sandbox/site/shotgun-api3-wire.ts'
import { GatewayStage, type SessionAuth } from './gateway-stage.ts'
import { nodeFetch } from './world.ts'

let stage: GatewayStage
let artist: SessionAuth
/** Held back until it resolves: nobody reads what the broker sends. */
let uploadMayGo: Promise<unknown> = Promise.resolve()
let answerWith: ((url: string, init: RequestInit) => Response | undefined) | undefined
beforeAll(async () => {
  stage = await GatewayStage.open({
    brokerFetch: async (url, init) => {
      if (url.includes('/upload/')) await uploadMayGo
      return answerWith?.(url, init) ?? nodeFetch(url, init)
    },
  })
  artist = await stage.session()
})
afterAll(() => stage.close())
afterEach(() => {
  stage.exchanges.clearFaults()
  answerWith = undefined
})

const bytes = new Uint8Array([0xff, 0xd8, 0x00, 0x0d, 0x0a, 0x2d, 0x2d, 0xff, 0xd9])
const picture: WireFile = { field: 'thumb_image', filename: 'thumb.jpg', contentType: 'image/jpeg', bytes }
const document: WireFile = { field: 'file', filename: 'Prüfung 1.zip', contentType: 'application/zip', bytes }
const boundary = /boundary=(.*)$/.exec('multipart/form-data; boundary=b2c7d1de-6a0f-4f4c-8f0e-3a1d5c9e7b42')?.[1] ?? ''
const script = { script_name: 'identity-broker', script_key: 'script-key-with-sudo' }

/** A Version of a project the artist sees, and one of a project they do not. */
const versions = async () => {
  const all = await find(stage.site.url, script, 'Version', [])
  const mine = await find(stage.url, artist, 'Version', [])
  const theirs = all.find(({ id }) => mine.every((row) => row.id !== id))
  if (!mine[0] || !theirs) throw new Error('there are no Versions')
  return { mine: mine[0], theirs }
}
const target = ({ type, id }: { type: string; id: number }) => ({ entity_type: type, entity_id: id })
const upload = (row: { type: string; id: number }, auth: Record<string, unknown> = artist, file = document) =>
  sendForm(stage.url, '/upload/upload_file', auth, { ...target(row), display_name: file.filename }, file)
const download = (id: number | string, token = artist.session_token, init: RequestInit = {}) =>
  fetch(`${stage.url}/file_serve/attachment/${id}`, {
    redirect: 'manual',
    ...init,
    headers: { cookie: `_session_id=${token}`, ...init.headers },
  })
const lastRow = async () => (await stage.exchanges.auditRows()).at(-1)

describe('an upload', () => {
  test('arrives byte for byte, as the person, and comes back', async () => {
    const { mine } = await versions()
    const id = idIn(await upload(mine))
    const [row] = await find(
      stage.url,
      artist,
      'Attachment',
      [['id', 'is', id]],
      ['created_by', 'this_file', 'filename'],
    )
    expect(row).toMatchObject({ created_by: { type: 'HumanUser', id: stage.site.person('artist').id } })
    const answer = await download(id)
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/zip'])
    expect([...(await answer.bytes())]).toEqual([...bytes])
  })

  test('of a thumbnail, shared then without a file', async () => {
    const { mine } = await versions()
    const id = idIn(await sendForm(stage.url, '/upload/publish_thumbnail', artist, target(mine), picture))
    const [, other] = await find(stage.url, artist, 'Version', [])
    const shared = await sendForm(stage.url, '/upload/share_thumbnail', artist, {
      source_entity: `Version_${mine.id}`,
      entities: `Version_${other?.id}`,
    })
    expect(idIn(shared)).toBe(id)
  })

  test('to what the person does not see is refused by the site', async () => {
    const { theirs } = await versions()
    const answer = await upload(theirs)
    expect([answer.status, answer.text]).toEqual([200, expect.stringMatching(/^0\n.*does not exist/)])
  })

  test('of thirty megabytes is passed on as it comes: unread at the site, it waits at the client', async () => {
    const { mine } = await versions()
    const big = { ...document, bytes: randomBytes(30 * 1024 * 1024) }
    const body = multipartBody({ ...target(mine), display_name: 'big', ...artist }, big)
    let release = (): void => undefined
    uploadMayGo = new Promise<void>((resolve) => {
      release = resolve
    })
    const sent = sendSlowly('/upload/upload_file', body)
    const stuckAt = await untilStill(sent.bytes)
    expect(stuckAt).toBeLessThan(20 * 1024 * 1024)
    release()
    const text = await sent.answer
    const back = await (await download(idIn({ text }))).bytes()
    const digest = (data: Uint8Array) => createHash('sha256').update(data).digest('hex')
    expect(digest(back)).toBe(digest(big.bytes))
  })

  test('is answered when the site has failed before the client has sent everything', async () => {
    const { mine } = await versions()
    const body = multipartBody({ ...target(mine), display_name: 'slow', ...artist }, document)
    stage.site.faults.inject({ path: '/upload/', times: 1, does: { kind: 'reset' } })
    const text = await new Promise<string>((resolve, reject) => {
      const request = openUpload('/upload/upload_file', body.length, resolve)
      request.on('error', reject)
      request.write(body.subarray(0, body.length - 20))
      setTimeout(() => request.end(body.subarray(body.length - 20)), 300)
    })
    expect(text).toMatch(/^0\ncalling "\/upload\/upload_file"/)
  })

  test('that the site refuses before it has read it is answered all the same', async () => {
    const { mine } = await versions()
    const big = { ...document, bytes: randomBytes(8 * 1024 * 1024) }
    const body = multipartBody({ ...target(mine), display_name: 'big', ...artist }, big)
    const does = { kind: 'status', status: 413, body: 'too large' } as const
    stage.site.faults.inject({ path: '/upload/', times: 1, does })
    expect(await sendSlowly('/upload/upload_file', body).answer).toBe('too large')
  })

  test('that a client breaks off never becomes a file', async () => {
    const { mine } = await versions()
    const before = await find(stage.site.url, script, 'Attachment', [])
    const body = multipartBody({ ...target(mine), display_name: 'half', ...artist }, document)
    await new Promise<void>((resolve) => {
      const request = openUpload('/upload/upload_file', body.length, () => undefined)
      request.on('error', () => resolve())
      request.write(body.subarray(0, body.length - 20), () => setTimeout(() => request.destroy(), 100))
      request.on('close', () => resolve())
    })
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(await find(stage.site.url, script, 'Attachment', [])).toEqual(before)
    expect(await find(stage.url, artist, 'Project', [])).toHaveLength(2)
  })
})

describe('an upload as somebody else', () => {
  test.each(['sudo_as_login', 'script_name', 'script_key', 'user_login', 'user_password', 'auth_token'])(
    'with "%s" is refused before the site hears of it, and the audit knows by whom',
    async (name) => {
      const { mine } = await versions()
      const before = stage.site.web.requests.length
      const withFile = await upload(mine, { ...artist, [name]: 'admin' })
      const without = await sendForm(stage.url, '/upload/share_thumbnail', { ...artist, [name]: '' }, {})
      for (const answer of [withFile, without]) {
        expect([answer.status, answer.text]).toEqual([200, expect.stringMatching(new RegExp(`^0\n"${name}"`))])
      }
      expect(stage.site.web.requests.length).toBe(before)
      expect(await lastRow()).toMatchObject({ event: 'gateway', outcome: 'invalid_request', subject: 'ARTIST000001' })
    },
  )

  test.each([
    'script_key[]',
    'sudo_as_login[x]',
    ' sudo_as_login',
    'sudo_as_login ',
    'a"; name="sudo_as_login',
    'a-b',
    '',
  ])('by a name that another parser might read so (%s) is refused', async (name) => {
    const { mine } = await versions()
    const before = stage.site.web.requests.length
    expect((await upload(mine, { ...artist, [name]: 'admin' })).text).toMatch(/^0\n/)
    expect((await sendForm(stage.url, '/upload/share_thumbnail', { ...artist, [name]: 'x' }, {})).text).toMatch(/^0\n/)
    expect(stage.site.web.requests.length).toBe(before)
  })

  test('by the name of the file is refused', async () => {
    const { mine } = await versions()
    const before = stage.site.web.requests.length
    for (const field of ['sudo_as_login', 'session_token', 'product']) {
      expect((await upload(mine, artist, { ...document, field })).text).toMatch(new RegExp(`^0\n"${field}"`))
    }
    expect(stage.site.web.requests.length).toBe(before)
  })

  test('after the file is refused, and what the site got is no form', async () => {
    const { mine } = await versions()
    const before = await find(stage.site.url, script, 'Attachment', [])
    for (const name of ['sudo_as_login', 'session_token', 'script_key']) {
      const form = multipartBody({ ...target(mine), display_name: 'x', ...artist }, document).toString('latin1')
      const late = `\r\n--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\nadmin\r\n--${boundary}--\r\n`
      const body = Buffer.from(form.replace(/\r\n--[\w-]+--\r\n\r\n$/, late), 'latin1')
      const sent = sendSlowly('/upload/upload_file', body)
      expect(await sent.answer).toMatch(new RegExp(`^0\n"${name}" must come before`))
    }
    expect(await find(stage.site.url, script, 'Attachment', [])).toEqual(before)
  })

  test('without a session, with one of the site or with two is refused', async () => {
    const { mine } = await versions()
    expect((await upload(mine, {})).text).toMatch(/^0\n/)
    expect((await upload(mine, { session_token: stage.site.mintSession('artist') })).text).toMatch(/^0\n/)
    const body = `session_token=${artist.session_token}&session_token=x`
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const answer = await fetch(`${stage.url}/upload/share_thumbnail`, { method: 'POST', headers, body })
    expect(await answer.text()).toMatch(/^0\n"session_token" is doubled/)
  })

  test.each(['multipart/form-data', 'multipart/form-data; boundary=', 'multipart/form-data; boundary=other'])(
    'in a body that is not its Content-Type’s (%s) is refused',
    async (type) => {
      const headers = { 'content-type': type }
      const answer = await fetch(`${stage.url}/upload/upload_file`, {
        method: 'POST',
        headers,
        body: 'session_token=x',
      })
      expect([answer.status, await answer.text()]).toEqual([200, expect.stringMatching(/^0\n/)])
    },
  )

  test('elsewhere under /upload is nowhere', async () => {
    for (const path of ['/upload/anything', '/upload', '/upload/upload_file/x']) {
      expect((await sendForm(stage.url, path, artist, {})).status, path).toBe(404)
    }
  })
})

describe('a download', () => {
  const attachment = async (row: 'mine' | 'theirs') => {
    const version = (await versions())[row]
    const form = { ...target(version), display_name: 'x' }
    return idIn(await sendForm(stage.site.url, '/upload/upload_file', script, form, document))
  }

  test('of what the person does not see is 404, though the script would get it', async () => {
    const id = await attachment('theirs')
    const before = stage.site.web.requests.length
    expect((await download(id)).status).toBe(404)
    const paths = stage.site.web.requests.slice(before).map(({ path }) => path)
    expect(paths).toEqual(['/api3/json'])
    expect((await download(await attachment('mine'))).status).toBe(200)
  })

  test('needs a session of the gateway', async () => {
    const id = await attachment('mine')
    const fetched = async (headers: Record<string, string>) =>
      (await fetch(`${stage.url}/file_serve/attachment/${id}`, { headers })).status
    expect(await fetched({})).toBe(401)
    expect(await fetched({ cookie: '_session_id=' })).toBe(401)
    expect(await fetched({ cookie: `_session_id=${stage.site.mintSession('artist')}` })).toBe(401)
    expect(await fetched({ cookie: `_session_id=${artist.session_token}; _session_id=x` })).toBe(401)
    expect(await fetched({ authorization: `Bearer ${artist.session_token}` })).toBe(401)
    expect(await fetched({ cookie: `a=b; _session_id=${artist.session_token}` })).toBe(200)
  })

  test('goes on when the broker’s own session at the site has ended', async () => {
    const id = await attachment('mine')
    expect((await download(id)).status).toBe(200)
    stage.site.expireSessions()
    expect((await download(id)).status).toBe(200)
  })

  test('shows nothing of the broker’s own session, and no cookie of the site', async () => {
    const id = await attachment('mine')
    let used = ''
    answerWith = (url, init) => {
      if (!url.includes('/file_serve/')) return undefined
      used = /_session_id=(.*)$/.exec(new Headers(init.headers).get('cookie') ?? '')?.[1] ?? ''
      return new Response('x', { headers: { 'set-cookie': `_session_id=${used}`, 'content-type': 'text/html' } })
    }
    const answer = await download(id)
    expect(used).toMatch(/^[0-9a-f]{32}$/)
    expect(used).not.toBe(artist.session_token)
    expect(JSON.stringify([...answer.headers])).not.toContain(used)
    expect(answer.headers.get('content-security-policy')).toContain('sandbox')
    answerWith = (url) =>
      url.includes('/file_serve/')
        ? new Response(null, { status: 302, headers: { location: `https://files.example/?s=${used}` } })
        : undefined
    expect((await download(id)).status).toBe(502)
  })

  test('from a store of files is a redirect there', async () => {
    const id = await attachment('mine')
    const location = 'https://files.example/a?X-Amz-Signature=abc'
    stage.site.faults.inject({
      path: '/file_serve',
      times: 1,
      does: { kind: 'status', status: 302, headers: { location } },
    })
    const answer = await download(id)
    expect([answer.status, answer.headers.get('location')]).toEqual([302, location])
  })

  test('that leads to the site’s sign-in page does not', async () => {
    const id = await attachment('mine')
    const headers = { location: '/user/login' }
    stage.site.faults.inject({ path: '/file_serve', does: { kind: 'status', status: 302, headers } })
    const answer = await download(id)
    expect([answer.status, answer.headers.get('location')]).toEqual([502, null])
  })

  test('of a thumbnail, or by anything but an id, is 404', async () => {
    const thumbnail = await download('../thumbnail/1')
    expect(thumbnail.status).toBe(404)
    const said = await fetch(`${stage.url}/file_serve/thumbnail/1`)
    expect([said.status, await said.json()]).toEqual([404, { message: expect.stringContaining('not served') }])
    for (const id of ['0', '-1', '1.0', '1e3', '%31', 'x', '', '1/2', '99999999999999999999']) {
      expect((await download(id)).status, id).toBe(404)
    }
  })
})

function openUpload(path: string, length: number, onAnswer: (text: string) => void): http.ClientRequest {
  const { hostname, port } = new URL(stage.url)
  const headers = { 'content-type': `multipart/form-data; boundary=${boundary}`, 'content-length': length }
  return http.request({ host: hostname, port, path, method: 'POST', headers, agent: false }, (answer) => {
    const chunks: Buffer[] = []
    answer.on('data', (chunk: Buffer) => chunks.push(chunk))
    answer.on('end', () => onAnswer(Buffer.concat(chunks).toString('utf8')))
  })
}

/** Sends in pieces, each when the one before has left; `bytes` says how many have. */
function sendSlowly(path: string, body: Buffer): { answer: Promise<string>; bytes: () => number } {
  let sent = 0
  const answer = new Promise<string>((resolve, reject) => {
    const request = openUpload(path, body.length, resolve)
    request.on('error', reject)
    const next = (): void => {
      if (sent >= body.length) return void request.end()
      const piece = body.subarray(sent, sent + 256 * 1024)
      request.write(piece, (error) => {
        if (error) return
        sent += piece.length
        next()
      })
    }
    next()
  })
  return { answer, bytes: () => sent }
}

/** Where a count stands when it has not moved for half a second. */
async function untilStill(count: () => number): Promise<number> {
  for (let before = -1; ; ) {
    await new Promise((resolve) => setTimeout(resolve, 500))
    if (count() === before && before > 0) return before
    before = count()
  }
}
