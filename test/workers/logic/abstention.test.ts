import { expect, test } from 'vitest'
import { ABSTENTION_LANGUAGES, handoverMessage } from '#workers/logic/abstention.ts'
import { detectLanguage } from '#workers/logic/detect-language.ts'

test.each(ABSTENTION_LANGUAGES)('the words for %s are in the language that the detector calls so', (language) => {
  expect(detectLanguage(handoverMessage({ language, languageConfidence: 0.9 }, true)).language).toBe(language)
})

test('English stands in where the language is unknown, uncertain or without words of ours', () => {
  const english = handoverMessage({ language: 'en', languageConfidence: 1 }, true)
  expect(handoverMessage(undefined, true)).toBe(english)
  expect(handoverMessage({ language: 'und', languageConfidence: 0 }, true)).toBe(english)
  expect(handoverMessage({ language: 'de', languageConfidence: 0.2 }, true)).toBe(english)
  for (const language of ['tl', 'constructor', '__proto__'])
    expect(handoverMessage({ language, languageConfidence: 0.9 }, true)).toBe(english)
})

test('who needs a person for another reason is not told that we know nothing', () => {
  expect(handoverMessage({ language: 'en', languageConfidence: 1 }, false)).not.toContain('reliable')
})
