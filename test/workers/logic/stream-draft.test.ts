import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createDraftReader } from '#workers/logic/stream-draft.ts'

const DRAFT = {
  answerable: true,
  sentences: [
    { text: 'Press "Reset" {once} [1] – 日本語 🙂 \\ and wait.', citations: [1] },
    { text: 'Then, sentences: [2].', citations: [2, 3] },
  ],
  followUps: ['"sentences": [{"text": "no"}]'],
}

test('a draft is read sentence by sentence, however it is cut into pieces', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), fc.boolean(), (sizes, indented) => {
      const json = JSON.stringify(DRAFT, null, indented ? 2 : undefined)
      const reader = createDraftReader()
      const seen: unknown[] = []
      for (let at = 0, i = 0; at < json.length; i++) {
        const size = sizes[i % sizes.length]!
        seen.push(...reader.take(json.slice(at, at + size)))
        at += size
        expect(DRAFT.sentences[seen.length]?.text.startsWith(reader.partial()) ?? reader.partial() === '').toBe(true)
      }
      expect(seen).toEqual(DRAFT.sentences)
      expect(reader.answerable()).toBe(true)
    }),
  )
})

test('the part of a sentence that has arrived is known, without half an escape or half a character', () => {
  const reader = createDraftReader()
  reader.take('{"answerable":true,"sentences":[{"text":"Say \\"hi\\" \\')
  expect(reader.partial()).toBe('Say "hi" ')
  reader.take('u00e')
  expect(reader.partial()).toBe('Say "hi" ')
  reader.take('9 \\ud83d')
  expect(reader.partial()).toBe('Say "hi" é ')
  reader.take('\\ude42","citations":[1]}')
  expect(reader.partial()).toBe('')
})

test.each([
  ['a refusal', '{"answerable":false,"sentences":[]}', false],
  ['an answer whose readiness comes last', '{"sentences":[{"text":"A b c.","citations":[1]}],"answerable":true}', false],
  ['words', 'I would say that', false],
  ['a fenced draft', '```json\n{"answerable": true, "sentences": []}\n```', true],
])('%s', (_what, json, answerable) => {
  const reader = createDraftReader()
  reader.take(json)
  expect(reader.answerable()).toBe(answerable)
})

test('a sentence of another shape is passed over', () => {
  const reader = createDraftReader()
  const json = '{"answerable":true,"sentences":[{"say":"A"},{"text":"B.","citations":["x"]},{"text":"C.","citations":[1]}]}'
  expect(reader.take(json)).toEqual([{ text: 'C.', citations: [1] }])
})
