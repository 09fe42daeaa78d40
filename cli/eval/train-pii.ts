import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findPersonalData, leanings, TAGGER_FILE } from '#workers/logic/find-personal-data.ts'
import { namesOf } from '#workers/logic/pii-gazetteer.ts'
import { mix } from '#workers/logic/pii-tagger-features.ts'
import { packModel, readModel } from '#workers/logic/pii-tagger-model.ts'
import { prepare, type TaggedText, together, trainTagger } from '#workers/logic/pii-tagger-training.ts'
import { readMessages, readProductSentences, readTagged } from './pii-data.ts'
import { type FamilyText, piiIntervals, piiMetrics } from './pii-metrics.ts'
import { swapped } from './pii-swaps.ts'
import { readMoulds, readSlots, seeded, writtenFrom } from './pii-synthetic.ts'

/**
 * Trains the PII tagger: `node cli/eval/train-pii.ts DATA-FOLDER [--by-template | --by-row | --public-by-template |
 * --public-by-row | --ship]`. Examples: `pii_presidio`, the same with other values, own lines and own moulds; texts without personal data: messages of `banking77`, `hint3`, `clinc150` and `bitext`, and
 * sentences about products. Prints figures of five folds (whole templates held back, the default, or rows; `--public-…`: with
 * nothing that was written here but lists of names and values), or with `--ship` writes the weights. A folder behind the mode keeps the weights of the folds, and gives them where it holds
 * them already: leanings can be compared without training again. The same data gives the same bytes.
 */
const TRAINING = { epochs: 8, dropout: 0.5, unlisted: 0.2, margin: 1 }
const TIMES = 6
const SWAPS = 2
const FOLDS = 5
/** Models of one weights file, which differ in the order of their texts. */
const TOGETHER = 3
/** How often the templates are dealt to the folds: with twenty a fold, one deal is a matter of luck. */
const DEALS = 2
const WITHOUT: Readonly<Record<string, number>> = {
  banking77: 3_500,
  hint3: 2_500,
  clinc150: 1_500,
  bitext: 600,
  products: 1_500,
}

const folder = process.argv[2] ?? ''
const mode = process.argv[3] ?? '--by-template'
const MODES = ['--by-template', '--by-row', '--public-by-template', '--public-by-row', '--ship']
if (!MODES.includes(mode)) throw new Error(`there is no mode "${mode}"; choose one of ${MODES.join(', ')}`)
const isPublic = mode.startsWith('--public-')
const keptIn = process.argv[4]
const ownFolder = join(import.meta.dirname, '../../test/data/pii')

/** Drawn without putting back, so that no text is in two folds. */
function messagesOf(name: string, wanted: number): TaggedText[] {
  const random = seeded(3)
  const texts = name === 'products' ? readProductSentences(folder) : readMessages(folder, name)
  return [...new Set(texts)]
    .map((text) => ({ text, at: random() }))
    .toSorted((a, b) => a.at - b.at)
    .slice(0, wanted)
    .filter(({ text }) => name !== 'clinc150' || !isNaming(text))
    .map(({ text }) => ({ text, spans: [] }))
}

/** `clinc150` says "call sandra" and labels no name; a text with a listed name teaches the wrong thing. */
const isNaming = (text: string) =>
  text
    .toLowerCase()
    .split(/[^\p{L}]+/u)
    .some((word) => word.length > 3 && namesOf(word) > 0 && namesOf(word) < 8)

/** The public data calls a postal code behind a place now ZIP_CODE, now STREET_ADDRESS; it is taught as the former, and judged as labelled. */
function mended({ text, spans, ...row }: TaggedText): TaggedText {
  const isBehindPlace = (start: number) =>
    spans.some(({ type, end }) => type === 'GPE' && end <= start && /^[\s,]*$/.test(text.slice(end, start)))
  const isCode = ({ type, start, end }: TaggedText['spans'][number]) =>
    type === 'STREET_ADDRESS' && /^\d+$/.test(text.slice(start, end)) && isBehindPlace(start)
  return { ...row, text, spans: spans.map((span) => (isCode(span) ? { ...span, type: 'ZIP_CODE' } : span)) }
}

const own = readdirSync(ownFolder)
  .filter((name) => name.startsWith('train'))
  .flatMap((name) => readTagged(join(ownFolder, name)))
const groups: Record<string, TaggedText[]> = {
  pii_presidio: readTagged(join(folder, 'pii_presidio/dev.jsonl')),
  ...(isPublic ? {} : { own }),
}
for (const [name, wanted] of Object.entries(WITHOUT)) groups[name] = messagesOf(name, wanted)
const isShouted = (group: string, at: number) => group in WITHOUT && at % 15 === 3
const rows = Object.entries(groups).flatMap(([group, texts]) =>
  texts.map((row, at) => ({
    group,
    row,
    at: row.template === undefined || mode.endsWith('by-row') ? at : Number(row.template) * 7,
    // Capitals alone are no name.
    ready: prepare(isShouted(group, at) ? { ...row, text: row.text.toUpperCase() } : mended(row)),
  })),
)
const written = isPublic ? [] : writtenFrom(readMoulds(), TIMES, seeded(17)).map(prepare)

function train(chosen: typeof rows): Buffer {
  const examples = chosen.filter(({ group }) => group === 'pii_presidio').map(({ row }) => mended(row))
  const others = Array.from({ length: SWAPS }, (_, nth) => swapped(examples, readSlots(seeded(100 + nth)), seeded(11 + nth)))
  const texts = [...chosen.map(({ ready }) => ready), ...others.flat().map(prepare), ...written]
  const models = Array.from({ length: TOGETHER }, (_, nth) => trainTagger(texts, { ...TRAINING, random: seeded(7 + 13 * nth) }))
  return packModel(together(models))
}

/** The fold of a row in one deal; in the first, rows and templates by their numbers. */
const foldIn = (deal: number, at: number) => (deal === 0 ? at : mix(deal, at) >>> 0) % FOLDS

function weightsWithout(fold: number, deal: number): Buffer {
  const file = keptIn && join(keptIn, `${mode.slice(2)}-${deal}-${fold}.bin`)
  if (file && existsSync(file)) return readFileSync(file)
  const weights = train(rows.filter(({ at }) => foldIn(deal, at) !== fold))
  if (file) writeFileSync(file, weights)
  return weights
}

function judge(): Map<string, FamilyText[]> {
  const judged = new Map<string, FamilyText[]>(Object.keys(groups).map((group) => [group, []]))
  for (let deal = 0; deal < DEALS; deal++)
    for (let fold = 0; fold < FOLDS; fold++) {
      const model = { ...readModel(weightsWithout(fold, deal)), leanings }
      for (const { group, row, at } of rows.filter(({ at }) => foldIn(deal, at) === fold))
        judged.get(group)!.push({ text: row.text, gold: row.spans, found: findPersonalData(row.text, model), family: `${at}` })
      console.error(`deal ${deal + 1} of ${DEALS}, fold ${fold + 1} of ${FOLDS}`)
    }
  return judged
}

if (mode === '--ship') writeFileSync(TAGGER_FILE, train(rows))
else
  for (const [group, texts] of judge()) {
    const { byType, ...overall } = piiMetrics(texts)
    console.log(group, JSON.stringify(overall))
    const intervals = overall.recall === null ? {} : piiIntervals(texts, seeded(5))
    const interval = (name: string) => intervals[name]?.map((bound) => bound.toFixed(3)).join(' to ') ?? ''
    if (overall.recall !== null) console.log(`  95 %: masked recall ${interval('masked')}, all types F1 ${interval('all')}`)
    if (overall.recall !== null)
      for (const [type, { f1, precision, recall, exact, spans }] of Object.entries(byType))
        console.log(
          `  ${type}: F1 ${f1?.toFixed(3)} by token (95 % ${interval(type)}; precision ${precision?.toFixed(3)}, recall ${recall?.toFixed(3)}), ${exact.f1?.toFixed(3)} exact, ${spans} spans`,
        )
  }
