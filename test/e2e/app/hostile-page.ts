// What somebody could do who got code of their own to run in one of our pages. Each function runs in the page and must
// therefore hold everything it needs.

export interface Ports {
  readonly tcp: number
  readonly udp: number
}

/** Tries to send something out in every way a page has. */
export async function reachOut({ tcp, udp }: Ports): Promise<void> {
  const attempt = (one: () => unknown): void => {
    try {
      Promise.resolve(one()).catch(() => undefined)
    } catch {
      // Refused.
    }
  }
  const element = (name: string, attributes: Record<string, string>): void => {
    const made = document.createElement(name)
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
    document.body.append(made)
  }
  for (const scheme of ['http', 'https']) {
    const at = (path: string): string => `${scheme}://127.0.0.1:${tcp}/${path}`
    attempt(() => fetch(at('fetch')))
    attempt(() => fetch(at('post'), { method: 'POST', body: 'x', mode: 'no-cors', keepalive: true }))
    attempt(() => {
      const request = new XMLHttpRequest()
      request.open('GET', at('xhr'))
      request.send()
    })
    attempt(() => navigator.sendBeacon(at('beacon'), 'x'))
    attempt(() => new EventSource(at('events')))
    attempt(() => new WebSocket(at('socket').replace('http', 'ws')))
    attempt(() => new Worker(at('worker.js')))
    attempt(() => import(at('module.js')))
    for (const name of ['img', 'script', 'iframe', 'embed', 'video', 'audio', 'track', 'input']) {
      element(name, { src: at(name), type: name === 'input' ? 'image' : '' })
    }
    element('object', { data: at('object') })
    for (const rel of [
      'stylesheet',
      'preload',
      'prefetch',
      'preconnect',
      'prerender',
      'modulepreload',
      'icon',
      'manifest',
    ]) {
      element('link', { rel, href: at(rel), as: 'image' })
    }
    const style = document.createElement('div')
    style.style.backgroundImage = `url(${at('background')})`
    document.body.append(style)
    attempt(() => new FontFace('x', `url(${at('font')})`).load())
  }
  const servers = [
    `stun:127.0.0.1:${udp}`,
    `turn:127.0.0.1:${udp}?transport=udp`,
    `turn:127.0.0.1:${tcp}?transport=tcp`,
    `turns:127.0.0.1:${tcp}?transport=tcp`,
  ]
  for (const urls of servers) {
    const connection = new RTCPeerConnection({ iceServers: [{ urls, username: 'a', credential: 'b' }] })
    connection.createDataChannel('x')
    await connection.setLocalDescription(await connection.createOffer())
  }
  await new Promise((wake) => setTimeout(wake, 1_200))
}

/** Asks for every power a page can ask for; what each answered. */
export async function askForPowers(): Promise<Record<string, string>> {
  // Several of these are in no type library.
  // biome-ignore lint/suspicious/noExplicitAny: see above.
  const browser = navigator as any
  // biome-ignore lint/suspicious/noExplicitAny: see above.
  const page = window as any
  const requests: Record<string, () => unknown> = {
    geolocation: () =>
      new Promise((resolve, reject) => navigator.geolocation.getCurrentPosition(() => resolve('a place'), reject)),
    notifications: () => Notification.requestPermission(),
    camera: () => navigator.mediaDevices.getUserMedia({ video: true }),
    microphone: () => navigator.mediaDevices.getUserMedia({ audio: true }),
    screen: () => navigator.mediaDevices.getDisplayMedia({ video: true }),
    'reading the clipboard': () => navigator.clipboard.readText(),
    'writing the clipboard': () => navigator.clipboard.writeText('x'),
    midi: () => browser.requestMIDIAccess({ sysex: true }),
    usb: () => browser.usb.requestDevice({ filters: [] }),
    hid: async () => ((await browser.hid.requestDevice({ filters: [] })).length > 0 ? 'a device' : 'denied'),
    serial: () => browser.serial.requestPort({}),
    bluetooth: () => browser.bluetooth.requestDevice({ acceptAllDevices: true }),
    // Its promise stays open here when it is refused.
    async fullscreen() {
      document.documentElement.requestFullscreen().catch(() => undefined)
      await new Promise((wake) => setTimeout(wake, 300))
      return document.fullscreenElement === null ? 'denied' : 'the whole screen'
    },
    'locking the pointer': () => document.body.requestPointerLock(),
    'locking the keyboard': () => browser.keyboard.lock(),
    'staying awake': () => browser.wakeLock.request('screen'),
    'storing for good': async () => ((await navigator.storage.persist()) ? 'stored for good' : 'denied'),
    idleness: () => page.IdleDetector.requestPermission(),
    fonts: async () => ((await page.queryLocalFonts()).length > 0 ? 'the fonts' : 'denied'),
    'screens and windows': () => page.getScreenDetails(),
    'service worker': () => navigator.serviceWorker.register('app://sg-session/page.js'),
  }
  const answers: Record<string, string> = {}
  for (const [name, ask] of Object.entries(requests)) {
    const late = new Promise<string>((resolve) => setTimeout(() => resolve('no answer'), 2_000))
    const asked = Promise.resolve()
      .then(ask)
      .then(
        (answer) => (typeof answer === 'string' ? answer : `granted: ${answer}`),
        (error) => `refused: ${error.name ?? error.message}`,
      )
    answers[name] = await Promise.race([asked, late])
  }
  const queried = ['geolocation', 'notifications', 'camera', 'microphone', 'clipboard-read', 'clipboard-write', 'midi']
  const others = ['background-sync', 'persistent-storage', 'local-fonts', 'window-management', 'idle-detection']
  for (const name of [...queried, ...others]) {
    const query = navigator.permissions.query({ name: name as PermissionName })
    answers[`query ${name}`] = await query.then(
      ({ state }) => state,
      (error) => `refused: ${error.name}`,
    )
  }
  return answers
}

/** Tries to have code run, and content shown, that is not among our files; what of it ran. */
export async function runForeignCode(): Promise<{ ran: string[]; violated: string[] }> {
  const ran: string[] = []
  const violated = new Set<string>()
  addEventListener('securitypolicyviolation', ({ effectiveDirective }) => violated.add(effectiveDirective))
  addEventListener('ran', (event) => ran.push((event as CustomEvent<string>).detail))
  const says = (what: string): string => `dispatchEvent(new CustomEvent('ran',{detail:'${what}'}))`
  // Not from here: code that the test itself runs may use eval.
  await new Promise<void>((done) => {
    setTimeout(() => {
      const indirect = [
        // biome-ignore lint/security/noGlobalEval: that it is refused is the point.
        () => window.eval(says('eval')),
        () => new Function(says('new Function'))(),
        () => setTimeout(says('setTimeout of text') as unknown as () => void),
        // WebAssembly's smallest module.
        () => {
          new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]))
          ran.push('WebAssembly')
        },
      ]
      for (const attempt of indirect) {
        try {
          attempt()
        } catch {
          // Refused.
        }
      }
      done()
    })
  })
  const add = (name: string, attributes: Record<string, string>, text = ''): HTMLElement => {
    const made = document.createElement(name)
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
    made.textContent = text
    document.body.append(made)
    return made
  }
  const blob = (type: string, text: string): string => URL.createObjectURL(new Blob([text], { type }))
  add('script', {}, says('inline script'))
  add('script', { src: `data:text/javascript,${encodeURIComponent(says('data: script'))}` })
  add('script', { src: blob('text/javascript', says('blob: script')) })
  add('button', { onclick: says('event handler') }).click()
  add('a', { href: `javascript:${says('javascript: link')}` }).click()
  add('iframe', { srcdoc: `<script>parent.${says('srcdoc')}</script>` })
  add('iframe', { src: blob('text/html', `<script>parent.${says('blob: frame')}</script>`) })
  add('base', { href: 'https://attacker.example/' })
  if (document.baseURI.startsWith('https://attacker')) ran.push('base')
  add('style', {}, 'html { --seen: inline }')
  if (getComputedStyle(document.documentElement).getPropertyValue('--seen')) ran.push('inline style')
  try {
    const worker = new Worker(blob('text/javascript', 'postMessage(1)'))
    worker.onmessage = () => ran.push('worker')
  } catch {
    // Refused.
  }
  const image = new Image()
  image.onload = () => ran.push('data: image')
  image.src = 'data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA='
  for (const address of ['file:///etc/hostname', 'data:text/plain,x', 'app://sg-session/page.css']) {
    await fetch(address).then(
      () => ran.push(`fetch ${address}`),
      () => undefined,
    )
  }
  await new Promise((wake) => setTimeout(wake, 400))
  return { ran, violated: [...violated] }
}

/** Tries to show something else in this window. Ours is marked, so that a page loaded anew would be noticed. */
export async function leave(addresses: readonly string[]): Promise<void> {
  Object.assign(window, { stillHere: true })
  const attempt = (one: () => unknown): void => {
    try {
      one()
    } catch {
      // Refused.
    }
  }
  const link = (attributes: Record<string, string>): void => {
    const made = document.createElement('a')
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
    document.body.append(made)
    made.click()
  }
  for (const address of addresses) {
    attempt(() => location.assign(address))
    attempt(() => location.replace(address))
    attempt(() => link({ href: address }))
    attempt(() => link({ href: address, download: 'x' }))
    for (const method of ['get', 'post']) {
      attempt(() => {
        const form = document.createElement('form')
        form.method = method
        form.action = address
        document.body.append(form)
        form.submit()
      })
    }
    await new Promise((wake) => setTimeout(wake, 40))
  }
  const refresh = document.createElement('meta')
  refresh.httpEquiv = 'refresh'
  refresh.content = `0; url=${addresses[0]}`
  document.head.append(refresh)
  attempt(() => history.back())
  await new Promise((wake) => setTimeout(wake, 300))
}

/** Tries to open windows; the addresses for which one was got. */
export async function openWindows(addresses: readonly string[]): Promise<string[]> {
  const opened: string[] = []
  for (const address of addresses) {
    for (const features of ['', 'popup', 'nodeIntegration=yes,contextIsolation=no', 'noopener']) {
      if (window.open(address, '_blank', features) !== null) opened.push(`${address} ${features}`)
    }
    for (const name of ['_blank', 'another']) {
      const link = document.createElement('a')
      Object.assign(link, { href: address, target: name })
      document.body.append(link)
      link.click()
    }
    await new Promise((wake) => setTimeout(wake, 40))
  }
  await new Promise((wake) => setTimeout(wake, 300))
  return opened
}
