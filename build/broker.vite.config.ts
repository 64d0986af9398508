import { join } from 'node:path'
import { defineConfig } from 'vite'

const root = join(import.meta.dirname, '..')

/** The broker in one file, `out/sg-broker.js`: it starts in half the time of its sources, and tests start it hundreds of times. */
export default defineConfig({
  root,
  build: { ssr: 'src/broker/sg-broker.ts', outDir: 'out', emptyOutDir: false, target: 'node24' },
  ssr: { noExternal: true, external: ['pg-native'] },
})
