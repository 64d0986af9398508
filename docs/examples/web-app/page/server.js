// @ts-check
// The page's only way to ShotGrid: our own server, which holds the session.

/** Something that a person is told; `code` is for programs. */
export class Problem extends Error {
  /** @param {string} code @param {string} message */
  constructor(code, message) {
    super(message)
    this.code = code
  }
}

/** @param {string} path */
export function getJson(path) {
  return send(path, { method: 'GET' })
}

/** @param {string} path @param {object} content */
export function postJson(path, content) {
  const headers = { 'content-type': 'application/json' }
  return send(path, { method: 'POST', headers, body: JSON.stringify(content) })
}

/** @param {string} path */
export function remove(path) {
  return send(path, { method: 'DELETE' })
}

/** @param {string} path @param {RequestInit} init @returns {Promise<any>} */
async function send(path, init) {
  let answer
  try {
    answer = await fetch(path, { ...init, redirect: 'error' })
  } catch {
    throw new Problem('server_unreachable', 'The server of this page cannot be reached.')
  }
  const body = await answer.json().catch(() => ({}))
  if (answer.ok) return body
  throw new Problem(body.code ?? 'server_error', body.message ?? `The server answered ${answer.status}.`)
}
