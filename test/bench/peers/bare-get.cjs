'use strict'
// The least that Node can do for a session: read the endpoint file, connect, look at the certificate, ask once, print. No check of the
// file, no deadline, no words for what goes wrong: `node bare-get.cjs ENDPOINT-FILE`.
const { X509Certificate } = require('node:crypto')
const { readFileSync } = require('node:fs')
const { connect } = require('node:tls')

const { port, certificate, key } = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const socket = connect({ host: '127.0.0.1', port, ca: certificate, checkServerIdentity: () => undefined })
const ask = (id, method, params) => socket.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`)
socket.once('secureConnect', () => {
  if (!socket.getPeerX509Certificate().raw.equals(new X509Certificate(certificate).raw)) throw new Error('another')
  ask(1, 'hello', { protocol: 1, key, client: { name: 'bare-get', version: '1', pid: process.pid } })
  ask(2, 'session/get', {})
})
let said = ''
socket.on('data', (chunk) => {
  said += chunk
  const [, answer, rest] = said.split('\n')
  if (rest === undefined) return
  process.stdout.write(`${JSON.parse(answer).result.sessionToken}\n`)
  socket.destroy()
})
