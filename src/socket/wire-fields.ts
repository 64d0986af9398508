import { z } from 'zod'
import { limits } from './limits.ts'

/** A site's address, as either side writes it. */
export const site = z.string().min(1).max(limits.siteCharacters)
/** Since the epoch, or how many. */
export const seconds = z.number().int().nonnegative()
