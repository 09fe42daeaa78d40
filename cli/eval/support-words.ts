import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { contentTerms } from '#shared/text/tokenize.ts'

/**
 * Counts in how many public texts a word stands, for the weights of words in the support score: `node cli/eval/support-words.ts
 * DATA-FOLDER`. Texts that the score is measured on are not among them. The same data gives the same bytes.
 */
const LEAST = 8
/** So that the long articles of one vendor do not drown the rest. */
const MOST_ARTICLES = 300
const MAX_CHARACTERS = 3_000

function textsOf(folder: string): string[] {
  const rowsOf = (file: string) =>
    readFileSync(join(folder, file), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
  const articles = readdirSync(join(folder, 'msft_support_kb')).filter((file) => file.startsWith('kb_'))
  return [
    ...rowsOf('mtrag_un/docs.jsonl').map(({ text }) => text),
    ...rowsOf('bitext/dev.jsonl').map(({ response }) => response),
    ...articles.flatMap((file) =>
      rowsOf(`msft_support_kb/${file}`)
        .slice(0, MOST_ARTICLES / articles.length)
        .map(({ sections }) => sections.map((section: { t?: string }) => section.t ?? '').join('\n')),
    ),
  ].map((text) => String(text ?? '').slice(0, MAX_CHARACTERS))
}

const texts = textsOf(process.argv[2] ?? '').filter((text) => text.trim() !== '')
const counts = new Map<string, number>()
for (const text of texts) for (const term of new Set(contentTerms(text))) counts.set(term, (counts.get(term) ?? 0) + 1)
const lines = [...counts].filter(([, count]) => count >= LEAST).sort(([a], [b]) => (a < b ? -1 : 1))
writeFileSync(
  join(import.meta.dirname, '../../workers/logic/support-words.txt'),
  [`texts ${texts.length}`, ...lines.map(([term, count]) => `${term} ${count}`)].join('\n'),
)
