import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemPeers } from '../../src/socket/who-is-calling.ts'
import { addOtherUser, type OtherUser, otherUserMissing, runScript } from './other-user.ts'

const races = 10_000
const ownUid = process.getuid?.()

let other: (OtherUser & { remove(): void }) | undefined
beforeAll(() => {
  if (!otherUserMissing) other = addOtherUser()
})
afterAll(() => other?.remove())

/**
 * Connects over and over, says whose it is, and goes at a moment nobody can foresee, often by a reset: then the next connection may
 * come from the same port at once, and be the other user's. Others leave a row behind that says user 0. A few stay until they are sent away. It ends when the server is gone.
 */
const hammer = `
  import { connect } from 'node:net'
  const [letter, port, first, lanes] = (await new Response(process.stdin).text()).split(' ')
  const lane = () => {
    const localPort = Math.random() < 0.6 ? Number(first) + Math.floor(Math.random() * 40) : undefined
    const socket = connect({ host: '127.0.0.1', port: Number(port), localPort })
    let isOpen = false
    socket.on('error', (error) => { if (!isOpen && error.code === 'ECONNREFUSED') process.exit() })
    socket.once('close', () => setTimeout(lane, 0))
    socket.once('connect', () => {
      isOpen = true
      const moment = Math.random()
      const stays = moment > 0.97
      socket.write((stays ? letter.toUpperCase() : letter) + process.pid)
      const leave = () => localPort !== undefined ? socket.resetAndDestroy() : Math.random() < 0.3 ? socket.end() : socket.destroy()
      if (moment < 0.2) leave()
      else if (moment < 0.5) setImmediate(leave)
      else if (!stays) setTimeout(leave, Math.random() * 2)
    })
    socket.resume()
  }
  for (let left = Number(lanes); left > 0; left -= 1) lane()
  setTimeout(() => process.exit(1), 100_000)
`

test('in 10,000 races of connections that come, go and come back from the same ports, none of another user is taken for ours', async (context) => {
  if (!other) return context.skip(otherUserMissing)
  const peers = systemPeers()
  const open = new Set<Socket>()
  const newest = new Map<string, Socket>()
  const wrong: object[] = []
  const seen = { others: 0, othersInTime: 0, ours: 0 }
  let enough: () => void = () => undefined
  const done = new Promise<void>((resolve) => {
    enough = resolve
  })
  const judge = async (socket: Socket): Promise<void> => {
    const met = peers.meet(socket)
    const letter = new Promise<string | undefined>((resolve) => {
      socket.once('data', (chunk: Buffer) => resolve(chunk.toString())).once('close', () => resolve(undefined))
    })
    const isForeign = await met.isForeign
    // What the listener does before it believes anything.
    const isGone = socket.destroyed
    const said = await letter
    // Those of ours that leave are of no interest: asking for them all is what would take long.
    if (said?.startsWith('s')) return void socket.destroy()
    if (Math.random() < 0.5) await new Promise((resolve) => setImmediate(resolve))
    const identified = await peers.identify(met, Number(said?.slice(1)))
    const isOurs = identified.kind === 'known' || identified.uid === ownUid
    if (said?.toLowerCase().startsWith('o')) {
      seen.others += 1
      if (!isGone) seen.othersInTime += 1
      if ((!isForeign && !isGone) || (isOurs && !socket.destroyed)) wrong.push({ isForeign, identified })
    }
    if (said?.startsWith('S') && identified.kind === 'known') seen.ours += 1
    if (seen.others >= races) enough()
    socket.destroy()
  }
  const server = createServer((socket) => {
    const name = `${socket.remotePort}`
    // As the listener: a peer that comes back from the same port has left the old connection.
    newest.get(name)?.destroy()
    newest.set(name, socket)
    open.add(socket.on('error', () => undefined).once('close', () => open.delete(socket)))
    void judge(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const first = port > 40_000 ? port - 20_000 : port + 20_000
  const hammers = [
    runScript(hammer, `o ${port} ${first} 32`, { uid: other.uid, gid: other.gid }),
    runScript(hammer, `s ${port} ${first} 8`, {}),
  ]
  await Promise.race([done, Promise.all(hammers)])
  server.close()
  for (const socket of open) socket.destroy()
  expect((await Promise.all(hammers)).join('')).toBe('')
  expect(wrong).toEqual([])
  expect(seen.others).toBeGreaterThanOrEqual(races)
  // It was worth looking: many of both were still there when they were judged.
  expect(seen.othersInTime).toBeGreaterThan(1_000)
  expect(seen.ours).toBeGreaterThan(50)
}, 120_000)
