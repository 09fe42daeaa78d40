import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { isOutOfScopeLabel, type LabelledExample, trainIntentClassifier } from '#workers/logic/intent-classifier.ts'

const things = ['parcel', 'card', 'invoice', 'password', 'subscription', 'refund', 'mattress', 'router', 'ticket', 'account']
const asks: Record<string, (thing: string) => string> = {
  cancel: (thing) => `please cancel my ${thing}, I do not want it any more`,
  track: (thing) => `where is my ${thing}? it has not arrived`,
  price: (thing) => `how much does a ${thing} cost per month`,
  broken: (thing) => `the ${thing} does not work and shows an error`,
}
const examples: LabelledExample[] = Object.entries(asks).flatMap(([intent, ask]) =>
  things.map((thing) => ({ text: ask(thing), intent })),
)
const strangers: LabelledExample[] = [
  'what will the weather be on sunday',
  'tell me a joke about cats',
  'who won the football match yesterday',
  'sing a song for my grandmother',
  'what is the capital of peru',
  'how tall is the eiffel tower',
  'recommend a film for tonight',
  'is there life on the moon',
  'which horse should I bet on',
  'translate good morning to dutch',
].map((text) => ({ text, intent: 'oos' }))

describe('the local intent classifier', () => {
  const classifier = trainIntentClassifier([...examples, ...strangers])

  test('finds the intent of messages in words that no example has together', () => {
    for (const [text, intent] of [
      ['cancel the warranty please, I do not want it', 'cancel'],
      ['my new phone still has not arrived, where is it?', 'track'],
      ['how much is the monthly cost of a phone', 'price'],
      ['my phone shows an error and does not work', 'broken'],
    ] as const) {
      expect(classifier.predict(text)).toMatchObject({ intent, outOfScope: false })
    }
  })

  test('survives typing errors, capitals and stretched letters', () => {
    expect(classifier.predict('PLEEASE CANCELLL my subscripton').intent).toBe('cancel')
  })

  test('turns away what it has never seen, and what the examples call out of scope', () => {
    expect(classifier.predict('zxqv brmpf klonk').outOfScope).toBe(true)
    expect(classifier.predict('tell me a joke about the weather').outOfScope).toBe(true)
  })

  test('keeps the out-of-scope class out of its intents and its ranking', () => {
    expect(classifier.intents).toEqual(['broken', 'cancel', 'price', 'track'])
    expect(classifier.exampleCount).toBe(50)
    for (const text of ['tell me a joke', 'cancel my card', '']) {
      const { ranked } = classifier.predict(text)
      expect(ranked.map((entry) => entry.intent).sort()).toEqual(['broken', 'cancel', 'price', 'track'])
    }
  })

  test('ranks by falling confidence, begins with its answer, and never sums above 1', () => {
    for (const { text } of [...examples, ...strangers]) {
      const prediction = classifier.predict(text)
      const confidences = prediction.ranked.map((entry) => entry.confidence)
      expect(prediction.ranked[0]).toEqual({ intent: prediction.intent, confidence: prediction.confidence })
      expect(confidences).toEqual(confidences.toSorted((a, b) => b - a))
      expect(confidences.reduce((sum, confidence) => sum + confidence, 0)).toBeLessThanOrEqual(1 + 1e-9)
      expect(Math.min(...confidences)).toBeGreaterThanOrEqual(0)
      expect(prediction.outOfScope).toBe(prediction.confidence < classifier.threshold)
    }
  })

  test('gives the same answers to the same examples and seed', () => {
    const again = trainIntentClassifier([...examples, ...strangers])
    const texts = [...examples, ...strangers].map((example) => example.text)
    expect(texts.map((text) => again.predict(text))).toEqual(texts.map((text) => classifier.predict(text)))
    expect(again.threshold).toBe(classifier.threshold)
  })

  test('takes a threshold from outside in place of its own', () => {
    const strict = trainIntentClassifier(examples, { threshold: 1 })
    expect(strict.threshold).toBe(1)
    expect(strict.predict('please cancel my parcel').outOfScope).toBe(true)
  })

  test('is surer of its own examples than of words mixed from two intents', () => {
    const sure = classifier.predict('please cancel my parcel, I do not want it any more')
    const torn = classifier.predict('where is my cancel error cost')
    expect(sure.confidence).toBeGreaterThan(torn.confidence)
  })
})

describe('degenerate input', () => {
  const classifier = trainIntentClassifier([...examples, ...strangers])

  test('without examples every message is out of scope', () => {
    const empty = trainIntentClassifier([])
    expect(empty.intents).toEqual([])
    expect(empty.predict('cancel my parcel')).toEqual({ intent: '', confidence: 0, outOfScope: true, ranked: [] })
  })

  test('with out-of-scope examples alone every message is out of scope', () => {
    const strangersOnly = trainIntentClassifier(strangers)
    expect(strangersOnly.intents).toEqual([])
    expect(strangersOnly.predict('tell me a joke')).toEqual({ intent: '', confidence: 0, outOfScope: true, ranked: [] })
  })

  test('with one intent, what looks like its examples is in scope and the rest is not', () => {
    for (const repeat of [1, 3]) {
      const cancellations = Array.from({ length: repeat }, () => examples.filter((example) => example.intent === 'cancel')).flat()
      const single = trainIntentClassifier(cancellations)
      expect(single.predict('please cancel my parcel')).toMatchObject({ intent: 'cancel', outOfScope: false })
      expect(single.predict('zxqv brmpf klonk')).toMatchObject({ intent: 'cancel', outOfScope: true })
    }
  })

  test('with two examples it still tells them apart', () => {
    const tiny = trainIntentClassifier([
      { text: 'cancel my order', intent: 'cancel' },
      { text: 'where is my parcel', intent: 'track' },
    ])
    expect(tiny.predict('cancel').intent).toBe('cancel')
    expect(tiny.predict('parcel').intent).toBe('track')
  })

  test('text without a word it knows has confidence 0', () => {
    for (const text of ['', '   \n\t ', '🦄', '.,;:', '\u0000', '\ud800', '漢字仮名']) {
      expect(classifier.predict(text)).toMatchObject({ confidence: 0, outOfScope: true })
    }
  })

  test('learns from emoji like from words', () => {
    const moods = trainIntentClassifier([
      ...things.map((thing) => ({ text: `${thing} 😡`, intent: 'anger' })),
      ...things.map((thing) => ({ text: `${thing} 😍`, intent: 'praise' })),
    ])
    expect(moods.predict('garden 😡').intent).toBe('anger')
    expect(moods.predict('garden 😍').intent).toBe('praise')
  })

  test('reads the head of a very long message only', () => {
    const head = 'please cancel my parcel '.repeat(400)
    const long = classifier.predict(`${head}${'where is my card '.repeat(10_000)}`)
    expect(long).toEqual(classifier.predict(head))
    expect(classifier.predict('a'.repeat(100_000)).ranked).toHaveLength(4)
    expect(classifier.predict('\uFDFA'.repeat(100_000)).ranked).toHaveLength(4)
  })

  test('an example with contradicting labels neither fails nor is trusted', () => {
    const torn = trainIntentClassifier(
      things.flatMap((thing) => [
        { text: `about ${thing}`, intent: 'left' },
        { text: `about ${thing}`, intent: 'right' },
      ]),
    )
    expect(torn.predict('about card').confidence).toBeLessThan(0.7)
  })

  test('reads the spellings of out of scope and takes no intent for it', () => {
    for (const label of ['oos', 'OOS', 'ood', 'out_of_scope', 'out of scope', 'Out-Of-Scope', 'NO_NODES_DETECTED', ' oos ']) {
      expect(isOutOfScopeLabel(label)).toBe(true)
    }
    for (const label of ['oosterhout', 'scope', 'out', 'none', '']) expect(isOutOfScopeLabel(label)).toBe(false)
  })
})

const banking = join(import.meta.dirname, '../../../../shared/data/banking77/dev.jsonl')
const hint3 = join(import.meta.dirname, '../../../../shared/data/hint3/dev.jsonl')

type Row = LabelledExample & { bot?: string; split?: string }
const read = (path: string): Row[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))

describe('on public data', () => {
  test.skipIf(!existsSync(banking))(
    'tells a fifth of banking77 apart well from examples of another fifth (needs ../shared)',
    () => {
      const rows = read(banking)
      const classifier = trainIntentClassifier(rows.filter((_, at) => at % 5 === 0))
      const unseen = rows.filter((_, at) => at % 25 === 1)
      const right = unseen.filter((row) => classifier.predict(row.text).intent === row.intent).length
      expect(classifier.intents).toHaveLength(77)
      expect(right / unseen.length).toBeGreaterThan(0.8)
    },
  )

  test.skipIf(!existsSync(hint3))('learns out of scope from half of the real traffic of a bot (needs ../shared)', () => {
    const rows = read(hint3).filter((row) => row.bot === 'curekart')
    const traffic = rows.filter((row) => row.split === 'test')
    const unseen = traffic.filter((_, at) => at % 2 === 1)
    const classifier = trainIntentClassifier(rows.filter((row) => !unseen.includes(row)))
    const judge = (row: Row) => ({ ...classifier.predict(row.text), row })
    const strange = unseen.filter((row) => row.intent === 'OOS').map(judge)
    const known = unseen.filter((row) => row.intent !== 'OOS').map(judge)
    expect(strange.filter((each) => each.outOfScope).length / strange.length).toBeGreaterThan(0.7)
    expect(known.filter((each) => !each.outOfScope && each.intent === each.row.intent).length / known.length).toBeGreaterThan(0.6)
  })
})
