import { sql } from 'kysely'

/** How such a statement ends; a comment to every database. */
export const onDiskWithTheNextMark = '/* on disk with the next */'

/**
 * For `modifyEnd`: this statement need not wait for the disk. It is there as soon as anything that was written later is, since
 * the log of changes is written in order; so it is good for what must be remembered only if something comes of it, and that
 * has a row in the audit. PostgreSQL, which does not hold up the process, waits all the same.
 */
export const onDiskWithTheNext = sql.raw<never>(onDiskWithTheNextMark)
