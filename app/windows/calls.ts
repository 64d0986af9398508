import { z } from 'zod'
import type { Finding, Problem, WindowName } from './contract.ts'

export const settingKeys = ['app.startAtLogin', 'app.language', 'session.rememberSignIn'] as const
export type SettingKey = (typeof settingKeys)[number]

const address = z.string().max(2_048)
const site = z.strictObject({ site: address })
const addresses = z.strictObject({ site: address, broker: address })
const filePath = z.string().max(4_096)
const nothing = z.strictObject({})
const credentials = z.strictObject({
  site: address,
  login: z.string().trim().min(1).max(200),
  passphrase: z.string().min(1).max(1_000),
  code: z.string().min(1).max(32).optional(),
})

/** Pages on the web that help with a refused sign-in; their addresses are the main process's. */
const helpPages = ['autodesk-profile', 'site'] as const

/** Every call a page can make: the shape of its arguments, and the windows it may come from. */
export const calls = {
  signIn: { args: site, from: ['status', 'sign-in'] },
  switchUser: { args: site, from: ['status'] },
  cancelSignIn: { args: site, from: ['status', 'sign-in'] },
  showSignIn: { args: site, from: ['status'] },
  signOut: { args: site, from: ['status'] },
  openSite: { args: site, from: ['status'] },
  openBrowserAgain: { args: site, from: ['sign-in'] },
  copyLink: { args: site, from: ['sign-in'] },
  paste: { args: z.strictObject({ site: address, address: z.string().max(8_192) }), from: ['sign-in'] },
  submitCredentials: { args: credentials, from: ['sign-in'] },
  openHelp: { args: z.strictObject({ site: address, page: z.enum(helpPages) }), from: ['sign-in'] },
  checkAddresses: { args: addresses, from: ['first-run'] },
  saveAddresses: { args: addresses, from: ['first-run'] },
  answerConsent: {
    args: z.strictObject({ id: z.string().max(64), answer: z.enum(['once', 'always', 'deny']) }),
    from: ['consent'],
  },
  revokeTool: { args: z.strictObject({ id: z.string().min(1).max(64) }), from: ['programs'] },
  askAgain: {
    args: z.strictObject({ executable: filePath, script: filePath, site: address }),
    from: ['programs'],
  },
  saveSetting: {
    args: z.strictObject({ key: z.enum(settingKeys), value: z.union([z.boolean(), z.string().max(32)]) }),
    from: ['settings'],
  },
  copyDiagnosis: { args: nothing, from: ['status', 'about'] },
  openLogs: { args: nothing, from: ['settings', 'about'] },
  showConsent: { args: nothing, from: ['status'] },
  openPrograms: { args: nothing, from: ['status', 'settings'] },
  openSettings: { args: nothing, from: ['status'] },
  openFirstRun: { args: nothing, from: ['status'] },
  openAbout: { args: nothing, from: ['status', 'settings'] },
  restartForUpdate: { args: nothing, from: ['status'] },
  quit: { args: nothing, from: ['status'] },
  closeWindow: { args: nothing, from: ['status', 'sign-in', 'first-run', 'programs', 'settings', 'about'] },
} as const satisfies Record<string, { readonly args: z.ZodType; readonly from: readonly WindowName[] }>

export type CallName = keyof typeof calls
export type CallArgs<C extends CallName> = z.output<(typeof calls)[C]['args']>
export type CallResult<C extends CallName> = C extends 'checkAddresses' ? CheckedAddresses : null

export interface CheckedAddresses {
  readonly site: Finding
  readonly broker: Finding
  /** How signing in will go, or why it cannot; absent while an address is wrong. */
  readonly wayIn?: Problem
  readonly ready: boolean
}
