/**
 * Two tenants that sell the same products on different terms: an answer made from the other tenant's knowledge is wrong in a way
 * that can be seen in its text and in its citations.
 */

const PRODUCTS = ['Aurora', 'Borealis', 'Cascade', 'Dune', 'Ember', 'Fjord', 'Glacier', 'Harbor', 'Iris', 'Juniper'] as const
export const TENANTS = ['north', 'south'] as const
export type TenantId = (typeof TENANTS)[number]

/** No value of one tenant is one of the other. */
const MONTHS_FROM: Readonly<Record<TenantId, number>> = { north: 11, south: 31 }
export const monthsOf = (tenant: TenantId): string[] => PRODUCTS.map((_, i) => `${MONTHS_FROM[tenant] + i} months`)
export const otherTenant = (tenant: TenantId): TenantId => (tenant === 'north' ? 'south' : 'north')

export const articlesOf = (tenant: TenantId) =>
  PRODUCTS.map((product, i) => ({
    id: `${tenant}-${product.toLowerCase()}`,
    title: `The ${product} kettle`,
    text: [
      `# The ${product} kettle`,
      `The ${product} kettle boils water in a steel jug and switches itself off.`,
      `## Warranty`,
      `The warranty of the ${product} kettle lasts ${MONTHS_FROM[tenant] + i} months from the day of purchase.`,
      'Keep the receipt, because it is asked for with every claim.',
      `## Cleaning`,
      `Descale the ${product} kettle with vinegar and rinse it twice before you use it again.`,
    ].join('\n\n'),
  }))

/** Enough for the local classifier to be sure of itself, so that the model is asked for drafts only. */
const examples = () => [
  ...PRODUCTS.flatMap((product) => [
    { text: `How long does the warranty of the ${product} kettle last?`, intent: 'product_question' },
    { text: `How do I descale the ${product} kettle?`, intent: 'product_question' },
  ]),
  ...['Buy cheap watches now', 'You have won a lottery prize, click here', 'Cheap loans without a credit check'].map((text) => ({
    text,
    intent: 'spam',
  })),
]

const SECRETS: Readonly<Record<TenantId, string>> = {
  north: `whsec_${Buffer.from('the secret of the tenant north').toString('base64')}`,
  south: `whsec_${Buffer.from('the secret of the tenant south').toString('base64')}`,
}
export const secretOf = (tenantId: string): string => SECRETS[tenantId as TenantId] ?? 'whsec_bm9ib2R5'

export const tenantsToCreate = () =>
  TENANTS.map((id) => ({
    id,
    name: id,
    config: { examples: examples(), webhook: { secret: SECRETS[id] }, privacy: { notNames: PRODUCTS } },
  }))

export type Expected = 'answered' | 'escalated' | 'closed'
export type ChaosTicket = {
  /** Unique; serves as idempotency key and stands in the ticket's metadata. */
  readonly ref: string
  readonly tenantId: TenantId
  readonly expected: Expected
  readonly body: {
    readonly subject: string
    readonly body: string
    readonly channel: 'web'
    readonly requester: { readonly id: string }
    readonly metadata: { readonly ref: string }
    readonly callbackUrl?: string
  }
}
export type TicketOptions = {
  readonly random: () => number
  readonly callbackUrl?: (tenantId: TenantId) => string
  /** Only tickets that the knowledge answers. */
  readonly answerableOnly?: boolean
}

const CALLBACK_SHARE = 0.3
const pick = <T>(items: readonly T[], random: () => number): T => items[Math.floor(random() * items.length)]!

/** What a message alone says, in one word: it makes each question another one, and faults can be aimed at it. */
export const caseOf = (ref: string) => `Case ${ref.replaceAll('-', '')}.`

/** A customer's message to one of the tenants. Each has words of its own, so that no cache answers it. */
export function ticketWith(ref: string, { random, callbackUrl, answerableOnly = false }: TicketOptions): ChaosTicket {
  const tenantId = pick(TENANTS, random)
  const product = pick(PRODUCTS, random)
  const dice = answerableOnly ? 1 : random()
  const expected: Expected = dice < 0.08 ? 'escalated' : dice < 0.12 ? 'closed' : 'answered'
  const text = {
    answered: `How long does the warranty of the ${product} kettle last? ${caseOf(ref)}`,
    escalated: `I want to speak to a human about my ${product} kettle. ${caseOf(ref)}`,
    closed: `Buy cheap watches now, you have won a lottery prize, click here. ${caseOf(ref)}`,
  }[expected]
  return {
    ref,
    tenantId,
    expected,
    body: {
      subject: `${product} kettle`,
      body: text,
      channel: 'web',
      requester: { id: `customer-${Math.floor(random() * 500)}` },
      metadata: { ref },
      ...(callbackUrl && random() < CALLBACK_SHARE ? { callbackUrl: callbackUrl(tenantId) } : {}),
    },
  }
}
