import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { toMermaid } from '#pipelines/diagram.ts'
import type { Pipeline } from '#pipelines/pipeline.ts'
import { supportTicket } from '#pipelines/support-ticket.ts'

const root = join(import.meta.dirname, '..')
const readme = readFileSync(join(root, 'README.md'), 'utf8')

test('the diagram in the README is the one that the pipeline draws of itself', () => {
  const drawn = `<!-- support-ticket diagram -->\n\`\`\`mermaid\n${toMermaid(supportTicket as unknown as Pipeline)}\n\`\`\`\n<!-- end -->`
  expect(readme).toContain(drawn)
})

test.each(['README.md', 'docs/architecture.md', 'docs/operations.md', 'docs/glossary.md'])(
  'every link in %s leads somewhere',
  (file) => {
    const text = readFileSync(join(root, file), 'utf8')
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, target]) => target!)
    expect(links.filter((target) => !existsSync(join(root, dirname(file), target)))).toEqual([])
  },
)

test('every command that the README names exists', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> }
  const named = [...readme.matchAll(/npm run (?:-s )?([a-z]+)/g)].map(([, name]) => name!)
  expect(named.filter((name) => !(name in scripts))).toEqual([])
  const commands = readFileSync(join(root, 'cli/answerline.ts'), 'utf8')
  const asked = [...readme.matchAll(/answerline -- ([a-z]+)/g)].map(([, name]) => name!)
  expect(asked.filter((name) => !commands.includes(`.command('${name}')`))).toEqual([])
})
