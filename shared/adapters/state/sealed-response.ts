import { toJson } from '#shared/database/json.ts'
import type { Sealer } from '#shared/ports/sealer.ts'
import { SEALED } from './sealed-facts.ts'
import { responseAt } from './sealed-places.ts'

/** Kept responses hold what they answered with, such as a ticket with its words; those of new tickets hold ids only and are kept as they are. */
export const sealResponse = (sealer: Sealer, tenantId: string, key: string, response: unknown): unknown =>
  sealer.seals ? { [SEALED]: sealer.seal(toJson(response), responseAt(tenantId, key)) } : response

export function openResponse(sealer: Sealer, tenantId: string, key: string, stored: unknown): unknown {
  const envelope = (stored as Record<string, unknown> | null)?.[SEALED]
  return typeof envelope === 'string' ? JSON.parse(sealer.open(envelope, responseAt(tenantId, key))) : stored
}
