import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { pipelines } from '#pipelines/registry.ts'
import { createAesGcmSealer } from '#shared/adapters/sealing/sealer.aes-gcm.ts'
import { newRunRows } from '#shared/adapters/state/run-rows.ts'
import { openFacts, SEALED, sealFacts, stateOfFacts } from '#shared/adapters/state/sealed-facts.ts'
import { IMPERSONAL_FACTS, PERSONAL_FIELDS } from '#shared/domain/personal-facts.ts'
import { KeyMissing } from '#shared/domain/sealed.ts'
import { newRun } from '#test/contracts/run-log.contract.ts'

const sealer = createAesGcmSealer([randomBytes(32)])
const FACTS = {
  ticket: { id: 'tkt_1', tier: 'free', subject: '', body: 'I am Margaret', requester: { id: 'u-1', email: 'm@example.com' } },
  screened: {
    language: 'en',
    text: 'I am [PERSON_1]',
    placeholders: [{ token: '[PERSON_1]', type: 'PERSON', value: 'Margaret' }],
  },
  passages: { passages: [{ text: 'Our own article.' }], evidence: 0.9 },
  triage: null,
}
const sealed = () => sealFacts(sealer, 'acme', 'run_1', FACTS) as Record<string, Record<string, unknown>>

test('every fact of every pipeline was decided about: either its personal fields are named, or it has none', () => {
  const names = new Set(Object.values(pipelines).flatMap(({ facts }) => Object.keys(facts)))
  const decided = [...Object.keys(PERSONAL_FIELDS), ...IMPERSONAL_FACTS]
  expect([...names].sort()).toEqual([...new Set(decided)].sort())
  expect(decided).toHaveLength(names.size)
})

test('every personal field that is named exists', () => {
  for (const { facts } of Object.values(pipelines))
    for (const [name, schema] of Object.entries(facts as Record<string, { shape?: Record<string, unknown> }>))
      for (const field of PERSONAL_FIELDS[name] ?? []) expect(Object.keys(schema.shape ?? {}), name).toContain(field)
})

describe('facts as they are stored', () => {
  test('hold the words of a customer in an envelope and everything else readable', () => {
    const { ticket, screened, passages, triage } = sealed()
    expect(ticket).toEqual({ id: 'tkt_1', tier: 'free', [SEALED]: expect.stringMatching(/^sealed\.v1\./) })
    expect(screened).toEqual({ language: 'en', [SEALED]: expect.stringMatching(/^sealed\.v1\./) })
    expect(passages).toEqual(FACTS.passages)
    expect(triage).toBeNull()
    expect(JSON.stringify(sealed())).not.toMatch(/Margaret|example\.com|PERSON_1/)
  })

  test('come back as they were', () => {
    expect({ ...openFacts(sealer, 'acme', 'run_1', sealed()) }).toEqual(FACTS)
    expect({ ...openFacts(sealer, 'acme', 'run_1', FACTS) }).toEqual(FACTS)
    expect(sealFacts(createAesGcmSealer([]), 'acme', 'run_1', FACTS)).toBe(FACTS)
  })

  test('are opened when they are read, not before: whoever reads none needs no key', () => {
    const facts = openFacts(createAesGcmSealer([]), 'acme', 'run_1', sealed())
    expect(facts['passages']).toEqual(FACTS.passages)
    expect(() => facts['ticket']).toThrow(KeyMissing)
  })

  test('of another run, or with an envelope that was changed, lose their personal fields and nothing else', () => {
    expect(openFacts(sealer, 'acme', 'run_2', sealed())['ticket']).toEqual({ id: 'tkt_1', tier: 'free' })
    const { ticket } = sealed()
    const changed = { ticket: { ...ticket, [SEALED]: `${String(ticket![SEALED]).slice(0, -8)}AAAAAAA=` } }
    expect(openFacts(sealer, 'acme', 'run_1', changed)['ticket']).toEqual({ id: 'tkt_1', tier: 'free' })
  })

  test('tell how they are sealed', () => {
    expect(stateOfFacts(sealer, sealed())).toBe('current')
    expect(stateOfFacts(sealer, FACTS)).toBe('unsealed')
    expect(stateOfFacts(createAesGcmSealer([randomBytes(32)]), sealed())).toBe('older')
    expect(stateOfFacts(sealer, { passages: FACTS.passages })).toBe('current')
  })
})

test('a run that is given something personal cannot be stored by somebody who forgot to seal it', () => {
  expect(() => newRunRows([newRun()])).toThrow('must be sealed')
  expect(newRunRows([newRun({ given: { document: { id: 'd' } } })])).toHaveLength(1)
})
