import { toJson } from '#shared/database/json.ts'
import { PERSONAL_FIELDS } from '#shared/domain/personal-facts.ts'
import { SealBroken } from '#shared/domain/sealed.ts'
import type { Place, Sealer, SealState } from '#shared/ports/sealer.ts'
import { factAt } from './sealed-places.ts'

export type Facts = Readonly<Record<string, unknown>>
/** Where the sealed fields of a fact stand, as one envelope; no fact has a field of this name. */
export const SEALED = '$sealed'

const isRecord = (value: unknown): value is Facts => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Facts as they are stored: each with its personal fields in one envelope. */
export function sealFacts(sealer: Sealer, tenantId: string, runId: string, facts: Facts): Facts {
  if (!sealer.seals) return facts
  return Object.fromEntries(
    Object.entries(facts).map(([name, fact]) => [name, sealFact(sealer, factAt(tenantId, runId, name), name, fact)]),
  )
}

function sealFact(sealer: Sealer, place: Place, name: string, fact: unknown): unknown {
  const personal = Object.hasOwn(PERSONAL_FIELDS, name) ? PERSONAL_FIELDS[name]! : []
  if (personal.length === 0 || !isRecord(fact)) return fact
  const fields = Object.entries(fact)
  const hidden = fields.filter(([field]) => personal.includes(field))
  if (hidden.length === 0) return fact
  const rest = fields.filter(([field]) => !personal.includes(field))
  return { ...Object.fromEntries(rest), [SEALED]: sealer.seal(toJson(Object.fromEntries(hidden)), place) }
}

/**
 * Facts as steps read them. A sealed one is opened when it is read for the first time, so who does not read it does not pay for it.
 * A broken seal leaves the fact without its personal fields, which no step takes for a whole one.
 * @throws KeyMissing when a fact is read whose key is not at hand
 */
export function openFacts(sealer: Sealer, tenantId: string, runId: string, stored: Facts): Record<string, unknown> {
  const facts: Record<string, unknown> = {}
  for (const [name, fact] of Object.entries(stored)) {
    if (!isRecord(fact) || typeof fact[SEALED] !== 'string') facts[name] = fact
    else {
      let opened: Facts | undefined
      const get = () => {
        opened ??= openFact(sealer, factAt(tenantId, runId, name), fact)
        return opened
      }
      Object.defineProperty(facts, name, { enumerable: true, configurable: true, get })
    }
  }
  return facts
}

function openFact(sealer: Sealer, place: Place, { [SEALED]: envelope, ...rest }: Facts): Facts {
  try {
    return { ...rest, ...JSON.parse(sealer.open(String(envelope), place)) }
  } catch (error) {
    if (error instanceof SealBroken) return rest
    throw error
  }
}

/** How the personal fields of a row of the log are stored: the worst of its facts. */
export function stateOfFacts(sealer: Sealer, facts: Facts): SealState {
  let state: SealState = 'current'
  for (const [name, fact] of Object.entries(facts)) {
    if (!isRecord(fact)) continue
    if (typeof fact[SEALED] === 'string') {
      if (sealer.stateOf(fact[SEALED]) === 'older') state = 'older'
    } else if ((PERSONAL_FIELDS[name] ?? []).some((field) => field in fact)) return 'unsealed'
  }
  return state
}
