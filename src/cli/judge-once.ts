import { config } from 'zod'

/**
 * For a command that judges a few messages and ends: zod compiles no code for them, which pays for an agent only. To be loaded
 * before any schema is made.
 */
config({ jitless: true })
