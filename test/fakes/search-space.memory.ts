import type { SearchSpace } from '#shared/ports/search-space.ts'

export function memorySearchSpace(embedderId?: string): SearchSpace {
  let standing = embedderId
  return {
    current: async () => standing,
    async claim(id) {
      standing ??= id
      return standing
    },
    async switchTo(id) {
      standing = id
    },
  }
}
