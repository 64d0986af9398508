import { readdirSync, readFileSync } from 'node:fs'
import { extname, join, relative, sep } from 'node:path'
import { protocol, type Session } from 'electron'
import { pageOrigin, pageScheme } from './contract.ts'

const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'none'",
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** Must be called before the app is ready. */
export function announcePageScheme(): void {
  protocol.registerSchemesAsPrivileged([{ scheme: pageScheme, privileges: { standard: true, secure: true } }])
}

/** Serves the files that `folder` holds now, by a list made once: no address ever becomes a path. */
export function servePages(pages: Session, folder: string): void {
  const files = new Map<string, { readonly body: Buffer; readonly type: string }>()
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const type = contentTypes[extname(entry.name)]
    if (!entry.isFile() || !type) continue
    const file = join(entry.parentPath, entry.name)
    const address = `${pageOrigin}/${relative(folder, file).split(sep).join('/')}`
    files.set(address, { body: readFileSync(file), type })
  }
  pages.protocol.handle(pageScheme, (request) => {
    const found = request.method === 'GET' ? files.get(request.url) : undefined
    if (!found) return new Response(null, { status: 404 })
    return new Response(new Uint8Array(found.body), {
      headers: {
        'content-type': found.type,
        'content-security-policy': contentSecurityPolicy,
        'x-content-type-options': 'nosniff',
        'cache-control': 'no-store',
      },
    })
  })
}
