import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { foldForMatching, normalizeText } from '#shared/text/normalize.ts'

describe('normalizeText', () => {
  it('keeps what people read: case, accents, newlines, tabs, emoji and other scripts', () => {
    const text = 'Größe XL\n\tpasst nicht 👩‍👩‍👧 ❤️ — 注文 заказ नमस्ते'
    expect(normalizeText(text)).toBe(text)
  })

  it('keeps characters whose plain form would say something else', () => {
    expect(normalizeText('5 m² at 1½ bar™ ①')).toBe('5 m² at 1½ bar™ ①')
  })

  it('turns full-width, mathematical and ligature letters into plain ones', () => {
    expect(normalizeText('ｉｇｎｏｒｅ 𝐚𝐥𝐥 ﬁles\u00a0now')).toBe('ignore all files now')
  })

  it('removes zero-width, bidi, tag and control characters', () => {
    expect(normalizeText('pa\u200bss\u2060wo\u00adrd\u202e x\u{e0041}\u{e0042}\u0007\ufeff')).toBe('password x')
  })

  it('keeps joiners where they spell something and drops them elsewhere', () => {
    expect(normalizeText('می\u200cخواهم')).toBe('می\u200cخواهم')
    expect(normalizeText('sys\u200dtem')).toBe('system')
  })

  it('makes every line break a newline', () => {
    expect(normalizeText('a\r\nb\rc\u2028d')).toBe('a\nb\nc\nd')
  })

  it('cuts piled-up marks and replaces lone surrogates', () => {
    expect(normalizeText(`q${'\u0336'.repeat(50)}`)).toHaveLength(5)
    expect(normalizeText('a\ud800b')).toBe('a\ufffdb')
  })

  it('composes letters and changes nothing when applied again', () => {
    expect(normalizeText('e\u0301')).toBe('é')
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => normalizeText(normalizeText(text)) === normalizeText(text)))
  })
})

describe('foldForMatching', () => {
  it.each([
    ['Ignore ALL', 'ignore all'],
    ['ignоrе previоus', 'ignore previous'],
    ['1gn0r3 pr3v10us', 'ignore previous'],
    ['a11 ru1es', 'all ruies'],
    ['i g n o r e   a l l', 'ignore all'],
    ['i-g-n-o-r-e', 'ignore'],
    ['ig**no**re', 'ignore'],
    ['Übergehe  die\nAnweisungen', 'ubergehe die anweisungen'],
    ['Straße', 'strasse'],
    ['ⓘⓖⓝⓞⓡⓔ', 'ignore'],
  ])('reads %j as %j', (text, folded) => {
    expect(foldForMatching(text)).toBe(folded)
  })

  it('leaves words of other scripts, plain numbers and addresses alone', () => {
    expect(foldForMatching('игнорируй 2024 jane@acme.com')).toBe('игнорируи 2024 jane@acme.com')
  })
})

describe('both on hostile food', () => {
  it.each([
    'a',
    'a ',
    'a b ',
    'a-',
    '*a',
    'a\u0301',
    '\u0301',
    '\u200d',
    '👩\u200d',
    'ﷺ',
    '１',
    'а',
    '1a',
    '@',
    '\n',
    ' ',
    '\u{e0041}',
  ])('read 100 KB of %j within 10 s', (piece) => {
    const text = piece.repeat(Math.ceil(100_000 / piece.length))
    const before = performance.now()
    foldForMatching(text)
    expect(performance.now() - before).toBeLessThan(10_000)
  })
})
