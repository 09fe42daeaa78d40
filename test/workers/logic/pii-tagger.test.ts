import { expect, test } from 'vitest'
import { TenantPrivacy } from '#shared/domain/tenant-privacy.ts'
import { seededRandom } from '#test/simulator/seeded-random.ts'
import { findPersonalData } from '#workers/logic/find-personal-data.ts'
import { maskPii } from '#workers/logic/mask-pii.ts'
import { likelySpans, withoutCountries } from '#workers/logic/pii-likely.ts'
import {
  bsnIsValid,
  cpfIsValid,
  dniIsValid,
  fiscalCodeIsValid,
  nirIsValid,
  peselIsValid,
  taxIdIsValid,
} from '#workers/logic/pii-official-ids.ts'
import { packModel, readModel } from '#workers/logic/pii-tagger-model.ts'
import { prepare, type TaggedText, together, trainTagger } from '#workers/logic/pii-tagger-training.ts'

const texts: TaggedText[] = [
  { text: 'Please call Mrs Quarles now', spans: [{ type: 'PERSON', start: 16, end: 23 }] },
  { text: 'Please call Mrs Barnaby now', spans: [{ type: 'PERSON', start: 16, end: 23 }] },
  { text: 'Please call support now', spans: [] },
]
const train = () => {
  let seed = 7
  const random = () => {
    seed = (seed * 48_271) % 2_147_483_647
    return seed / 2_147_483_647
  }
  return packModel(trainTagger(texts.map(prepare), { epochs: 6, dropout: 0.2, unlisted: 0.3, margin: 1, random }))
}

test('the same texts give the same weights, and the weights find a name of the same mould', () => {
  const file = train()
  expect(file.equals(train())).toBe(true)
  const model = readModel(file)
  const text = 'Please call Mrs Tidmarsh now'
  expect(findPersonalData(text, model).map(({ type, start, end }) => [type, text.slice(start, end)])).toEqual([
    ['PERSON', 'Tidmarsh'],
  ])
})

test('models together say what they say on average; what only one of them says, and hardly, is gone', () => {
  const one = [
    [5, [[1, 90]]],
    [
      7,
      [
        [2, 9],
        [3, -60],
      ],
    ],
  ] as const
  const other = [
    [
      5,
      [
        [1, 30],
        [4, 12],
      ],
    ],
    [9, [[1, 4]]],
  ] as const
  const third = [
    [5, [[1, 30]]],
    [7, [[3, -60]]],
  ] as const
  expect(together([one, other, third])).toEqual([
    [5, [[1, 50]]],
    [7, [[3, -40]]],
  ])
  expect(together([one])).toEqual(one)
})

test('whole names of countries are places, also where nothing else tells, and words that are people too are not', () => {
  const found = (text: string) => likelySpans(text).map(({ type, start, end }) => `${type} ${text.slice(start, end)}`)
  expect(found('From Finland, the Czech Republic or Bosnia & Herzegovina?')).toEqual([
    'GPE Finland',
    'GPE Czech Republic',
    'GPE Bosnia & Herzegovina',
  ])
  expect(found('Michael Jordan, Georgia, india, Spaniard, Canada-Road, jane@France.example, xChina')).toEqual([])
  const company = { type: 'ORGANIZATION', start: 3, end: 16 } as const
  expect(withoutCountries('At United States now', company).type).toBe('GPE')
  expect(withoutCountries('At United Stores now', company).type).toBe('ORGANIZATION')
})

test('a damaged file of weights is refused', () => {
  const file = train()
  for (const damaged of [file.subarray(0, 5), file.subarray(0, -1), Buffer.concat([file, Buffer.alloc(1)]), Buffer.alloc(64)])
    expect(() => readModel(damaged)).toThrow('incomplete')
})

test('spans never overlap, and are in the order of the text', () => {
  const text = 'I am Jane Doe, jane@acme.example, 12 Mill Lane, Bristol, born 1980-02-03, SSN 219-09-9999, www.acme-tools.com'
  const spans = findPersonalData(text)
  expect(spans.length).toBeGreaterThan(4)
  for (const [at, { start }] of spans.entries()) expect(start).toBeGreaterThanOrEqual(spans[at - 1]?.end ?? 0)
})

test('four times the hostile text takes about four times the time, not sixteen', () => {
  const timeOf = (size: number) => {
    const text = 'Mr. Aa 12 St, '.repeat(size)
    // Processor time: what others do on the machine meanwhile is not ours.
    const before = process.cpuUsage()
    findPersonalData(text)
    const { user, system } = process.cpuUsage(before)
    return user + system
  }
  const best = (size: number) => Math.min(...Array.from({ length: 3 }, () => timeOf(size)))
  timeOf(500)
  expect(best(4_000)).toBeLessThan(best(1_000) * 10 + 50_000)
})

test('names of others and addresses are masked; places, dates and products are not, unless the tenant asks', () => {
  const text = 'Hi, my colleague Samantha Brewer in Leeds says the Hub 2 broke on 2024-03-01. Send it to 12 Mill Lane please.'
  expect(maskPii(text).text).toBe(
    'Hi, my colleague [PERSON_1] in Leeds says the Hub 2 broke on 2024-03-01. Send it to [ADDRESS_1] please.',
  )
  const privacy = TenantPrivacy.parse({ alsoMask: ['date'], identifiers: ['LK-####'] })
  const more = maskPii(`${text} Account lk-4711, not LK-47112.`, { privacy }).text
  expect(more).toContain('[DATE_1]')
  expect(more).toContain('Account [IDENTIFIER_1], not LK-47112.')
})

test.each([
  ['12345678Z', dniIsValid, '12345678A'],
  ['529.982.247-25', cpfIsValid, '529.982.247-26'],
  ['1 84 12 76 451 089 46', nirIsValid, '1 84 12 76 451 089 47'],
  ['86095742719', taxIdIsValid, '86095742718'],
  ['111222333', bsnIsValid, '111222334'],
  ['44051401359', peselIsValid, '44051401358'],
  ['RSSMRA85T10A562S', fiscalCodeIsValid, 'RSSMRA85T10A562T'],
])('the checksum of %s', (right, isValid, wrong) => {
  expect([isValid(right), isValid(wrong)]).toEqual([true, false])
})

test('addresses of machines are found whole, however they are put into a sentence', () => {
  const random = seededRandom(11)
  const digits = (n: number, radix: number) =>
    Array.from({ length: n }, () => Math.floor(random() * radix).toString(radix)).join('')
  const kinds = [
    () => Array.from({ length: 4 }, () => Math.floor(random() * 256)).join('.'),
    () => Array.from({ length: 8 }, () => digits(4, 16)).join(':'),
    () => `2001:db8::${digits(3, 16)}:${digits(2, 16)}`,
  ]
  const sentences = [
    'My IP is X',
    'Blocked: X',
    'ip=X; user=admin',
    '(X)',
    'What is X doing in our logs?',
    'Requests from X failed at 10:32 on 3 May',
    'Bitte sperren Sie X sofort.',
  ]
  const missed: string[] = []
  for (const kind of kinds)
    for (let nth = 0; nth < 70; nth++) {
      const address = kind()
      const text = sentences[nth % sentences.length]!.replace('X', address)
      const found = findPersonalData(text).filter(({ type }) => type === 'IP_ADDRESS')
      if (found.map(({ start, end }) => text.slice(start, end)).join() !== address) missed.push(text)
    }
  // F1 of .97 would allow six of 210.
  expect(missed).toEqual([])
})

test('a machine address with leading zeros is one', () => {
  for (const text of ['connect to 010.001.002.003 now', 'host 192.168.001.010 does not answer'])
    expect(findPersonalData(text)).toMatchObject([{ type: 'IP_ADDRESS' }])
})

test('a phone number with dots in it is no machine address', () => {
  const sentences = ['numéro {}', 'call {} please', 'my cell {}', 'Fax {}', 'unblock {}', 'ring {} after six']
  const numbers = ['389.756.5551', '09.14.32.27.94', '773.4536', '01.42.68.53.77', '647.555.0188']
  for (const sentence of sentences)
    for (const number of numbers) {
      const found = findPersonalData(sentence.replace('{}', number))
      expect(found.filter(({ type }) => type === 'IP_ADDRESS')).toEqual([])
    }
})
