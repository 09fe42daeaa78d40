import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const DATA = join(import.meta.dirname, '..', '..', '..', 'shared', 'data')
export const hasDayData = existsSync(join(DATA, 'msft_support_kb', 'kb_1.jsonl'))

/** Where a day's tickets come from; the shares are of the tickets, the pools of different questions. See docs/budgets.md. */
export const MIX = {
  product: { share: 0.6, pool: 400, from: 'msft_support_kb: symptoms, errors and titles of 500 articles' },
  shop: { share: 0.2, pool: 600, from: 'bitext: 27 intents, one article each made of its longest reply' },
  paraphrase: { share: 0.1, pool: 200, from: 'dup_pairs stackfaq_para: a question and its paraphrase; no article answers them' },
  foreign: { share: 0.1, pool: 300, from: 'hint3: out of scope; no article answers them' },
} as const
export const ZIPF_EXPONENT = 1
const ARTICLES = 500
const CUSTOMERS = 800
const TIERS = ['free', 'free', 'free', 'free', 'free', 'standard', 'standard', 'standard', 'standard', 'enterprise'] as const

export type DayTicket = {
  readonly body: string
  readonly requester: { readonly id: string; readonly tier: (typeof TIERS)[number] }
}
export type DayDocument = { readonly id: string; readonly title: string; readonly text: string }
export type Day = {
  readonly documents: readonly DayDocument[]
  readonly tickets: readonly DayTicket[]
  readonly examples: readonly { readonly text: string; readonly intent: string }[]
  /** How many of the tickets are word for word an earlier one. */
  readonly repeats: number
}

type Row = Readonly<Record<string, string>> & { readonly gold?: unknown }
const rows = <T = Row>(...path: string[]): T[] =>
  readFileSync(join(DATA, ...path), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T)

/** A day of support, the same for the same seed. @param random in [0, 1) */
export function makeDay(n: number, random: () => number): Day {
  const microsoft = microsoftPart(random)
  const shop = shopPart(random)
  const pairs = rows('dup_pairs', 'dev.jsonl').filter(({ src, dup }) => src === 'stackfaq_para' && Number(dup) === 1)
  const paraphrases = shuffled(pairs, random)
    .slice(0, MIX.paraphrase.pool / 2)
    .flatMap(({ a, b }) => [a!, b!])
  const foreign = rows('hint3', 'dev.jsonl').flatMap(({ intent, text }) => (intent === 'OOS' ? [text!] : []))
  const pools = {
    product: microsoft.questions,
    shop: shop.questions,
    paraphrase: paraphrases,
    foreign: shuffled(foreign, random).slice(0, MIX.foreign.pool),
  }
  const bodies = (Object.keys(MIX) as (keyof typeof MIX)[]).flatMap((part) =>
    zipfDraws(pools[part], Math.round(n * MIX[part].share), random),
  )
  const tickets = shuffled(bodies, random).map((body) => {
    const customer = Math.floor(random() * CUSTOMERS)
    return { body, requester: { id: `customer-${customer}`, tier: TIERS[customer % TIERS.length]! } }
  })
  return {
    documents: [...microsoft.documents, ...shop.documents],
    tickets,
    examples: [...microsoft.examples, ...shop.examples],
    repeats: tickets.length - new Set(tickets.map(({ body }) => body)).size,
  }
}

type Part = Pick<Day, 'documents' | 'examples'> & { readonly questions: string[] }
type Article = { readonly id: string; readonly title: string; readonly sections: { h: string; t: string; sym: boolean }[] }

/** Without the sections that hold the symptoms word for word, as the data's rules ask. */
function microsoftPart(random: () => number): Part {
  const queries = rows<{ kind: string; text: string; gold: string[] }>('msft_support_kb', 'dev.jsonl')
  const asked = shuffled(
    queries.filter(({ kind, gold }) => ['symptom', 'error', 'old_title'].includes(kind) && gold.length > 0),
    random,
  )
  const pool = asked.slice(0, MIX.product.pool)
  const gold = new Set(pool.flatMap((query) => query.gold))
  const articles = [...rows<Article>('msft_support_kb', 'kb_1.jsonl'), ...rows<Article>('msft_support_kb', 'kb_2.jsonl')]
  const wanted = articles.filter(({ id }) => gold.has(id))
  const others = articles.filter(({ id }) => !gold.has(id)).slice(0, Math.max(0, ARTICLES - wanted.length))
  const documents = [...wanted, ...others].map(({ id, title, sections }) => {
    const text = sections
      .filter(({ sym }) => !sym)
      .map(({ h, t }) => `## ${h}\n\n${t}`)
      .join('\n\n')
    return { id, title, text: text || title }
  })
  const examples = asked.slice(MIX.product.pool, MIX.product.pool + 200).map(({ text }) => ({ text, intent: 'product_issue' }))
  return { documents, examples, questions: pool.map(({ text }) => text) }
}

function shopPart(random: () => number): Part {
  const byIntent = Map.groupBy(shuffled(rows('bitext', 'dev.jsonl'), random), ({ intent }) => intent!)
  const perIntent = Math.ceil(MIX.shop.pool / byIntent.size)
  const part = { documents: [] as DayDocument[], examples: [] as { text: string; intent: string }[], questions: [] as string[] }
  for (const [intent, all] of byIntent) {
    // A reply that is made into the article is never the reply to a question that is asked.
    const longest = all.slice(perIntent + 15).toSorted((a, b) => b['response']!.length - a['response']!.length)[0]
    if (longest) part.documents.push({ id: `shop-${intent}`, title: intent.replaceAll('_', ' '), text: longest['response']! })
    part.questions.push(...all.slice(0, perIntent).map(({ text }) => text!))
    part.examples.push(...all.slice(perIntent, perIntent + 15).map(({ text }) => ({ text: text!, intent })))
  }
  return { ...part, questions: shuffled(part.questions, random) }
}

/** Draws with repeats: the question of rank r comes up in proportion to 1/r (Zipf's law). */
function zipfDraws(pool: readonly string[], n: number, random: () => number): string[] {
  const cumulated: number[] = []
  let sum = 0
  for (let rank = 1; rank <= pool.length; rank++) {
    sum += rank ** -ZIPF_EXPONENT
    cumulated.push(sum)
  }
  return Array.from({ length: n }, () => {
    const at = random() * sum
    return pool[cumulated.findIndex((edge) => at < edge)] ?? pool.at(-1)!
  })
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return items
    .map((item) => ({ item, at: random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item)
}
