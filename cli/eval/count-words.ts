import { parseArgs } from 'node:util'
import { contentTerms } from '#shared/text/tokenize.ts'
import { embeddingText } from '#workers/logic/chunk-document.ts'
import { chunksOfEvalDocument, EvalDocument, readLines } from './retrieval-data.ts'

/**
 * `node cli/eval/count-words.ts DOCS[,DOCS…] …` prints `shared/adapters/models/word-rarity.txt`: how rare words are, as a share of the
 * rarity of those that fewer than one in 200 passages hold. Every argument is a knowledge of its own and all count alike: a word that only
 * one of them uses often is that one's subject, not a common word. A line is a share and the stems that have it.
 */
const LEAST_SHARE = 0.005
/** Of the rarest; what is rarer than that says nothing beside it. */
const MOST = 0.97

const { positionals } = parseArgs({ allowPositionals: true })
if (positionals.length === 0) throw new TypeError('files of documents are needed')
const sources = positionals.map((paths) => countWords(paths.split(',')))
const stems = [...new Set(sources.flatMap(({ passagesWith }) => [...passagesWith.keys()]))].sort()
const shareOf = (stem: string) => sources.reduce((sum, source) => sum + rarityIn(source, stem), 0) / sources.length
const shares = stems.map((stem) => ({ stem, share: shareOf(stem) })).filter(({ share }) => share <= MOST)
const lines = Map.groupBy(shares, ({ share }) => share.toFixed(2))
for (const [share, some] of [...lines].sort(([a], [b]) => Number(a) - Number(b)))
  console.log([share, ...some.map(({ stem }) => stem)].join(' '))

type Counted = { readonly passages: number; readonly passagesWith: ReadonlyMap<string, number> }

function countWords(paths: readonly string[]): Counted {
  const passagesWith = new Map<string, number>()
  let passages = 0
  for (const document of paths.flatMap((path) => readLines(path, EvalDocument))) {
    for (const chunk of chunksOfEvalDocument(document, new Set(['description']), false)) {
      passages++
      for (const term of new Set(contentTerms(embeddingText(chunk)))) passagesWith.set(term, (passagesWith.get(term) ?? 0) + 1)
    }
  }
  return { passages, passagesWith }
}

function rarityIn({ passages, passagesWith }: Counted, stem: string): number {
  const least = LEAST_SHARE * passages
  const rarity = (count: number) => Math.log(1 + (passages - count + 0.5) / (count + 0.5))
  return rarity(Math.max(least, passagesWith.get(stem) ?? 0)) / rarity(least)
}
