import type { Knowledge } from '#shared/ports/knowledge.ts'

export class MemoryKnowledge implements Knowledge {
  readonly #versions = new Map<string, number>()

  async version(tenantId: string): Promise<string> {
    return String(this.#versions.get(tenantId) ?? 0)
  }

  async bump(tenantId: string): Promise<string> {
    this.#versions.set(tenantId, (this.#versions.get(tenantId) ?? 0) + 1)
    return this.version(tenantId)
  }
}
