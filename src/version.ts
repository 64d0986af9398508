import { readFileSync } from 'node:fs'
import { z } from 'zod'

// One level up both from src/ and from dist/.
const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))

/** The version in package.json. */
export const version: string = z.object({ version: z.string() }).parse(manifest).version
