import type { AllowedBy } from './calls.ts'
import type { Identified } from './peer.ts'
import type { Scope } from './scopes.ts'
import type { Tool } from './tool-log.ts'

/** Who asks: what the system says of the program, and what it says of itself. */
export interface CallingTool {
  readonly identified: Identified
  readonly claim: Tool
}

/** Decides which program may have what. */
export interface Gate {
  /**
   * Resolves if the program may, with what lets it; undefined for what needs no leave. Asks the artist where the configuration
   * says so: an `interactive` caller waits for the answer. `site` undefined: no site in particular.
   * Throws `consent_denied`, `consent_timeout`, `interaction_required`.
   */
  demand(
    tool: CallingTool,
    scope: Scope,
    site: string | undefined,
    interactive: boolean,
  ): Promise<AllowedBy | undefined>
}
