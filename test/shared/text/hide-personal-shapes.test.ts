import { describe, expect, test } from 'vitest'
import { hidePersonalShapes } from '#shared/text/hide-personal-shapes.ts'

describe('the net for personal shapes', () => {
  test.each([
    ["write to jürgen.o'neil@müller.example now", 'write to [email] now'],
    ['5555555555554444', '[card]'],
    ['order 1234567890123456 is no card', 'order 1234567890123456 is no card'],
    ['run_01jd3k0000000000000000abcd at 2026-11-21T01:02:03.004Z', 'run_01jd3k0000000000000000abcd at 2026-11-21T01:02:03.004Z'],
  ])('%s', (text, expected) => {
    expect(hidePersonalShapes(text)).toBe(expected)
  })

  test('stays fast on hostile text', () => {
    const startedAt = performance.now()
    for (const hostile of ['a'.repeat(500_000) + ' @', '1'.repeat(500_000), '1 '.repeat(250_000), 'a@'.repeat(250_000)])
      hidePersonalShapes(hostile)
    expect(performance.now() - startedAt).toBeLessThan(5_000)
  })
})
