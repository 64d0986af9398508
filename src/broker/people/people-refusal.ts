import { AgentError, type ErrorCode } from '../../errors.ts'

/** Why an operator's change was not made. The table's advice is for artists; operators get the next step by name. */
export class PeopleRefusal extends AgentError {
  constructor(code: ErrorCode, message: string, nextStep: string) {
    super(code, message, { advice: nextStep })
  }
}
