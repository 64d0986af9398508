import type { Page } from 'playwright-core'

/**
 * Everything a page can do to an address without the person's help; resolves when all of it has been tried. Each goes to the next
 * of `addresses`: a browser has few connections to one name at a time.
 */
export async function attack(page: Page, addresses: readonly string[]): Promise<void> {
  await page.evaluate(async (targets) => {
    let used = 0
    const next = (): string => targets[used++ % targets.length] ?? ''
    const settle = (add: (done: () => void) => void): Promise<void> =>
      new Promise((resolve) => {
        add(resolve)
        setTimeout(resolve, 2_500)
      })
    const put = (name: string, attributes: Record<string, string>, address = 'src'): Promise<void> =>
      settle((done) => {
        const element = document.createElement(name)
        element.addEventListener('load', done)
        element.addEventListener('error', done)
        for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value)
        element.setAttribute(address, next())
        document.body.append(element)
      })
    const submit = (method: string, enctype: string): Promise<void> =>
      settle((done) => {
        const frame = document.createElement('iframe')
        frame.name = `frame-${used}`
        const form = document.createElement('form')
        Object.assign(form, { action: next(), method, enctype, target: frame.name })
        // In text/plain this is a line that says hello.
        const field = document.createElement('input')
        Object.assign(field, { name: '{"jsonrpc":"2.0","id":1,"method":"hello","params":{"x":"', value: '"}}' })
        form.append(field)
        document.body.append(frame, form)
        form.submit()
        frame.addEventListener('load', done)
      })
    const send = (init: RequestInit = {}): Promise<unknown> =>
      fetch(next(), { ...init, signal: AbortSignal.timeout(2_500) }).catch(() => undefined)
    const speak = (scheme: string, protocols: string[] = []): Promise<void> =>
      settle((done) => {
        const socket = new WebSocket(next().replace(/^https?/, scheme), protocols)
        socket.addEventListener('close', () => done())
        socket.addEventListener('error', () => done())
      })
    const line = '\n{"jsonrpc":"2.0","id":1,"method":"session/get","params":{}}\n'
    await Promise.all([
      send(),
      send({ mode: 'no-cors', credentials: 'include' }),
      send({ method: 'POST', mode: 'no-cors', body: line }),
      send({ method: 'POST', mode: 'no-cors', body: line, keepalive: true }),
      send({ method: 'POST', mode: 'no-cors', body: new Blob([line], { type: 'application/x-www-form-urlencoded' }) }),
      send({ method: 'POST', headers: { 'content-type': 'application/json' }, body: line }),
      send({ method: 'DELETE' }),
      send({ headers: { 'x-own': '1' } }),
      Promise.resolve(navigator.sendBeacon(next(), line)),
      Promise.resolve(navigator.sendBeacon(next(), new Blob([line], { type: 'text/plain' }))),
      settle((done) => {
        const request = new XMLHttpRequest()
        request.open('POST', next())
        request.addEventListener('loadend', done)
        request.send(line)
      }),
      submit('post', 'text/plain'),
      submit('post', 'multipart/form-data'),
      submit('post', 'application/x-www-form-urlencoded'),
      submit('get', ''),
      put('img', {}),
      put('script', {}),
      put('script', { type: 'module' }),
      put('iframe', {}),
      put('iframe', { sandbox: 'allow-scripts' }),
      put('embed', {}),
      put('object', {}, 'data'),
      put('video', {}),
      put('audio', {}),
      put('link', { rel: 'stylesheet' }, 'href'),
      put('link', { rel: 'preload', as: 'fetch' }, 'href'),
      put('link', { rel: 'prefetch' }, 'href'),
      put('link', { rel: 'preconnect' }, 'href'),
      put('link', { rel: 'manifest' }, 'href'),
      settle((done) => {
        const events = new EventSource(next())
        events.addEventListener('error', () => {
          events.close()
          done()
        })
      }),
      speak('ws'),
      speak('wss'),
      speak('ws', ['jsonrpc']),
      settle((done) => {
        const Transport = Reflect.get(window, 'WebTransport') as
          | { new (url: string): { ready: Promise<void> } }
          | undefined
        if (!Transport) return done()
        new Transport(next().replace(/^http:/, 'https:')).ready.then(done, done)
      }),
      settle((done) => {
        const worker = new Worker('/worker.js')
        worker.addEventListener('message', () => done())
        worker.postMessage(next())
      }),
      navigator.serviceWorker
        ? navigator.serviceWorker
            .register('/worker.js')
            .then(({ installing, active }) => (installing ?? active)?.postMessage(next()))
            .catch(() => undefined)
        : undefined,
    ])
  }, addresses)
}
