import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { detectLanguage } from '#workers/logic/detect-language.ts'

describe('detectLanguage', () => {
  it.each([
    ['de', 'Ich kann mich nicht anmelden'],
    ['de', 'Rückerstattung bitte'],
    ['fr', 'Où est ma commande ?'],
    ['es', '¿Dónde está mi pedido?'],
    ['pt', 'Não consigo entrar na minha conta'],
    ['it', 'non riesco ad accedere'],
    ['nl', 'Waar is mijn bestelling?'],
    ['pl', 'Gdzie jest moje zamówienie?'],
    ['tr', 'Siparişim nerede?'],
    ['ru', 'Где мой заказ?'],
    ['ar', 'أين طلبي؟'],
    ['hi', 'मेरा ऑर्डर कहाँ है'],
    ['zh', '我的订单在哪里'],
    ['ja', '注文はどこですか'],
    ['ko', '주문이 어디에 있나요?'],
  ])('tells %s from %j', (language, text) => {
    expect(detectLanguage(text).language).toBe(language)
  })

  it.each(['where is my order', 'my password', 'cancel order', 'refund', 'hi', 'error E-1042', 'pls fix asap', 'hello'])(
    'does not take the short English %j for another language',
    (text) => {
      expect(['en', 'und']).toContain(detectLanguage(text).language)
    },
  )

  it.each(['', '??', '12345', 'ok', '👍', 'E-1042', 'https://example.com/de/hilfe'])('says und for %j', (text) => {
    expect(detectLanguage(text)).toEqual({ language: 'und', confidence: 0 })
  })

  it('is not led astray by placeholders and addresses', () => {
    expect(detectLanguage('[EMAIL_1] Wo bleibt mein Paket? https://example.com/where-is-my-order [PHONE_1]').language).toBe('de')
  })

  it('gives a confidence between 0 and 1 that grows with the length of the message', () => {
    const short = detectLanguage('non riesco ad accedere')
    const long = detectLanguage('non riesco ad accedere al mio conto perché ho dimenticato la password e il codice non arriva')
    expect(short.confidence).toBeGreaterThan(0)
    expect(long.confidence).toBeGreaterThan(short.confidence)
    expect(long.confidence).toBeLessThanOrEqual(1)
  })

  for (const set of ['banking77', 'bitext']) {
    const data = join(import.meta.dirname, `../../../../shared/data/${set}/dev.jsonl`)
    it.skipIf(!existsSync(data))(`says en or und for at least 97 % of ${set} (needs ../shared)`, () => {
      const rows = readFileSync(data, 'utf8').trim().split('\n')
      const texts = rows.filter((_, row) => row % 5 === 0).map((row) => (JSON.parse(row) as { text: string }).text)
      const english = texts.filter((text) => ['en', 'und'].includes(detectLanguage(text).language))
      expect(english.length / texts.length).toBeGreaterThanOrEqual(0.97)
    })
  }
})
