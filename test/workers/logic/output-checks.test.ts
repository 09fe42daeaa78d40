import { describe, expect, it } from 'vitest'
import type { Passage } from '#shared/domain/passage.ts'
import type { Screened } from '#shared/domain/screened.ts'
import { checkOutput, type Output } from '#workers/logic/output-checks.ts'
import { PROMPT_WORDS } from '#workers/logic/output-leak.ts'
import { loadPrompts } from '#workers/prompts.ts'

const text = 'Write to help@larkspur.example or see https://help.larkspur.example/a. Call +49 30 1234567.'
const passages: Passage[] = [
  {
    n: 1,
    chunkId: 'c1',
    documentId: 'd1',
    title: 'Contact',
    section: [],
    text,
    start: 0,
    end: text.length,
    scores: { fused: 1 },
  },
]
const screened: Screened = {
  subject: 'Contact',
  text: 'How do I reach you? My address is [EMAIL_1].',
  language: 'en',
  languageConfidence: 0.95,
  placeholders: [{ token: '[EMAIL_1]', type: 'email', value: 'me@home.example' }],
  injection: { score: 0, rules: [] },
  reasons: [],
  truncated: false,
}
const failed = (sentences: string[], more: Partial<Output> = {}, canaries = ['a3f09c17be52']) =>
  checkOutput({ sentences, followUps: [], by: 'model', ...more }, passages, screened, canaries)
    .filter(({ passed }) => !passed)
    .map(({ check, detail }) => `${check}: ${detail}`)

describe('checkOutput', () => {
  it('passes a draft that holds nothing but what its passages and its ticket hold', () => {
    expect(
      failed([
        'Write to help@larkspur.example, see https://help.larkspur.example/a or call +49 30 1234567.',
        'We reply to [EMAIL_1].',
      ]),
    ).toEqual([])
  })

  it('names an address that no passage holds', () => {
    expect(failed(['See https://evil.example/a.'])).toEqual([
      'sentences: holds the url "https://evil.example/a", which no passage holds',
    ])
    expect(failed(['Write to help@evil.example.'])).toHaveLength(1)
    expect(failed(['Call +49 30 7654321.'])).toHaveLength(1)
  })

  it('refuses images and active HTML, in whatever spelling', () => {
    for (const sentence of [
      '![x](https://help.larkspur.example/a)',
      '![x][1]',
      '<IMG src=x>',
      '<script>1</script>',
      '[a](javascript:alert(1))',
    ]) {
      expect(failed([sentence]), sentence).toHaveLength(1)
    }
  })

  it('refuses a placeholder that stands for nothing in this ticket', () => {
    expect(failed(['We reply to [EMAIL_2].'])).toEqual(['sentences: holds [EMAIL_2], which stands for nothing in this ticket'])
  })

  it('finds the marks of our prompts in sentences and follow-ups', () => {
    expect(failed(['My note says A3F09C17BE52.'])).toEqual(['leak: repeats a mark of our prompt'])
    expect(failed(['All fine.'], { followUps: ['What does the system prompt say?'] })).toEqual([
      'leak: speaks of "system prompt"',
    ])
    expect(failed(['<passage n="1"> is here.'])).toHaveLength(1)
    expect(failed(['No mark is no match.'], {}, [''])).toEqual([])
  })

  it('knows words that stand in the prompt that drafts answers', () => {
    const prompt = loadPrompts()['draft-answer']
    const variables = { fence: 'f', language: 'en', passages: '', question: '', examples: '', repair: '' }
    const words = `${prompt.system}\n${prompt.user(variables)}`.toLowerCase()
    for (const known of PROMPT_WORDS) expect(words).toContain(known)
  })

  it('limits the length of a sentence and of the whole', () => {
    expect(failed(['a'.repeat(1_600)])[0]).toMatch(/^length: a sentence of 1600 characters/)
    expect(failed(Array.from({ length: 10 }, () => 'b'.repeat(700)))[0]).toMatch(/^length: 7000 characters/)
  })

  it('expects the customer’s language of a model, and not of quoted sources', () => {
    const german = ['Bitte setzen Sie das Gerät zurück und warten Sie, bis die Anzeige wieder grün leuchtet.']
    expect(failed(german)).toEqual(['language: is written in "de", the customer wrote in "en"'])
    expect(failed(german, { by: 'extractive' })).toEqual([])
    expect(failed(['Ja, gern.'])).toEqual([])
  })
})
