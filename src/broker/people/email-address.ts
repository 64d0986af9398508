/** ASCII only: folding beyond it would make different addresses equal. */
export function foldCase(email: string): string {
  return email.replace(/[A-Z]/g, (letter) => letter.toLowerCase())
}

/** Whether a text could be an address at all. */
export function isEmailAddress(text: string): boolean {
  return /^[^@\s]+@[^@\s]+$/.test(text)
}

/** Whether a first match may come from this address; without a list from any. */
export function isOfDomains(email: string, domains: readonly string[] | undefined): boolean {
  return domains === undefined || domains.includes(foldCase(email).slice(email.lastIndexOf('@') + 1))
}
