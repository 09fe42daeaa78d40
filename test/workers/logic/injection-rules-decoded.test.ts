import { describe, expect, it } from 'vitest'
import { decodedPieces } from '#workers/logic/injection-rules-decoded.ts'

const texts = (raw: string) => decodedPieces(raw).map(({ encoding, text }) => `${encoding}: ${text}`)

describe('decodedPieces', () => {
  it('decodes base64, hexadecimal, binary, percent and entity encodings', () => {
    expect(texts(`x ${Buffer.from('hello there, friend').toString('base64')}`)).toEqual(['base64: hello there, friend'])
    expect(texts('0x68 0x65 0x6c 0x6c 0x6f 0x20 0x79 0x6f 0x75 0x21')).toContain('hex: hello you!')
    expect(texts('01101000 01100101 01101100 01101100 01101111 00100001')).toContain('binary: hello!')
    expect(texts('say %68%65%6c%6c%6f')).toEqual(['escapes: say hello'])
    expect(texts('say &#104;&#x65;llo')).toEqual(['escapes: say hello'])
  })

  it('finds nothing in ordinary text, long words, numbers and flags', () => {
    expect(texts('Donaudampfschifffahrtsgesellschaft, order 113542617735902, 100 % of it 🏴󠁧󠁢󠁷󠁬󠁳󠁿')).toEqual([])
  })

  it('is bounded in number and size', () => {
    const piece = Buffer.from('hello there, friend '.repeat(1000)).toString('base64')
    const pieces = decodedPieces(`${piece} `.repeat(40))
    expect(pieces.length).toBeLessThanOrEqual(16)
    for (const { text } of pieces) expect(text.length).toBeLessThanOrEqual(4_000)
  })

  it('survives escapes that decode to nothing valid', () => {
    expect(() => decodedPieces('%ff%fe &#0; &#x110000; \\ud800 %zz')).not.toThrow()
    expect(texts('\\ud800 hello to all of you out there')).toEqual(['escapes: \ufffd hello to all of you out there'])
  })
})
