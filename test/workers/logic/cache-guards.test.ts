import { describe, expect, test } from 'vitest'
import { differsIn, readGuarded } from '#workers/logic/cache-guards.ts'
import { compareQuestions } from '#workers/logic/cache-similarity.ts'

const difference = (a: string, b: string) => differsIn(readGuarded(a), readGuarded(b))
const compared = (a: string, b: string) => compareQuestions(readGuarded(a), readGuarded(b))

describe('two questions that look alike are kept apart when', () => {
  test.each([
    ['one is denied', 'How do I cancel my plan?', "How do I make sure you don't cancel my plan?"],
    ['one is denied, with a typographic apostrophe', 'Do cancel my plan', 'Don’t cancel my plan'],
    ['the denial moved', 'Can I pay and not cancel?', 'Can I cancel and not pay?'],
    ['one is never', 'Does the hub always reconnect?', 'Does the hub never reconnect?'],
    ['with became without', 'Can I pair it with the app?', 'Can I pair it without the app?'],
    ['the denial is German', 'Kann ich den Hub zurückgeben?', 'Kann ich den Hub nicht zurückgeben?'],
    ['the denial is French', 'Je veux annuler', 'Je ne veux pas annuler'],
    ['the denial is Spanish', 'Puedo devolver el hub usado', 'No puedo devolver el hub usado'],
    ['the amount differs', 'Why was I charged $49?', 'Why was I charged $94?'],
    ['the currency differs', 'Is it 5 € a month?', 'Is it 5 $ a month?'],
    ['the sign differs', 'Does it work at -5 degrees?', 'Does it work at 5 degrees?'],
    ['the power differs', 'How long are 10² metres?', 'How long are 102 metres?'],
    ['the product version differs', 'How do I reset Hub 1?', 'How do I reset Hub 2?'],
    ['the version differs in a part', 'Does firmware 2.4.1 fix it?', 'Does firmware 2.4.10 fix it?'],
    ['the error code differs', 'What does LK-204 mean?', 'What does LK-240 mean?'],
    ['the unit differs', 'Can I return it after 14 days?', 'Can I return it after 14 weeks?'],
    ['the number word differs', 'I ordered two plugs', 'I ordered three plugs'],
    ['the digits are of another script', 'How do I reset Hub 2?', 'How do I reset Hub ٣?'],
    ['the e-mail placeholder differs', 'Is the account of [EMAIL_1] locked?', 'Is the account of [EMAIL_2] locked?'],
    ['the address differs', 'Does https://a.example/x work?', 'Does https://a.example/y work?'],
    ['the date differs', 'Is the shop open on 2026-12-24?', 'Is the shop open on 2026-12-25?'],
    ['the weekday differs', 'Do you deliver on Monday?', 'Do you deliver on Sunday?'],
    ['the time differs', 'Will it arrive today?', 'Will it arrive tomorrow?'],
    ['the name differs', 'How do I pair it with Alexa?', 'How do I pair it with Siri?'],
    ['the platform differs', 'How do I install the app on Android?', 'How do I install the app on iPhone?'],
    ['the switch is the other way', 'How do I turn notifications on?', 'How do I turn notifications off?'],
    ['the prefix turns it round', 'How do I lock the account?', 'How do I unlock the account?'],
    ['the action differs', 'How do I delete my recordings?', 'How do I download my recordings?'],
    ['the direction differs', 'How do I move data from Hub to Cloud?', 'How do I move data from Cloud to Hub?'],
    ['the roles are exchanged', 'Does the hub control the plug?', 'Does the plug control the hub?'],
    ['the measure differs', 'How much does delivery take?', 'How long does delivery take?'],
    ['one asks why', 'Why does the light blink?', 'What does the light blink for?'],
    ['one threatens', 'How do I return the hub?', 'How do I return the hub? My lawyer will write.'],
    ['one is an emergency', 'How do I reset the hub?', 'The hub is on fire, how do I reset the hub?'],
    ['one wants a person', 'How do I reset the hub?', 'How do I reset the hub? I want to talk to a human.'],
    ['nothing is said', '', 'How do I reset the hub?'],
    ['nothing is said in either', '', ''],
    ['there are only signs', '?!?', '…'],
  ])('%s', (_why, a, b) => {
    expect(difference(a, b)).toBeDefined()
    expect(difference(b, a)).toBe(difference(a, b))
    expect(compared(a, b).nearExact).toBe(false)
  })
  test('they are too long to be told apart', () => {
    const long = `How do I reset the hub? ${'It blinks and blinks. '.repeat(60)}`
    expect(difference(long, long)).toBe('length')
  })
})

describe('near-exact is', () => {
  test.each([
    ['How do I reset the hub?', 'Hi, how do I reset the hub please? Thanks!'],
    ["What's the return period?", 'What is the return period'],
    ["It doesn't blink", 'it does not blink'],
    ['How do I reset a hub?', 'HOW DO I RESET THE HUB'],
  ])('%j and %j', (a, b) => expect(compared(a, b)).toEqual({ similarity: 1, nearExact: true }))
  test.each([
    ['How do I reset the hub?', 'How do you reset the hub?'],
    ['I cancelled my order', 'I cancel my order'],
    ['Can I resume?', 'Can I résumé?'],
    ['Is it my plan?', 'Is it your plan?'],
    // Cyrillic а: to a machine another word, so at worst a miss.
    ['How do I pay the bill?', 'How do I pаy the bill?'],
  ])('not %j and %j', (a, b) => expect(compared(a, b).nearExact).toBe(false))
})

describe('the similarity', () => {
  test('is higher for other words of one question than for another question', () => {
    const asked = 'How do I delete all my mail from my account?'
    const same = compared(asked, 'How can I delete all of the mail in my account?').similarity
    const other = compared(asked, 'How do I see who has access to my folders?').similarity
    expect(same).toBeGreaterThan(0.8)
    expect(other).toBeLessThan(0.3)
  })
  test('does not depend on who comes first', () => {
    const [a, b] = ['Link to a sheet in a spreadsheet', 'How can I link to one sheet?']
    expect(compared(a, b).similarity).toBeCloseTo(compared(b, a).similarity, 12)
  })
  test('takes no longer for text that is made to be slow', () => {
    const startedAt = performance.now()
    for (const hostile of [
      "'".repeat(20_000),
      'a'.repeat(20_000),
      '1.'.repeat(10_000),
      'A '.repeat(10_000),
      '-_'.repeat(10_000),
      'x.x'.repeat(7_000),
    ])
      compared(hostile, `${hostile}x`)
    expect(performance.now() - startedAt).toBeLessThan(10_000)
  })
})
