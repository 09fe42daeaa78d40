import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse as parseYaml } from 'yaml'
import * as z from 'zod'
import { TenantConfig } from '#shared/domain/tenant.ts'
import { TicketInput } from '#shared/domain/ticket.ts'

const demo = join(import.meta.dirname, '..', 'demo')
const read = (name: string) => readFileSync(join(demo, name), 'utf8')
const readLines = (name: string): unknown[] =>
  read(name)
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

const FrontMatter = z.strictObject({
  id: z.string().regex(/^kb-\d{4}$/),
  title: z.string().min(10).max(100),
  url: z.string().regex(/^https:\/\/help\.larkspur\.example\/articles\/[a-z0-9-]+$/),
  product: z.enum(['hub', 'hub-1', 'hub-2', 'sensors', 'app', 'account', 'plans', 'shop', 'api', 'enterprise']),
  audience: z.enum(['public', 'enterprise']),
  language: z.literal('en'),
  updated: z.iso.date(),
})
const Tier = z.enum(['free', 'standard', 'enterprise'])
const DemoTicket = z.strictObject({
  id: z.string().regex(/^t-\d{3}$/),
  subject: z.string(),
  body: z.string(),
  channel: z.enum(['email', 'web', 'chat', 'api']),
  requester: z.strictObject({ id: z.string().min(1), email: z.email(), name: z.string().min(1), tier: Tier }),
  expect: z.enum(['answered', 'escalated', 'closed', 'rejected']),
  why: z.string().min(10),
  tags: z.array(z.string().regex(/^[a-z][a-z0-9_]*$/)).min(1),
  duplicateOf: z.string().optional(),
  source: z.string().optional(),
  fact: z.string().min(20).optional(),
})
type DemoTicket = z.infer<typeof DemoTicket>
const Example = z.strictObject({ text: z.string().min(3).max(300), intent: z.string().regex(/^[a-z][a-z_]*$/) })

const articles = readdirSync(join(demo, 'articles')).map((name) => {
  const [before, front, ...rest] = read(`articles/${name}`).split('---\n')
  return { name, before, ...FrontMatter.parse(parseYaml(front!)), body: rest.join('---\n') }
})
const articleById = new Map(articles.map((article) => [article.id, article]))
const tickets = z.array(DemoTicket).parse(readLines('tickets.jsonl'))
const ticketById = new Map(tickets.map((ticket) => [ticket.id, ticket]))
const examples = z.array(Example).parse(readLines('examples.jsonl'))

const tagged = (...tags: string[]) => tickets.filter((ticket) => tags.every((tag) => ticket.tags.includes(tag)))
const endings = (some: readonly DemoTicket[]) => [...new Set(some.map((ticket) => ticket.expect))]
const matches = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([match]) => match)
const normal = (text: string) => matches(text.toLowerCase(), /[\p{L}\p{N}]+/gu).join(' ')
const inputOf = ({ subject, body, channel, requester }: DemoTicket) => ({ subject, body, channel, requester })

function passesLuhn(digits: string): boolean {
  const sum = [...digits].reverse().reduce((total, digit, at) => {
    const value = Number(digit) * (at % 2 === 1 ? 2 : 1)
    return total + (value > 9 ? value - 9 : value)
  }, 0)
  return sum % 10 === 0
}

/** ISO 13616: the first four characters go to the end, letters count from 10, and the number leaves 1 when divided by 97. */
function isIban(iban: string): boolean {
  const digits = [...(iban.slice(4) + iban.slice(0, 4))].map((sign) => Number.parseInt(sign, 36)).join('')
  return BigInt(digits) % 97n === 1n
}

describe('the articles', () => {
  it('are many, each with its own id, title, address and a file name that starts with the id', () => {
    expect(articles.length).toBeGreaterThanOrEqual(44)
    for (const field of ['id', 'title', 'url'] as const) {
      expect(new Set(articles.map((article) => article[field])).size).toBe(articles.length)
    }
    expect(articles.filter(({ name, id, before }) => !name.startsWith(`${id}-`) || before !== '')).toEqual([])
    expect(articles.filter(({ audience }) => audience === 'enterprise').length).toBeGreaterThanOrEqual(2)
  })

  it('hold 150 to 700 words each', () => {
    const counts = articles.map(({ id, body }) => ({ id, words: matches(body, /[^\s|]*[\p{L}\p{N}][^\s|]*/gu).length }))
    expect(counts.filter(({ words }) => words < 150 || words > 700)).toEqual([])
  })

  it('link only to articles that exist, and to no address outside the fictional company', () => {
    const urls = new Set(articles.map(({ url }) => url))
    const links = articles.flatMap(({ body }) =>
      matches(body, /https?:\/\/[\w.-]+[^\s)`"|;]*/g).map((url) => url.replace(/[.,]$/, '')),
    )
    expect(links.filter((url) => url.startsWith('https://help.') && !urls.has(url))).toEqual([])
    expect(
      links.filter((url) => !/^https:\/\/([a-z]+\.)?larkspur\.example(\/|$)|^http:\/\/larkspur-hub\.local:8420/.test(url)),
    ).toEqual([])
  })

  it('use only error codes that the complete list explains, and only the mailboxes of the contact page or special ones', () => {
    const listed = new Set(matches(articleById.get('kb-1021')!.body, /^\| `LK-\d{3}`/gm).map((row) => row.slice(3, 9)))
    const used = articles.flatMap(({ title, body }) => matches(`${title} ${body}`, /LK-\d{3}\b/g))
    expect(listed.size).toBeGreaterThanOrEqual(30)
    expect(used.filter((code) => !listed.has(code))).toEqual([])
    const known = new Set(matches(articleById.get('kb-1066')!.body, /[\w-]+@larkspur\.example/g))
    const special = new Set(['no-reply@larkspur.example', 'enterprise@larkspur.example'])
    const mailboxes = articles.flatMap(({ body }) => matches(body, /[\w-]+@[\w.-]*\w/g))
    expect(mailboxes.filter((mailbox) => !known.has(mailbox) && !special.has(mailbox))).toEqual([])
  })

  it('agree on prices wherever they state them', () => {
    const says: [string, string[]][] = [
      ['€4.99 / £4.49 / $5.49', ['kb-1039', 'kb-1047']],
      ['€49.90 / £44.90 / $54.90', ['kb-1039', 'kb-1047']],
      ['You pay €4.99 for Plus on 1 June'.toLowerCase(), ['kb-1041']],
      ['from €3.50 per hub', ['kb-1039']],
    ]
    const missing = says.flatMap(([text, ids]) => ids.filter((id) => !articleById.get(id)!.body.toLowerCase().includes(text)))
    expect(missing).toEqual([])
    const price = (id: string, row: RegExp) => [...articleById.get(id)!.body.match(row)!.slice(1, 4)].map(Number)
    const threePrices = '.*?€(\\d+\\.\\d\\d) / £(\\d+\\.\\d\\d) / \\$(\\d+\\.\\d\\d)'
    const parts: [string, string][] = [
      ['kb-1003', 'Price today'],
      ['kb-1012', 'Price'],
      ['kb-1015', '\\| Price'],
    ]
    const single = parts.map(([id, label]) => price(id, new RegExp(label + threePrices)))
    const kit = price('kb-1057', new RegExp(`The Starter Kit costs${threePrices}`))
    for (const currency of [0, 1, 2]) {
      expect(kit[currency]).toBeLessThan(single.reduce((sum, prices) => sum + prices[currency]!, 0))
    }
  })

  it('contain advice that looks like an instruction, as real help centres do', () => {
    expect(articleById.get('kb-1037')!.body).toContain('Never share your password')
  })
})

describe('the tickets', () => {
  it('are many, with unique ids, and only invented addresses', () => {
    expect(tickets.length).toBeGreaterThanOrEqual(70)
    expect(ticketById.size).toBe(tickets.length)
    const addresses = tickets.flatMap(({ body, requester }) => [
      requester.email,
      ...matches(body, /[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g),
    ])
    expect(addresses.filter((address) => !/@(example\.(com|org|net)|[\w-]+\.example)$/.test(address))).toEqual([])
  })

  it('rest on a fact that stands word for word in an article that their customer may read, when they are answerable', () => {
    const answerable = tickets.filter((ticket) => ticket.expect === 'answered')
    expect(tagged('answerable')).toEqual(answerable)
    expect(answerable.length).toBeGreaterThanOrEqual(36)
    expect(new Set(answerable.map(({ source }) => source)).size).toBeGreaterThanOrEqual(30)
    const unfounded = answerable.filter(({ source, fact, requester }) => {
      const article = articleById.get(source ?? '')
      const mayRead = article?.audience === 'public' || requester.tier === 'enterprise'
      return !(article && fact && mayRead && article.body.includes(fact))
    })
    expect(unfounded.map(({ id }) => id)).toEqual([])
    expect(tickets.filter(({ expect, source, fact }) => expect !== 'answered' && (source || fact))).toEqual([])
  })

  it('are accepted by the front door exactly when they are not to be rejected', () => {
    const refused = tickets.filter((ticket) => !TicketInput.safeParse(inputOf(ticket)).success)
    expect(refused.map(({ id }) => id)).toEqual(tickets.filter((ticket) => ticket.expect === 'rejected').map(({ id }) => id))
    expect(tagged('rejected').length).toBe(refused.length)
    expect(refused.some(({ body }) => body === '') && refused.some(({ body }) => body !== '' && body.trim() === '')).toBe(true)
    expect(tagged('oversize').every(({ body }) => body.length > 20_000)).toBe(true)
  })

  it.each([
    ['answerable', 36, 'answered'],
    ['unanswerable', 8, 'escalated'],
    ['ambiguous', 3, 'escalated'],
    ['p0', 2, 'escalated'],
    ['p1', 4, 'escalated'],
    ['legal', 3, 'escalated'],
    ['injection', 5, 'escalated'],
    ['language', 5, 'escalated'],
    ['human', 2, 'escalated'],
    ['audience', 1, 'escalated'],
    ['pii', 5, 'answered'],
    ['near_miss', 8, undefined],
    ['angry', 4, undefined],
    ['typos', 2, 'answered'],
    ['slang', 2, 'answered'],
    ['benign_hard', 2, 'answered'],
    ['spam', 4, 'closed'],
    ['oversize', 1, 'rejected'],
    ['empty', 3, undefined],
    ['p2', 5, undefined],
    ['p3', 40, undefined],
  ] as const)('cover %s with at least %i tickets', (tag, atLeast, ending) => {
    expect(tagged(tag).length).toBeGreaterThanOrEqual(atLeast)
    if (ending) expect(endings(tagged(tag))).toEqual([ending])
  })

  it('escalate P2 for enterprise customers and legal threats only, and never P3 of an answerable question', () => {
    const mustEscalate = tagged('p2').filter(({ tags, requester }) => requester.tier === 'enterprise' || tags.includes('legal'))
    expect(endings(mustEscalate)).toEqual(['escalated'])
    expect(endings(tagged('p2').filter((ticket) => !mustEscalate.includes(ticket)))).toEqual(['answered'])
    expect(tagged('enterprise').every(({ requester }) => requester.tier === 'enterprise')).toBe(true)
    expect(endings(tagged('enterprise')).sort()).toEqual(['answered', 'escalated'])
  })

  it('repeat questions in other words, and once word for word, with the same fact behind them', () => {
    const repeats = tickets.filter((ticket) => ticket.duplicateOf)
    expect(repeats.length).toBeGreaterThanOrEqual(5)
    for (const repeat of repeats) {
      const first = ticketById.get(repeat.duplicateOf!)!
      expect(repeat.fact).toBe(first.fact)
      expect(normal(repeat.body) === normal(first.body)).toBe(repeat.tags.includes('exact_duplicate'))
    }
  })

  it('carry card numbers and bank accounts whose check digits are right', () => {
    const cards = tagged('card').flatMap(({ body }) => matches(body, /\d{4}(?: \d{4}){3}/g))
    const ibans = tagged('iban').flatMap(({ body }) => matches(body, /[A-Z]{2}\d{2}(?: \d{2,4})+/g))
    expect([cards.length >= 2, ibans.length >= 1]).toEqual([true, true])
    expect(cards.filter((card) => !passesLuhn(card.replaceAll(' ', '')))).toEqual([])
    expect(ibans.filter((iban) => !isIban(iban.replaceAll(' ', '')))).toEqual([])
  })

  it('include a very long one that is answerable, several languages, and an attack in base64', () => {
    expect(tagged('long', 'answerable').some(({ body }) => body.length > 6_000)).toBe(true)
    for (const language of ['de', 'fr', 'es', 'pt', 'ja']) expect(tagged('language', language).length).toBeGreaterThanOrEqual(1)
    const encoded = tagged('base64').flatMap(({ body }) => matches(body, /[A-Za-z0-9+/]{24,}={0,2}/g))
    expect(encoded.map((text) => Buffer.from(text, 'base64').toString())).toEqual([
      expect.stringContaining('ignore all previous instructions'),
    ])
  })
})

describe('the examples for the classifier', () => {
  it('are at least 420 over 16 to 22 intents, evenly spread and all different', () => {
    const perIntent = Object.values(Object.groupBy(examples, ({ intent }) => intent)).map((some) => some!.length)
    expect(examples.length).toBeGreaterThanOrEqual(420)
    expect(perIntent.length >= 16 && perIntent.length <= 22).toBe(true)
    expect(Math.min(...perIntent)).toBeGreaterThanOrEqual(20)
    expect(new Set(examples.map(({ text }) => normal(text))).size).toBe(examples.length)
  })

  it('copy nothing from the tickets', () => {
    const asked = tickets.map(({ body }) => ` ${normal(body)} `)
    const bodies = new Set(asked.map((body) => body.trim()))
    const copied = examples.filter(({ text }) => {
      const example = normal(text)
      return bodies.has(example) || (example.split(' ').length >= 5 && asked.some((body) => body.includes(` ${example} `)))
    })
    expect(copied).toEqual([])
  })

  it('teach every intent that the tenant configuration of the demo names', () => {
    const { policies } = TenantConfig.parse(JSON.parse(read('tenant.json')))
    const intents = new Set(examples.map(({ intent }) => intent))
    expect([...policies.escalateIntents, ...policies.closeIntents].filter((intent) => !intents.has(intent))).toEqual([])
    expect(TenantConfig.safeParse({ policies, examples }).success).toBe(true)
  })
})
