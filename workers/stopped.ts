/** Why a step's signal was aborted; the signal's `reason`. */
export class Stopped extends Error {
  readonly why: 'deadline' | 'overtaken' | 'handed-back'
  constructor(why: Stopped['why']) {
    super(`stopped: ${why}`)
    this.name = 'Stopped'
    this.why = why
  }
}
