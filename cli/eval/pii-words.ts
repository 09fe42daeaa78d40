import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readMessages } from './pii-data.ts'

/** Writes the list that the gazetteer of the PII tagger reads: `node cli/eval/pii-words.ts DATA-FOLDER`. The same data gives the same bytes. */

const PROSE = ['banking77', 'bitext']
const LEAST = 6

/** Words that well-cased public texts often write in lower case: a name is hardly ever among them. Sorted. */
function commonWords(folder: string): string[] {
  const counts = new Map<string, number>()
  const count = (text: string) => {
    for (const [word] of text.matchAll(/(?<![\p{L}\p{M}])[a-z]{2,}(?![\p{L}\p{M}])/gu))
      counts.set(word, (counts.get(word) ?? 0) + 1)
  }
  for (const name of PROSE) for (const text of readMessages(folder, name)) count(text)
  const articles = readdirSync(join(folder, 'msft_support_kb')).filter((file) => file.startsWith('kb_'))
  for (const file of articles)
    for (const line of readFileSync(join(folder, 'msft_support_kb', file), 'utf8')
      .trimEnd()
      .split('\n'))
      for (const section of JSON.parse(line).sections) count(String(section.t))
  return [...counts].flatMap(([word, times]) => (times < LEAST ? [] : [word])).sort()
}

writeFileSync(
  join(import.meta.dirname, '../../workers/logic/pii-common-words.txt'),
  commonWords(process.argv[2] ?? '').join('\n'),
)
