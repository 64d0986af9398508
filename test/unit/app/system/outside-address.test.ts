import { describe, expect, test } from 'vitest'
import { judgeOutsideAddress } from '../../../../app/system/outside-address.ts'

const strict = { insecureLoopback: false }
const sandbox = { insecureLoopback: true }

describe('what a browser is opened with', () => {
  const authorize =
    'https://developer.api.autodesk.com/authentication/v2/authorize?client_id=abc&response_type=code' +
    '&redirect_uri=http%3A%2F%2Flocalhost%3A14285%2Fcallback&scope=openid+user-profile%3Aread&state=a-._~b&prompt=login'

  test.for([
    'https://studio.shotgrid.autodesk.com',
    'https://studio.shotgrid.autodesk.com/',
    'HTTPS://Studio.ShotGrid.Autodesk.com/',
    'https://studio.example:8443/page/17?a=b&c=d#e',
    'https://studio.example?a=b',
    'https://studio.example#a',
    'https://xn--bcher-kva.example/',
    'https://10.0.0.7/',
    'https://[2001:db8::1]:8443/',
    'https://localhost:3000/',
    'https://studio.example/a*b,c:d@e/[f]~g=h',
    authorize,
  ])('%s', (text) => {
    for (const rules of [strict, sandbox]) expect(judgeOutsideAddress(text, rules)?.href).toBe(new URL(text).href)
  })

  test('what openers make of it is what was judged: nothing of it changes on the way', () => {
    expect(judgeOutsideAddress(authorize, strict)?.href).toBe(authorize)
  })

  test.for([
    'http://localhost:14285/authorize?a=b',
    'http://127.0.0.1:8080/',
    'http://127.1.2.3/',
    'http://[::1]:9000/x',
    'http://0x7f.1/',
  ])('%s, where that was allowed by name, and only there', (text) => {
    expect(judgeOutsideAddress(text, sandbox)?.href).toBe(new URL(text).href)
    expect(judgeOutsideAddress(text, strict)).toBeUndefined()
  })

  test('an address as long as sign-ins get', () => {
    const base = 'https://studio.example/?state='
    expect(judgeOutsideAddress(base + 'a'.repeat(8192 - base.length), strict)).toBeDefined()
    expect(judgeOutsideAddress(base + 'a'.repeat(8193 - base.length), strict)).toBeUndefined()
  })
})

const hostile: Readonly<Record<string, readonly string[]>> = {
  'another scheme': [
    'file:///etc/passwd',
    'file://server/share/run.exe',
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'javascript://studio.example/%0aalert(1)',
    'data:text/html,<script>alert(1)</script>',
    'data:text/html;base64,PHNjcmlwdD4=',
    'vbscript:msgbox(1)',
    'blob:https://studio.example/7',
    'about:blank',
    'chrome://settings',
    'view-source:https://studio.example',
    'smb://server/share',
    'ftp://studio.example/',
    'ssh://studio.example',
    'mailto:artist@studio.example',
    'tel:+491234',
    'ws://studio.example',
    'app://sg-session/page.html',
    'intent://scan/#Intent;scheme=zxing;end',
    'ms-msdt:/id PCWDiagnostic',
    'ms-officecmd:{}',
    'ms-settings:privacy',
    'search-ms:query=x&crumb=location:%5C%5Cevil',
    'steam://run/1',
    'zoommtg://zoom.us/join',
    'x-apple.systempreferences:',
    'httpsx://studio.example',
    'shttps://studio.example',
  ],
  'no whole address': [
    '',
    'https',
    'https:',
    'https:/',
    'https://',
    'https:///evil.example',
    'https:evil.example',
    'https:/evil.example',
    'https:////evil.example',
    'https://?a',
    'https://#a',
    'https://:443/',
    'https://[::1',
    'https://studio.example:99999/',
    '//studio.example',
    'studio.example',
    '/usr/bin/true',
    '\\\\server\\share',
    'C:\\Windows\\System32\\calc.exe',
  ],
  'a name or password': [
    'https://artist@studio.example/',
    'https://artist:secret@studio.example/',
    'https://studio.example@evil.example/',
    'https://studio.example:443@evil.example/',
    'https://@evil.example/',
    'https://:@evil.example/',
    'https://%61@evil.example/',
    'http://studio@127.0.0.1/',
  ],
  backslashes: [
    'https:\\\\studio.example',
    'https:/\\studio.example',
    'https://studio.example\\@evil.example/',
    'https://studio.example/..\\..\\run.exe',
  ],
  'what nobody sees': [
    ' https://studio.example',
    'https://studio.example ',
    '\thttps://studio.example',
    '\nhttps://studio.example',
    'https://studio.example\n',
    'https://studio.example\r\nhttps://evil.example',
    'ht\ntps://studio.example',
    'java\tscript:alert(1)',
    'https://studio.example/\u0000',
    '\u0000https://studio.example',
    'https://studio.example/a b',
    'https://studio.example/\u007f',
    '\ufeffhttps://studio.example',
    'https://studio.example/\u200b',
  ],
  'letters that look like others': [
    'https://studio\u3002example/',
    'https://studio.example\uff0fevil.example/',
    'https://studio.example\u2044evil.example/',
    'https://\u202eelpmaxe.oiduts',
    'https://studi\u043e.example/',
    'https\uff1a//studio.example',
    'https://ⓢtudio.example/',
    'https://bücher.example/',
    'https://studio.example/é',
  ],
  'what looks like a switch': [
    '--gpu-launcher=calc',
    '-n',
    '--https://studio.example',
    '--app=https://studio.example',
    '-- https://studio.example',
    '/c calc',
  ],
  'what a shell reads': [
    'https://studio.example/$(reboot)',
    'https://studio.example/`reboot`',
    'https://studio.example/;reboot',
    'https://studio.example/|reboot',
    'https://studio.example/>file',
    'https://studio.example/<file',
    'https://studio.example/"reboot"',
    "https://studio.example/'reboot'",
    'https://studio.example/$HOME',
    'https://studio.example/{a,b}',
    'https://studio.example/^reboot',
    'https://studio.example/!reboot',
    'https://studio.example/(reboot)',
  ],
  'http where it is not allowed': [
    'http://studio.example/',
    'http://127.0.0.1.evil.example/',
    'http://localhost.evil.example/',
    'http://evil.example/localhost',
    'http://evil.example#@127.0.0.1',
    'http://localhost./',
    'http://0.0.0.0/',
    'http://128.0.0.1/',
    'http://10.127.0.1/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::]/',
    'http://169.254.169.254/latest/meta-data',
  ],
  'what is too long': [`https://studio.example/${'a'.repeat(10_000)}`, `https://${'a'.repeat(5_000_000)}`],
}

describe.each(Object.entries(hostile))('nothing is opened with %s', (_kind, addresses) => {
  test.for(addresses.map((text) => [text.slice(0, 60), text] as const))('%j', ([, text]) => {
    for (const rules of [strict, sandbox]) expect(judgeOutsideAddress(text, rules)).toBeUndefined()
  })
})

test('of hostile addresses there are enough', () => {
  expect(Object.values(hostile).flat().length).toBeGreaterThan(60)
})
