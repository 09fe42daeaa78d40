/**
 * Which state of a tenant's knowledge an answer was built on. Proven answers are cached under it, so it must change
 * whenever a document was indexed or deleted.
 */
export interface Knowledge {
  version(tenantId: string): Promise<string>
  /** @returns the new version */
  bump(tenantId: string): Promise<string>
}
