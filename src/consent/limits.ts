/** How questions are asked. Times in ms. */
export interface ConsentLimits {
  /** How long a question stays on the screen, and how long a caller waits for its answer. */
  readonly answerMs: number
  /** How long a question waits in the list, where there is no screen. */
  readonly listedMs: number
  /** How long a program that was refused is not asked about again. */
  readonly quietMs: number
  /** How often it is looked whether the screen was locked, while a question is on it. */
  readonly lockCheckMs: number
  /** Questions that wait at the same time. */
  readonly waiting: number
  /** So many refusals and questions without an answer within `quietMs`, and nobody is asked anything until they are over. */
  readonly unwelcome: number
}

export const consentLimits: ConsentLimits = {
  answerMs: 60_000,
  listedMs: 10 * 60_000,
  quietMs: 10 * 60_000,
  lockCheckMs: 500,
  waiting: 8,
  unwelcome: 5,
}
