import type { Doors } from '#shared/wiring.ts'
import { rebuildIndex } from '#workers/rebuild-index.ts'

type Options = { readonly alone: boolean; readonly say: (line: string) => void }

/**
 * Sees to it that searches are served from the index of the configured embedder. Where embedding is free and nobody else works on
 * the stores, another index is built on the spot; elsewhere that is for the operator to decide.
 * @throws Error that says what to do
 */
export async function settleSearchSpace(doors: Doors, { alone, say }: Options): Promise<void> {
  const { embedder, space, clock, tenants } = doors
  const standing = await space.claim(embedder.id, clock.now())
  if (standing === embedder.id) return
  if (!alone || !embedder.id.startsWith('hash'))
    throw new Error(
      `the search index was built with the embedder "${standing}", this configuration has "${embedder.id}", and vectors of two embedders cannot be mixed; set EMBEDDING_MODEL back, or run \`answerline index --rebuild\` with the new one`,
    )
  say(`the search index was built with the embedder "${standing}": building it anew with "${embedder.id}"`)
  const ids = (await tenants.list()).map(({ id }) => id)
  const { documents, chunks } = await rebuildIndex(ids, doors, () => {}, new AbortController().signal)
  doors.dropOtherSpaces()
  say(`${documents} documents, ${chunks} chunks: the new index serves`)
}
