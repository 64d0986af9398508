import { fileURLToPath } from 'node:url'
import { defineConfig } from 'electron-vite'
import type { Plugin } from 'vite'
import { listBundledPackages } from './bundled-packages.ts'
import { renderIcons } from './icons/render.ts'
import { versionOfManifest } from './version-of-manifest.ts'

const inRepository = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url))
const outDir = inRepository('out/app')

// The older of the two Electrons the app runs on: see docs/decisions.md.
const oldest = { node: 'node20.18', chrome: 'chrome130' }

/** Main process, preload script and pages, from `app/` to `out/app/`. */
export default defineConfig({
  main: {
    plugins: [icons(), versionOfManifest(), listBundledPackages('app')],
    publicDir: false,
    build: {
      outDir,
      emptyOutDir: true,
      target: oldest.node,
      // Bundled, a package costs what is used of it: a fifth of the memory and of the time to the tray.
      externalizeDeps: false,
      rolldownOptions: {
        external: ['keytar', 'original-fs'],
        input: { main: inRepository('app/main.ts') },
        output: { format: 'es', entryFileNames: '[name].js', chunkFileNames: '[name].js' },
      },
    },
  },
  preload: {
    plugins: [listBundledPackages('app-preload')],
    publicDir: false,
    build: {
      outDir,
      emptyOutDir: false,
      target: oldest.node,
      // A sandboxed preload script can require nothing but electron.
      externalizeDeps: false,
      rolldownOptions: {
        input: { preload: inRepository('app/windows/preload.ts') },
        output: { format: 'cjs', entryFileNames: '[name].cjs', codeSplitting: false },
      },
    },
  },
  renderer: {
    root: inRepository('app/windows/pages'),
    plugins: [sameOriginTags(), listBundledPackages('app-pages')],
    publicDir: false,
    build: {
      outDir: `${outDir}/pages`,
      emptyOutDir: true,
      target: oldest.chrome,
      // The pages' protocol serves a fixed list of files, and their policy allows no data: address.
      assetsInlineLimit: 0,
      modulePreload: false,
      rolldownOptions: {
        input: { page: inRepository('app/windows/pages/page.html') },
        output: { entryFileNames: '[name].js', assetFileNames: '[name][extname]', codeSplitting: false },
      },
    },
  },
})

function icons(): Plugin {
  return {
    name: 'sg-session:icons',
    generateBundle() {
      for (const { name, png } of renderIcons()) {
        this.emitFile({ type: 'asset', fileName: `icons/${name}`, source: png })
      }
    },
  }
}

/** Vite asks for scripts and styles the way one asks another origin, which an app's own protocol need not answer. */
function sameOriginTags(): Plugin {
  return {
    name: 'sg-session:same-origin-tags',
    transformIndexHtml: { order: 'post', handler: (html) => html.replaceAll(' crossorigin', '') },
  }
}
