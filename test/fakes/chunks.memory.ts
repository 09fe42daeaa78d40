import type { Chunk } from '#shared/domain/document.ts'
import type { SearchFilter } from '#shared/ports/search-index.ts'

/** What both search fakes share: chunks by tenant and document. */
export class MemoryChunks<Item> {
  readonly #chunkOf: (item: Item) => Chunk
  readonly #tenants = new Map<string, Map<string, readonly Item[]>>()

  constructor(chunkOf: (item: Item) => Chunk) {
    this.#chunkOf = chunkOf
  }

  replace(tenantId: string, documentId: string, items: readonly Item[]): void {
    const documents = this.#tenants.get(tenantId) ?? new Map<string, readonly Item[]>()
    documents.set(documentId, [...items])
    this.#tenants.set(tenantId, documents)
  }

  drop(tenantId: string): void {
    this.#tenants.delete(tenantId)
  }

  count(tenantId: string): number {
    return [...(this.#tenants.get(tenantId)?.values() ?? [])].reduce((sum, items) => sum + items.length, 0)
  }

  matching({ tenantId, audiences, product, language }: SearchFilter): Item[] {
    return [...(this.#tenants.get(tenantId)?.values() ?? [])].flat().filter((item) => {
      const chunk = this.#chunkOf(item)
      return (
        audiences.includes(chunk.audience) &&
        (product === undefined || chunk.product === product) &&
        (language === undefined || chunk.language === language)
      )
    })
  }
}
