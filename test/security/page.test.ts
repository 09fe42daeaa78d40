import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const page = readFileSync(join(root, 'docs/security.md'), 'utf8')

const LLM_2026 = [
  'Prompt Injection',
  'Sensitive Information Disclosure',
  'Excessive Agency',
  'Supply Chain',
  'Data and Model Poisoning',
  'Unbounded Consumption',
  'Misinformation',
  'Hidden Context Exposure',
  'Vector and Embedding Weaknesses',
  'Improper Output Handling',
].map((name, index) => `LLM${String(index + 1).padStart(2, '0')} ${name}`)
const API_2023 = [
  'Broken Object Level Authorization',
  'Broken Authentication',
  'Broken Object Property Level Authorization',
  'Unrestricted Resource Consumption',
  'Broken Function Level Authorization',
  'Unrestricted Access to Sensitive Business Flows',
  'Server Side Request Forgery',
  'Security Misconfiguration',
  'Improper Inventory Management',
  'Unsafe Consumption of APIs',
].map((name, index) => `API${index + 1} ${name}`)

type Row = { readonly name: string; readonly tests: readonly { readonly file: string; readonly title: string }[] }

const rows: Row[] = page
  .split('\n')
  .filter((line) => /^\| (?:LLM|API)\d/.test(line))
  .map((line) => {
    const [, name = '', , tests = ''] = line.split('|').map((cell) => cell.trim())
    return { name, tests: tests.split('<br>').map((entry) => testIn(name, entry)) }
  })

function testIn(row: string, entry: string) {
  const match = /^`(test\/[\w./-]+\.ts)` › (.+)$/.exec(entry.trim())
  if (!match) throw new Error(`${row}: "${entry}" is not \`file\` › title`)
  return { file: match[1]!, title: match[2]! }
}

/** The title as a string of the file that begins a test, or a row of a table of tests; not merely words of a comment. */
function isTestOf(source: string, title: string): boolean {
  const quoted = ["'", '"', '`'].map((quote) => `${quote}${title.replaceAll(quote, `\\${quote}`)}${quote}`)
  return quoted.some((text) => {
    const at = source.indexOf(text)
    return at > 0 && /(?:\(|\[)\s*$/.test(source.slice(0, at)) && !/\.(?:skip|todo)\(\s*$/.test(source.slice(0, at))
  })
}

describe('the page on security', () => {
  test('has every row of both lists, by number and name, and no other', () => {
    expect(rows.map(({ name }) => name)).toEqual([...LLM_2026, ...API_2023])
  })

  test('names at least one test for each, and every test that it names exists', () => {
    const missing = rows.flatMap(({ name, tests }) => {
      if (tests.length === 0) return [`${name} has no test`]
      return tests
        .filter(({ file, title }) => !existsSync(join(root, file)) || !isTestOf(readFileSync(join(root, file), 'utf8'), title))
        .map(({ file, title }) => `${name}: ${file} has no test "${title}"`)
    })
    expect(missing).toEqual([])
  })

  test('would notice a title that is gone, that is only mentioned, or that is skipped', () => {
    expect(isTestOf("test('stays', () => {})", 'stays')).toBe(true)
    expect(isTestOf("test.each([\n  ['a row', 1],\n])", 'a row')).toBe(true)
    expect(isTestOf("// 'stays' was here", 'stays')).toBe(false)
    expect(isTestOf("test.skip('stays', () => {})", 'stays')).toBe(false)
    expect(isTestOf("test('stays here', () => {})", 'stays')).toBe(false)
  })

  test('says which editions it follows', () => {
    expect(page).toContain('OWASP Top 10 for LLM Applications 2026')
    expect(page).toMatch(/OWASP API\s+Security Top 10 2023/)
  })
})
