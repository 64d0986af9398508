import { accountSettings, tokenPage } from '../sign-in/legacy-refusal.ts'

// What people do by hand in the guided test, in the order of doing. facts: asked-for 17

/** Leaves the user with a token that is deleted and that nothing has used. */
export const deletedTokenSteps: readonly string[] = [
  `At the site, open ${accountSettings}, and clear the token.`,
  `At ${tokenPage}, create a new token with the product scope ShotGrid, then save it in the same place at the site.\n   Close every tool that might sign in as you: from here on the token must not be used.`,
  `At ${tokenPage}, delete that token again, before anything has used it.`,
]

/** Leaves them with a good one: whatever is refused now was not refused for the token. */
export const controlStep = `Now the control, which tells a missing token from a wrong passphrase: create a token at ${tokenPage} and save\n   it at the site (${accountSettings}); this one you keep. Where the site takes\n   sign-ins without a token, clearing it there does too.`
