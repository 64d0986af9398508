/** What the page is answered instead: a status, a code for programs and a sentence for the person. */
export class Refusal extends Error {
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.status = status
    this.code = code
  }
}

export function signedOut(): Refusal {
  return new Refusal(401, 'signed_out', 'Your session has ended. Please sign in again.')
}
