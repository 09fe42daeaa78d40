import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findPersonalData, TAGGER_FILE } from '#workers/logic/find-personal-data.ts'
import { prepare, quantised, type TaggedText, trainTagger } from '#workers/logic/pii-tagger-training.ts'
import { readMessages, readTagged } from './pii-data.ts'
import { type JudgedText, piiMetrics } from './pii-metrics.ts'
import { swapped } from './pii-swaps.ts'

/**
 * Trains the PII tagger: `node cli/eval/train-pii.ts DATA-FOLDER [--ship]`, with `pii_presidio` as examples and messages of `banking77`, `hint3`,
 * `clinc150` and `bitext` as texts without personal data. Prints figures of five folds, and by how far nothing is held back; with `--ship` it writes the weights instead. The same data gives
 * the same bytes.
 */
const TRAINING = { bits: 19, epochs: 8, dropout: 0.3 }
const FOLDS = 5
const WITHOUT: Readonly<Record<string, number>> = { banking77: 3_500, hint3: 2_500, clinc150: 1_500, bitext: 600 }

const folder = process.argv[2] ?? ''
const seeded = (seed: number) => () => {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
  return seed / 2 ** 32
}

/** Drawn without putting back, so that no text is in two folds. */
function messagesOf(name: string, wanted: number): TaggedText[] {
  const random = seeded(3)
  const texts = [...new Set(readMessages(folder, name))].map((text) => ({ text, at: random() }))
  return texts
    .toSorted((a, b) => a.at - b.at)
    .slice(0, wanted)
    .map(({ text }) => ({ text, spans: [] }))
}

const own = readdirSync(join(import.meta.dirname, '../../test/data/pii'), { withFileTypes: true })
  .filter((entry) => entry.name.startsWith('train'))
  .flatMap(({ name }) => readTagged(join(import.meta.dirname, '../../test/data/pii', name)))
const groups: Record<string, TaggedText[]> = { pii_presidio: readTagged(join(folder, 'pii_presidio/dev.jsonl')), own }
for (const [name, wanted] of Object.entries(WITHOUT)) groups[name] = messagesOf(name, wanted)

const rows = Object.entries(groups).flatMap(([group, texts]) =>
  texts.map((row, at) => ({
    group,
    row,
    fold: (row.template === undefined ? at : Number(row.template) * 7) % FOLDS,
    ready: prepare(row),
  })),
)
const train = (chosen: typeof rows) => {
  const model = trainTagger(
    [
      ...chosen.map(({ ready }) => ready),
      ...swapped(
        chosen.map(({ row }) => row),
        seeded(11),
      ).map(prepare),
    ],
    { ...TRAINING, random: seeded(7) },
  )
  return { bits: TRAINING.bits, weights: quantised(model.weights) }
}
const SWEEP = [1500, 3000, 4500]
const sweeps = new Map<string, JudgedText[]>()
const judged = new Map<string, JudgedText[]>(Object.keys(groups).map((group) => [group, []]))
const ship = process.argv[3] === '--ship'
for (let fold = 0; fold < (ship ? 0 : FOLDS); fold++) {
  const model = train(rows.filter((one) => one.fold !== fold))
  for (const { group, row } of rows.filter((one) => one.fold === fold))
    for (const bias of SWEEP) {
      const key = `${group} ${bias}`
      if (!sweeps.has(key)) sweeps.set(key, [])
      sweeps
        .get(key)!
        .push({ text: row.text, gold: row.spans, found: findPersonalData(row.text, { ...model, againstNothing: bias }) })
    }
  for (const { group, row } of rows.filter((one) => one.fold === fold))
    judged.get(group)!.push({ text: row.text, gold: row.spans, found: findPersonalData(row.text, model) })
  console.error(`fold ${fold + 1} of ${FOLDS}`)
}
for (const [group, texts] of judged) {
  const { byType, ...overall } = piiMetrics(texts)
  console.log(group, JSON.stringify(overall))
  for (const [type, { f1, exact, spans }] of Object.entries(byType))
    console.log(`  ${type}: F1 ${f1?.toFixed(3)} by token, ${exact.f1?.toFixed(3)} exact, ${spans} spans`)
}
if (ship) writeFileSync(TAGGER_FILE, Buffer.from(train(rows).weights.buffer))

for (const [key, texts] of sweeps) {
  const m = piiMetrics(texts)
  console.log(
    'SWEEP',
    key,
    m.maskedRecall?.toFixed(3),
    m.f1?.toFixed(3),
    m.overMasked?.toFixed(4),
    'P',
    m.byType.PERSON?.f1?.toFixed(3),
    'G',
    m.byType.GPE?.f1?.toFixed(3),
    'O',
    m.byType.ORGANIZATION?.f1?.toFixed(3),
    'D',
    m.byType.DATE_TIME?.f1?.toFixed(3),
    'T',
    m.byType.TITLE?.f1?.toFixed(3),
  )
}
