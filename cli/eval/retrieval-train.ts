import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { HashEmbedder } from '#shared/adapters/models/embedder.hash.ts'
import { isTitled } from '#shared/adapters/search/match-weights.ts'
import { type Asked, ask, askedSetOf } from './retrieval-asked.ts'
import { crossValidate, learn, measured } from './retrieval-validation.ts'

/**
 * `node cli/eval/retrieval-train.ts --set 'DOCS[,DOCS…];QUESTIONS;[FIELD,…];[SAMPLE]' [--set …] [--rows FILE]` prints the weights of
 * `match-weights.ts`, for knowledge with titles and for knowledge without, what they reach on the questions they were learned on, and
 * in five folds by article. The third part names fields that are left out; the fourth takes a sample of so many documents, for
 * abstention only. `--rows` keeps what was asked in a file, or takes it from there. The same sets give the same weights.
 */
const { values } = parseArgs({ options: { set: { type: 'string', multiple: true, default: [] }, rows: { type: 'string' } } })
const DECAY = { TITLED: 0.01, PLAIN: 0.03 }

const asked = await askAll(values.set, values.rows)
const titled = ({ rows }: Asked) => isTitled(rows[0]!.slice(0, -1))
const groups = Object.entries(Object.groupBy(asked, (one) => (titled(one) ? 'TITLED' : 'PLAIN'))).map(([name, all]) => ({
  name,
  all,
  decay: DECAY[name as keyof typeof DECAY],
}))
tell('learning from everything')
const learned = learn(groups)
const short = (weights: readonly number[]) => weights.map((weight) => Number(weight.toFixed(3))).join(', ')
const weights = learned.rankings.map(({ name, ranking: { sparse, rerank } }) => [
  name,
  { sparse: short(sparse), rerank: short(rerank) },
])
const report = {
  ...Object.fromEntries(weights),
  ANSWERABLE: short(learned.answerable),
  inSample: measured(groups, () => learned),
  crossValidated: crossValidate(groups, (fold) => tell(`fold ${fold + 1}`)),
}
console.log(JSON.stringify(report, null, 2))

async function askAll(sets: readonly string[], rows: string | undefined): Promise<Asked[]> {
  if (rows !== undefined && existsSync(rows)) return readRows(rows)
  if (sets.length === 0) throw new TypeError('--set is needed')
  const all: Asked[] = []
  const embedder = new HashEmbedder()
  for (const [at, set] of sets.entries()) {
    tell(`asking ${set}`)
    all.push(...(await ask(askedSetOf(set), at, embedder)))
  }
  if (rows !== undefined) writeFileSync(rows, all.map((one) => `${JSON.stringify(one)}\n`).join(''))
  return all
}

function readRows(path: string): Asked[] {
  const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean)
  return lines.map((line) => JSON.parse(line) as Asked)
}

function tell(what: string): void {
  console.error(`${Math.round(process.uptime())} s: ${what}`)
}
