export type IdempotencyClaim =
  | { readonly kind: 'first' }
  | { readonly kind: 'replayed'; readonly response: unknown }
  | { readonly kind: 'mismatch' }
  | { readonly kind: 'in-flight' }

/** For requests whose effect is not one statement: claim, work, settle (or release when the work failed without effect). */
export interface IdempotencyStore {
  claim(tenantId: string, key: string, route: string, bodyHash: string, now: Date): Promise<IdempotencyClaim>
  settle(tenantId: string, key: string, response: unknown): Promise<void>
  release(tenantId: string, key: string): Promise<void>
  forgetBefore(moment: Date): Promise<number>
}
