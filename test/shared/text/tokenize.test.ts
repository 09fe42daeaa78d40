import { describe, expect, test } from 'vitest'
import { stem } from '#shared/text/stem.ts'
import { isStopWord } from '#shared/text/stop-words.ts'
import { contentTerms, isIdentifier, tokenize } from '#shared/text/tokenize.ts'

describe('tokenize', () => {
  test('gives identifiers whole and in their parts', () => {
    expect(tokenize('LK-204')).toEqual(['lk-204', 'lk', '204'])
    expect(tokenize('E_404 and v2.1')).toEqual(['e_404', 'e', '404', 'and', 'v2.1', 'v2', '1'])
    expect(tokenize('0x80070005')).toEqual(['0x80070005'])
    expect(tokenize('Set-MailboxFolder')).toEqual(['set-mailboxfolder', 'set', 'mailboxfolder', 'mailbox', 'folder'])
    expect(tokenize('AADSTS50020')).toEqual(['aadsts50020', 'aadsts', '50020'])
  })

  test('folds case, accents, width and apostrophes', () => {
    expect(tokenize('Ｃafé NAÏVE user’s don’t')).toEqual(['cafe', 'naive', 'user', 'dont'])
  })

  test('reads scripts without spaces in pairs, and others by word', () => {
    expect(tokenize('東京タワー')).toEqual(['東京', '京タ', 'タワ', 'ワー'])
    expect(tokenize('Привет мир')).toEqual(['привет', 'мир'])
  })

  test('finds nothing in nothing', () => {
    expect(tokenize('')).toEqual([])
    expect(tokenize('— … 🙂 \u0000 \ud800')).toEqual([])
  })

  test('cuts endless words and stays linear on hostile text', () => {
    const began = performance.now()
    for (const text of [
      'a'.repeat(2_000_000),
      'a-'.repeat(500_000),
      '東'.repeat(500_000),
      "'".repeat(500_000),
      'aA1_'.repeat(250_000),
    ]) {
      for (const token of tokenize(text)) if (token.length > 64) throw new Error(`${token.length} characters`)
    }
    expect(performance.now() - began).toBeLessThan(30_000)
  }, 60_000)
})

test('identifiers are told from words, years and short ranges', () => {
  for (const token of ['lk-204', '0x80070005', 'e_404', 'v2.1', 'ipv6', '2026-11-21'])
    expect(isIdentifier(token), token).toBe(true)
  for (const token of ['hub', '2013', '2.1', '3-5', 'on-premises', 'a1']) expect(isIdentifier(token), token).toBe(false)
})

test('forms of one word share a stem, and words that only look alike do not', () => {
  const same = (...words: string[]) => new Set(words.map(stem)).size === 1
  expect(same('update', 'updates', 'updated', 'updating')).toBe(true)
  expect(same('policy', 'policies')).toBe(true)
  expect(same('address', 'addresses', 'addressed')).toBe(true)
  expect(same('stop', 'stopped', 'stopping')).toBe(true)
  expect(same('hub', 'hubs')).toBe(true)
  expect(same('new', 'news')).toBe(true)
  for (const word of ['status', 'access', 'this', 'bring', 'red', 'feed', 'lk-204', 'naive', 'мир'])
    expect(stem(word).startsWith(word.slice(0, 4))).toBe(true)
  expect(stem('status')).toBe('status')
  expect(stem('string')).toBe('string')
  expect(same('rate', 'rat')).toBe(false)
})

test('stop words go by language, and without one English keeps its own', () => {
  expect(contentTerms('Why is the hub not blinking?')).toEqual(['hub', 'blink'])
  expect(contentTerms('Warum blinkt der Hub nicht?')).toEqual(['blinkt', 'hub'])
  expect(isStopWord('die')).toBe(false)
  expect(isStopWord('die', 'de')).toBe(true)
  expect(isStopWord('battery', 'xx')).toBe(false)
})
