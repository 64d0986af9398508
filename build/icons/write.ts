import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { renderAppIcons } from './render.ts'

// The program's own icon as Windows and macOS want it, into `out/icons`, for electron-builder: which would convert a PNG with a tool that
// it fetches, and scale one size where the drawing can be drawn at each. `node build/icons/write.ts`.

const folder = fileURLToPath(new URL('../../out/icons', import.meta.url))
mkdirSync(folder, { recursive: true })
for (const { name, content } of renderAppIcons()) writeFileSync(join(folder, name), content)
