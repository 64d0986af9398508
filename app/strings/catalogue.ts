import { en, type Strings } from './en.ts'
import { fr } from './fr.ts'

/** The languages there are, by their BCP 47 tag, each with its own name. A further one is a file and a line here. */
export const languages: ReadonlyMap<string, { readonly name: string; readonly strings: Strings }> = new Map([
  ['en', { name: 'English', strings: en }],
  ['fr', { name: 'Français', strings: fr }],
])

export interface Language {
  readonly tag: string
  readonly strings: Strings
}

/** `fr` of `fr-CA`. */
export function primaryLanguage(tag: string): string {
  return tag.toLowerCase().split(/[-_]/)[0] ?? ''
}

/** The first of what the person wants that there is: their setting, then the system's languages in order, then English. */
export function chooseLanguage(setting: string, systemLanguages: readonly string[]): Language {
  // “auto” is the tag of no language.
  for (const tag of [setting, ...systemLanguages]) {
    const primary = primaryLanguage(tag)
    const found = languages.get(primary)
    if (found) return { tag: primary, strings: found.strings }
  }
  return { tag: 'en', strings: en }
}
