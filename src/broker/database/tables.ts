import type { Kysely } from 'kysely'

/** The broker's tables. Times are wall clock, ms since the epoch. No column holds a secret, only hashes of secrets. */
export interface Tables {
  /** Challenges handed out. */
  challenge: { hash: string; expires_at: number; used_at: number | null }
  /** Who is who: an Autodesk account (issuer, subject) and the one HumanUser it is on a site. */
  person: {
    site: string
    issuer: string
    subject: string
    user_id: number
    /** As of the last look at the site; the id is what counts. */
    login: string
    matched_by: MatchedBy
    matched_email: string | null
    /** Who made the match: `first sign-in`, or the operator's name on the broker's machine. */
    set_by: string
    created_at: number
  }
  /** What an operator says of an address before its account comes for the first time. */
  expected_person: {
    site: string
    /** ASCII letters in lower case. */
    email: string
    user_id: number
    login: string
    matched_by: MatchedBy
    set_by: string
    created_at: number
  }
  /** Sign-ins whose key may renew: made by the first exchange, gone after `expires_at`. */
  sign_in: {
    thumbprint: string
    site: string
    issuer: string
    subject: string
    /** The Autodesk app the sign-in was made with. */
    client_id: string
    expires_at: number
  }
  /** What `auto` found out about a site. */
  site_shape: { site: string; shape: 'session' | 'gateway'; reason: string; chosen_at: number }
  /** The broker's own sessions, for sites whose session would be the script's. */
  gateway_session: {
    hash: string
    site: string
    issuer: string
    subject: string
    user_id: number
    login: string
    session_uuid: string
    created_at: number
    /** Moved at most every five minutes. */
    used_at: number
    ended_at: number | null
  }
  /** Bearers made from gateway sessions. */
  gateway_bearer: { hash: string; session_hash: string; expires_at: number }
  /** What is stopped: a site, or `*` for everything. */
  stop: { scope: string; reason: string; stopped_by: string; stopped_at: number }
  /** The last link of the audit's chain; one row. Whoever moves it holds the chain until the transaction ends. */
  audit_head: { id: number; sequence: number; hash: string }
  /** One row for each judged exchange and each act of an operator, written before its answer leaves. */
  audit: AuditRow
}

export type MatchedBy = 'email' | 'operator' | 'import'

export interface AuditRow {
  /** 1, 2, 3 …, without a gap. */
  sequence: number
  at: number
  event: string
  /** Who did it: the Autodesk account's subject, or the operator's name on the broker's machine. */
  actor: string
  request_id: string | null
  client_address: string | null
  site: string | null
  issuer: string | null
  subject: string | null
  user_id: number | null
  login: string | null
  shape: string | null
  /** Stands in the site's own event log too. */
  session_uuid: string | null
  /** `issued`, `done`, or the code it was refused with. */
  outcome: string
  detail: string
  previous_hash: string
  hash: string
}

export type Database = Kysely<Tables>
