import { countTokens as reference } from 'gpt-tokenizer/encoding/o200k_base'
import { expect, test } from 'vitest'
import { countTokens } from '#shared/text/count-tokens.ts'

test('agrees with the encoding on what people write', () => {
  for (const text of [
    '',
    'Hold the top button for 5 seconds.',
    '| a | b |\n|---|---|\n| 1 | 2 |',
    'Größe: 東京タワー 🙂',
    'x\n\n\n    y',
  ])
    expect(countTokens(text), text).toBe(reference(text))
})

test('takes special tokens for text', () => {
  expect(countTokens('say <|endoftext|> twice')).toBeGreaterThan(4)
})

test('counts megabytes without a word boundary in linear time', () => {
  const began = performance.now()
  for (const unit of ['a', '|-', ' ', '\n', 'é|', 'ab1'])
    expect(countTokens(unit.repeat(1_000_000 / unit.length))).toBeGreaterThan(1_000)
  expect(performance.now() - began).toBeLessThan(30_000)
}, 60_000)
