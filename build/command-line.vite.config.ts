import { join } from 'node:path'
import { defineConfig } from 'vite'
import { versionOfManifest } from './version-of-manifest.ts'

const root = join(import.meta.dirname, '..')

/**
 * The command line in few files, `out/cli/sg-session.js`: it starts in half the time of its sources, and tests start it hundreds of times.
 * As deep in the repository as the sources' own folder, so that `sg-session exec` finds the Python client where it does from there.
 */
export default defineConfig({
  root,
  plugins: [versionOfManifest()],
  build: {
    ssr: 'src/cli/sg-session.ts',
    outDir: 'out/cli',
    emptyOutDir: true,
    target: 'node24',
    rolldownOptions: {
      // A package that is CommonJS asks for it.
      transform: { define: { __filename: 'import.meta.filename' } },
      output: { chunkFileNames: '[name].js' },
    },
  },
  // `open` comes with a program of its own, which it looks for beside itself.
  ssr: { noExternal: true, external: ['open', 'keytar'] },
})
