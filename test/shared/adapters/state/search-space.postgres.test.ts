import { expect, test } from 'vitest'
import { createDocumentIntake } from '#shared/adapters/state/document-intake.postgres.ts'
import { createKnowledge } from '#shared/adapters/state/document-store.postgres.ts'
import { createSearchSpace } from '#shared/adapters/state/search-space.postgres.ts'
import type { DenseIndex, SparseIndex } from '#shared/ports/search-index.ts'
import { onEveryDatabase } from '#test/servers/databases.ts'

const now = new Date('2026-11-21T12:00:00Z')

onEveryDatabase((database) => {
  test('the first embedder takes the place, another one must be switched to, and a process of before may not remove', async () => {
    const space = createSearchSpace(database())
    expect(await space.current()).toBeUndefined()
    expect(await space.claim('hash-1', now)).toBe('hash-1')
    expect(await space.claim('other', now)).toBe('hash-1')
    await space.switchTo('other', now)
    expect(await space.current()).toBe('other')
    const gone: string[] = []
    const leg = { deleteDocument: async (_: string, id: string) => void gone.push(id) }
    const indexes = {
      dense: leg as unknown as DenseIndex,
      sparse: leg as unknown as SparseIndex,
      knowledge: createKnowledge(database()),
      copies: { forget: async () => {} },
    }
    const intake = (id: string) => createDocumentIntake(database(), { ...indexes, embedder: { id } })
    await expect(intake('hash-1').remove('acme', 'doc')).rejects.toMatchObject({ failure: { code: 'embedder-changed' } })
    expect(gone).toEqual([])
    await intake('other').remove('acme', 'doc')
    expect(gone).toEqual(['doc', 'doc'])
  })

  test('an index whose embedder nobody wrote down is not believed in', async () => {
    await database().asSystem('test', 'DELETE FROM search_space')
    await database().asSystem(
      'test',
      `INSERT INTO documents (tenant_id, id, title, body, content_type, audience, content_hash, run_id, state, created_at, updated_at)
       VALUES ('acme', 'of-before', '', '', 'text/plain', 'public', 'v1', 'run', 'indexed', now(), now())`,
    )
    expect(await createSearchSpace(database()).claim('hash-1', now)).toBe('unknown')
  })
})
