import { AgentError } from '../errors.ts'
import { Questions } from './questions.ts'

/** A person at a terminal says yes; a program that only has pipes cannot. Throws `interaction_required` or `consent_denied`. */
export async function demandYes(question: string): Promise<void> {
  const terminal = Questions.atTerminal()
  if (!terminal) {
    throw new AgentError('interaction_required', 'there is no terminal to ask at', {
      advice: 'Run it in a terminal, or say --yes.',
    })
  }
  try {
    const answer = await terminal.ask(`${question} [y/N] `)
    if (!/^y(es)?$/i.test(answer)) {
      throw new AgentError('consent_denied', 'the answer was no', { advice: 'Nothing was changed.' })
    }
  } finally {
    terminal.close()
  }
}
