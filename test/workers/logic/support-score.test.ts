import { expect, test } from 'vitest'
import type { Passage } from '#shared/domain/passage.ts'
import { SUPPORT_FEATURES, supportFeatures } from '#workers/logic/support-features.ts'
import { supportIndex } from '#workers/logic/support-index.ts'
import { supportScore } from '#workers/logic/support-score.ts'
import { SUPPORT_WEIGHTS } from '#workers/logic/support-weights.ts'

const passage = (text: string): Passage => ({
  ...{
    n: 1,
    chunkId: 'c',
    documentId: 'd',
    title: 'Hub 2',
    section: ['Setup'],
    text,
    start: 0,
    end: text.length,
    scores: { fused: 1 },
  },
})
const index = supportIndex(
  [passage('Hold the button for ten seconds until the light turns amber. The hub restarts and keeps its settings.')],
  'My hub is offline since the storm',
)

test('there is one weight a feature, and one constant', () => {
  expect(SUPPORT_WEIGHTS).toHaveLength(SUPPORT_FEATURES.length + 1)
  expect(supportFeatures('Hold the button for ten seconds.', index)).toHaveLength(SUPPORT_FEATURES.length)
})

test('what the source says scores above what it says otherwise, and that above what it does not say at all', () => {
  const said = supportScore('Hold the button for ten seconds until the light turns amber.', index)
  const changed = supportScore('Hold the button for thirty seconds until the light never turns purple.', index)
  const invented = supportScore('Contact Mr Meyer in Hamburg, who exclusively refunds broken batteries.', index)
  expect(said).toBeGreaterThan(changed)
  expect(changed).toBeGreaterThan(invented)
})

test('any text gets a number from 0 to 1, also without words, without passages, or of one long line', () => {
  const none = supportIndex([], '')
  for (const text of ['', '...', '🙂', 'x'.repeat(20_000), 'One. Two. Three.'])
    for (const held of [index, none]) expect(supportScore(text, held)).toSatisfy((score: number) => score >= 0 && score <= 1)
})
