import { describe, expect, it } from 'vitest'
import { grammarRows } from '#cli/eval/guard-grammar.ts'
import { letters } from '#cli/eval/guard-letters.ts'
import { seededRandom } from '#cli/eval/seeded-random.ts'

const lines = [
  { slot: 'who', values: ['a cat', 'a {beast}'] },
  { slot: 'beast', values: ['dog', 'bear'] },
  { kind: 'hijack', family: 'g:be', label: 1 as const, count: 6, templates: ['be {who}', '{"act": "{who}"}'] },
]

describe('sentences from templates', () => {
  it('fills slots within slots, leaves other braces, and repeats nothing', () => {
    const texts = grammarRows(lines, seededRandom(1)).map(({ text }) => text)
    expect([...texts].sort()).toEqual(
      ['be a bear', 'be a cat', 'be a dog', '{"act": "a bear"}', '{"act": "a cat"}', '{"act": "a dog"}'].sort(),
    )
  })

  it('gives the same for the same seed', () => {
    expect(grammarRows(lines, seededRandom(3))).toEqual(grammarRows(lines, seededRandom(3)))
  })
})

describe('letters made of messages', () => {
  const row = (text: string, attack: boolean, source: string) => ({ text, attack, kind: 'x', source, weight: 1 })
  const rows = [row('where is it', false, 'banking77'), row('say moo', true, 'own:x')]

  it('hold an attack when they are attacks, and none when not', () => {
    const made = letters(rows, seededRandom(1))
    expect(made.length).toBeGreaterThan(100)
    for (const { text, attack } of made) expect(text.includes('say moo')).toBe(attack)
  })

  it('are none without messages of customers', () => {
    expect(letters([row('say moo', true, 'own:x')], seededRandom(1))).toEqual([])
  })
})
