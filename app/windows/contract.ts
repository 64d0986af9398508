import type { CallArgs, CallName, CallResult, SettingKey } from './calls.ts'

/**
 * What a page and the main process may say to each other: the views that go to a page, here, and the calls that come from
 * it, in calls.ts. Nothing else crosses.
 */
export type WindowName = 'status' | 'sign-in' | 'first-run' | 'consent' | 'programs' | 'settings' | 'about'

/** Where a page finds the three things its preload script gives it. */
export interface PageApi {
  /** The view of this window as it is now. */
  view(): Promise<View>
  /** Calls `listener` with every later view. */
  onView(listener: (view: View) => void): void
  call<C extends CallName>(name: C, args: CallArgs<C>): Promise<Outcome<CallResult<C>>>
}

/** Errors cross as data: a sentence, what to do, and the code of the one table. */
export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly code: string; readonly sentence: string; readonly advice: string }

/** A button: its words, and the call that a click makes. */
export interface Action {
  readonly label: string
  readonly kind: 'primary' | 'plain' | 'danger'
  readonly call: CallName
  readonly args: Readonly<Record<string, string | boolean>>
  /** What the button says while that takes its time: "Collecting…". */
  readonly doing?: string
  /** What the button says for a moment when it worked and nothing else shows it: "Copied". */
  readonly done?: string
}

export interface Problem {
  readonly tone: 'warning' | 'error' | 'info'
  readonly sentence: string
  readonly advice: string
  /** What to do, where it takes several things, in their order. */
  readonly steps?: readonly string[]
}

/** One thing known about something. */
export interface Fact {
  readonly label: string
  readonly value: string
  /** All of it, where `value` leaves out its middle. */
  readonly whole?: string
  /** How far it can be believed. */
  readonly note?: string
}

interface AnyView {
  /** BCP 47, for `<html lang>`. */
  readonly language: string
  readonly title: string
}

export interface SiteCard {
  readonly site: string
  readonly name: string
  readonly state: 'signed_out' | 'signing_in' | 'signed_in'
  readonly headline: string
  readonly detail: string
  /** How the session was obtained, and how long it lasts by itself. */
  readonly obtained?: string
  /** Time left as a bar: `share` of the whole, 0 to 1. */
  readonly left?: { readonly share: number; readonly label: string; readonly soon: boolean }
  readonly problem?: Problem
  readonly actions: readonly Action[]
}

export interface StatusView extends AnyView {
  readonly window: 'status'
  readonly sites: readonly SiteCard[]
  readonly problems: readonly Problem[]
  readonly tools: {
    readonly heading: string
    readonly none: string
    readonly rows: readonly ToolRow[]
    readonly actions: readonly Action[]
  }
  readonly calls: RecentCalls
  readonly actions: readonly Action[]
}

/** A program that asked for the session today. */
export interface ToolRow {
  readonly name: string
  /** All that is known about where it lies. */
  readonly whole?: string
  readonly detail: string
  readonly refused: boolean
}

/** The newest requests of programs, folded up until somebody wants them. */
export interface RecentCalls {
  readonly heading: string
  readonly none: string
  readonly hint: string
  readonly rows: readonly {
    readonly when: string
    readonly who: string
    readonly whole?: string
    readonly what: string
    readonly outcome: string
    readonly refused: boolean
  }[]
}

export interface SignInView extends AnyView {
  readonly window: 'sign-in'
  readonly state: 'starting' | 'waiting' | 'asking' | 'done' | 'failed'
  readonly headline: string
  readonly text: string
  readonly problem?: Problem
  readonly actions: readonly Action[]
  /** Pages on the web that help with the problem. */
  readonly help?: readonly Action[]
  /** Shown while the browser is waited for: for a browser that cannot come back by itself. */
  readonly paste?: { readonly site: string; readonly label: string; readonly hint: string; readonly submit: string }
  readonly credentials?: CredentialsForm
}

/** Asks for what ShotGrid itself knows a person by. What is typed is never part of a view. */
export interface CredentialsForm {
  readonly site: string
  readonly login: AskedField
  readonly passphrase: AskedField
  readonly code?: AskedField
  readonly submit: string
}

export interface AskedField {
  readonly label: string
  readonly hint: string
}

export interface FirstRunView extends AnyView {
  readonly window: 'first-run'
  readonly headline: string
  readonly text: string
  readonly site: TextField
  readonly broker: TextField
  readonly checking: string
  readonly save: string
}

export interface TextField {
  readonly label: string
  readonly hint: string
  readonly value: string
  readonly placeholder: string
}

export interface ConsentView extends AnyView {
  readonly window: 'consent'
  readonly id: string
  readonly headline: string
  /** What was found out about the program, not what it says. */
  readonly facts: readonly Fact[]
  readonly claim: string
  /** How long each answer lasts. */
  readonly hint: string
  readonly actions: readonly Action[]
}

export interface ProgramsView extends AnyView {
  readonly window: 'programs'
  readonly headline: string
  readonly text: string
  readonly none: string
  readonly rows: readonly ProgramRow[]
  /** Those that nobody is asked about for now. */
  readonly refused: { readonly heading: string; readonly text: string; readonly rows: readonly ProgramRow[] }
  readonly actions: readonly Action[]
}

/** A program that the artist has allowed, or refused a moment ago. */
export interface ProgramRow {
  readonly id: string
  readonly name: string
  readonly facts: readonly Fact[]
  readonly action: Action
}

export interface SettingsView extends AnyView {
  readonly window: 'settings'
  readonly items: readonly SettingItem[]
  readonly actions: readonly Action[]
}

export interface SettingItem {
  readonly key: SettingKey
  readonly label: string
  readonly hint: string
  readonly value: string | boolean
  /** Absent for a switch. */
  readonly choices?: readonly { readonly value: string; readonly label: string }[]
  /** Why it cannot be changed here. */
  readonly locked?: string
}

export interface AboutView extends AnyView {
  readonly window: 'about'
  readonly name: string
  readonly text: string
  readonly facts: readonly Fact[]
  readonly actions: readonly Action[]
}

export type View = StatusView | SignInView | FirstRunView | ConsentView | ProgramsView | SettingsView | AboutView

/** What a live check of one address found, in words. */
export interface Finding {
  readonly good: boolean
  readonly text: string
}

/** The channels of the bridge: two questions of the page, one message to it. */
export const channels = { view: 'sg-session:view', call: 'sg-session:call', changed: 'sg-session:changed' } as const

/** The scheme that pages come by. Nothing else is ever loaded into a window. */
export const pageScheme = 'app'
export const pageOrigin = `${pageScheme}://sg-session`
export const pageAddress = `${pageOrigin}/page.html`
