import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import { afterAll, describe, expect, test } from 'vitest'
import { loadPrompt, loadPrompts } from '#workers/prompts.ts'

const FOLDER = join(import.meta.dirname, '../../workers/prompts')
const folder = mkdtempSync(join(tmpdir(), 'prompts-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const META = { id: 'draft-answer', version: 1, tier: 'cheap', maxOutputTokens: 10, variables: '[name]' }
/** A prompt file of our own, with the given front matter and user part. */
function written(user: string, meta: Partial<Record<keyof typeof META, string | number>> = {}) {
  const lines = Object.entries({ ...META, ...meta }).map(([key, value]) => `${key}: ${value}`)
  return file(`---\n${lines.join('\n')}\n---\n# system\n\nBe brief.\n\n# user\n\n${user}\n`)
}
function file(text: string) {
  writeFileSync(join(folder, 'draft-answer.md'), text)
  return () => loadPrompt('draft-answer', folder)
}

describe('the prompts that ship', () => {
  test('are all loaded, and each is named as its file', () => {
    const names = readdirSync(FOLDER).map((name) => name.replace('.md', ''))
    expect(Object.keys(loadPrompts()).sort()).toEqual(names.sort())
    for (const [name, prompt] of Object.entries(loadPrompts()))
      expect(prompt).toMatchObject({ id: name, hash: expect.stringMatching(/^[0-9a-f]{16}$/) })
  })
  test('leave no variable unfilled and no front matter in what a model reads', () => {
    for (const [name, prompt] of Object.entries(loadPrompts())) {
      const variables = /^variables: \[(.*)\]$/m.exec(readFileSync(join(FOLDER, `${name}.md`), 'utf8'))![1]!.split(', ')
      const user = prompt.user(Object.fromEntries(variables.map((variable) => [variable, `<${variable}>`])))
      for (const variable of variables) expect(user).toContain(`<${variable}>`)
      expect(`${prompt.system}${user}`).not.toMatch(/\{\{|\}\}|maxOutputTokens|^# (?:system|user)/m)
    }
  })
  test('fence what customers and documents wrote, on both sides', () => {
    const { 'draft-answer': draft, 'classify-ticket': classify } = loadPrompts()
    const drafted = draft.user({ fence: 'F7', language: 'en', passages: 'P', question: 'Q', examples: '', repair: '' })
    expect(drafted).toMatch(/<passages F7>\nP\n<\/passages F7>\s*<question F7>\nQ\n<\/question F7>/)
    expect(classify.user({ fence: 'F7', intents: 'a, b', subject: 'S', text: 'T' })).toMatch(/<message F7>\nS\nT\n<\/message F7>/)
  })
})

describe("providers' prompt caches", () => {
  test('have a stable prefix of drafts that is long enough for them, and nothing of a request in it', () => {
    const draft = loadPrompts()['draft-answer']
    expect(countTokens(draft.system)).toBeGreaterThan(1_024 + 64)
    expect(draft.system).not.toMatch(/\{\{|\[F7\]/)
    expect(loadPrompts()['draft-answer'].system).toBe(draft.system)
  })
  test('come before the safety instructions, which close each prompt after all that customers and documents say', () => {
    const { 'draft-answer': draft, 'classify-ticket': classify } = loadPrompts()
    const drafted = draft.user({ fence: 'F7', language: 'en', passages: 'P', question: 'Q', examples: '', repair: 'R' })
    const classified = classify.user({ fence: 'F7', intents: 'a', subject: 'S', text: 'T' })
    for (const user of [drafted, classified]) {
      expect(user.lastIndexOf('never changes these rules')).toBeGreaterThan(user.lastIndexOf('</'))
    }
  })
})

describe('filling a prompt', () => {
  test('keeps a value that looks like a variable, a replacement pattern or a heading as it is', () => {
    const prompt = written('{{name}} and {{other}}', { variables: '[name, other]' })()
    const value = '{{other}} $& $1 $$ \n# user\n---'
    expect(prompt.user({ name: value, other: '{{name}}' })).toBe(`${value} and {{name}}`)
  })
  test('fills every place of a variable, and takes an empty value', () => {
    expect(written('{{name}}-{{name}}')().user({ name: 'x' })).toBe('x-x')
    expect(written('({{name}})')().user({ name: '' })).toBe('()')
  })
  test('refuses missing variables, and those that the prompt does not have', () => {
    const prompt = written('{{name}}')()
    expect(() => prompt.user({})).toThrow(/draft-answer: missing name/)
    expect(() => prompt.user({ name: 'x', nmae: 'y' })).toThrow(/draft-answer: unknown nmae/)
  })
})

describe('a prompt file', () => {
  test.each([
    ['without front matter', () => file('# system\nx\n# user\ny\n')],
    ['without a user part', () => file('---\nid: draft-answer\n---\n# system\nx\n')],
    ['with another id', () => written('{{name}}', { id: 'someone-else' })],
    ['with a tier that does not exist', () => written('{{name}}', { tier: 'best' })],
    ['with a version that is no number', () => written('{{name}}', { version: 'one' })],
    [
      'with a field too many',
      () =>
        file(
          '---\nid: draft-answer\nversion: 1\ntier: cheap\nmaxOutputTokens: 1\nvariables: []\nmood: good\n---\n# system\nx\n# user\ny\n',
        ),
    ],
    ['that uses what it does not declare', () => written('{{name}} {{surname}}')],
    ['that declares what it does not use', () => written('{{name}}', { variables: '[name, surname]' })],
  ])('%s is refused at start-up', (_name, load) => {
    expect(load()).toThrow()
  })
  test('that does not exist is refused at start-up', () => {
    expect(() => loadPrompt('classify-ticket', folder)).toThrow()
  })
  test('gets another hash with other words, and the same one with the same', () => {
    const first = written('{{name}}')().hash
    expect(written('{{name}}!')().hash).not.toBe(first)
    expect(written('{{name}}')().hash).toBe(first)
  })
})
