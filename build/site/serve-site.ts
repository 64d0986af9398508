import { preview } from 'vite'
import { siteFolder } from './build-site.ts'

/** A built site that is being served. */
export interface ServedSite {
  /** Of the first page: `http://127.0.0.1:8877/`. */
  readonly address: string
  close(): Promise<void>
}

/** Serves a built site on 127.0.0.1, on `port` or, where that is taken, the next that is free. */
export async function serveSite(base: string, port: number, folder = siteFolder): Promise<ServedSite> {
  const server = await preview({
    configFile: false,
    root: folder,
    base,
    // What is not there is not there: no page stands in for it.
    appType: 'mpa',
    logLevel: 'error',
    build: { outDir: '.' },
    preview: { host: '127.0.0.1', port, strictPort: false, open: false },
  })
  const bound = server.httpServer.address()
  if (bound === null || typeof bound === 'string') throw new Error('the site is served on no port')
  return { address: `http://127.0.0.1:${bound.port}${base}`, close: () => server.close() }
}
