import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { createAesGcmSealer } from '#shared/adapters/sealing/sealer.aes-gcm.ts'
import { openFacts, SEALED, sealFacts } from '#shared/adapters/state/sealed-facts.ts'
import type { Run } from '#shared/domain/run.ts'
import type { Sealer } from '#shared/ports/sealer.ts'
import { memoryEngine } from '#test/fakes/engine.memory.ts'
import { sampleScreened } from '#test/fakes/sample-facts.ts'

const JOB = { runId: 'run_1', seq: 0 }
const right = createAesGcmSealer([randomBytes(32)])
const wrong = createAesGcmSealer([randomBytes(32)])

/** An engine whose log is sealed with the right key and read with `keys.sealer`. */
function sealedWorld(keys: { sealer: Sealer }, change: (stored: Record<string, unknown>) => void = () => {}) {
  const world = memoryEngine({ screen: async () => ({ outcome: 'clean', facts: { screened: sampleScreened() } }) })
  const { load } = world.runs
  world.runs.load = async (runId): Promise<Run | undefined> => {
    const run = await load(runId)
    if (!run) return undefined
    const stored = structuredClone(sealFacts(right, run.tenantId, run.id, run.facts)) as Record<string, unknown>
    change(stored)
    return { ...run, facts: openFacts(keys.sealer, run.tenantId, run.id, stored) }
  }
  return world
}

test('a worker without the key leaves the run as it is and looks again later; with the key it goes on', async () => {
  const keys = { sealer: wrong }
  const world = sealedWorld(keys)
  await world.begin()
  expect(await world.work(JOB)).toEqual({ kind: 'later', delayMs: 10_000 })
  expect(await world.work(JOB)).toEqual({ kind: 'later', delayMs: 10_000 })
  expect([world.runs.logOf('run_1').length, (await world.runs.deadLetters('acme', { limit: 10 })).length]).toEqual([1, 0])
  keys.sealer = right
  expect(await world.work(JOB)).toEqual({ kind: 'done' })
  expect(await world.runs.load('run_1')).toMatchObject({ step: 'recall', seq: 1 })
})

test('a fact whose seal is broken is a bad fact: it fails its run for good instead of coming back for ever', async () => {
  const world = sealedWorld({ sealer: right }, ({ ticket }) =>
    Object.assign(ticket as object, { [SEALED]: 'sealed.v1.deadbeef.AAAA' }),
  )
  await world.begin()
  expect(await world.work(JOB)).toMatchObject({ kind: 'later' })
  const cut = sealedWorld({ sealer: right }, ({ ticket }) => {
    const sealed = ticket as Record<string, string>
    sealed[SEALED] = `${sealed[SEALED]!.slice(0, -8)}AAAAAAA=`
  })
  await cut.begin()
  expect(await cut.work(JOB)).toEqual({ kind: 'done' })
  expect(cut.runs.logOf('run_1').at(-1)).toMatchObject({ failure: { kind: 'defect', code: 'bad-fact' } })
})
