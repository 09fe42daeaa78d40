import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as z from 'zod'
import { advance, beginRun } from '#pipelines/advance.ts'
import { findProblems } from '#pipelines/check-graph.ts'
import type { Pipeline } from '#pipelines/pipeline.ts'
import { attemptsOf, type RetryPolicy } from '#pipelines/retry.ts'
import { ENDED, type RunEvent, type RunState } from '#shared/domain/run.ts'

/** Random sound pipelines: forward edges anywhere, backward edges only with a bound, some steps for people, with or without rescue. */
const policy: fc.Arbitrary<RetryPolicy> = fc.oneof(
  fc.record({ attempts: fc.integer({ min: 1, max: 4 }), first: fc.constant('1s' as const), max: fc.constant('10s' as const) }),
  fc.record({ after: fc.array(fc.constantFrom('1s' as const, '5m' as const), { maxLength: 3 }) }),
)
const NAMES = ['alpha', 'beta', 'gamma', 'delta', 'epsilon', 'zeta']

const pipelineOf = (size: number): fc.Arbitrary<Pipeline> => {
  const names = NAMES.slice(0, size)
  const edge = (i: number) =>
    fc.oneof(
      fc.integer({ min: i + 1, max: size }).map((to) => ({ to: names[to] ?? 'closed' })),
      fc
        .record({
          back: fc.integer({ min: 0, max: i }),
          atMost: fc.integer({ min: 1, max: 3 }),
          on: fc.integer({ min: i + 1, max: size }),
        })
        .map(({ back, atMost, on }) => ({
          to: names[back]!,
          atMost,
          afterwards: names[on] ?? 'answered',
        })),
    )
  const step = (i: number) =>
    fc
      .record({ retry: policy, person: fc.boolean(), edges: fc.array(edge(i), { minLength: 0, maxLength: 3 }) })
      .map(({ retry, person, edges }) => ({
        reads: [],
        retry,
        deadline: '5s' as const,
        ...(person ? { by: 'person' as const } : {}),
        // The first edge goes to the next step, so that all are reachable.
        on: Object.fromEntries(
          [{ to: names[i + 1] ?? 'answered' }, ...edges].map((target, n) => [n === 0 ? 'expired' : `way${n}`, target]),
        ),
      }))
  return fc
    .record({
      steps: fc.tuple(...names.map((_, i) => step(i))),
      rescue: fc.option(fc.record({ to: fc.integer({ min: 0, max: size - 1 }), atMost: fc.integer({ min: 1, max: 3 }) }), {
        nil: undefined,
      }),
    })
    .map(({ steps, rescue }) => ({
      name: 'random',
      version: 1,
      facts: { given: z.unknown(), trouble: z.unknown() },
      given: 'given',
      start: names[0]!,
      ...(rescue ? { rescue: { to: names[rescue.to]!, atMost: rescue.atMost, writes: 'trouble' } } : {}),
      deadline: { interactive: '1m', standard: '1h', offline: '1d' } as const,
      steps: Object.fromEntries(names.map((name, i) => [name, steps[i]!])),
      ends: ['answered', 'closed'] as const,
    }))
}
const pipelines = fc.integer({ min: 1, max: NAMES.length }).chain(pipelineOf)
const unit = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

/** What may happen next, drawn for the run as it stands; the clock jumps about. */
type Draw = { readonly pick: number; readonly random: number; readonly clockMs: number }
const draws = fc.array(fc.record({ pick: fc.nat(1_000), random: unit, clockMs: fc.integer({ min: -300_000, max: 300_000 }) }), {
  minLength: 400,
  maxLength: 400,
})

function eventFor(pipeline: Pipeline, run: RunState, { pick }: Draw, now: Date): RunEvent {
  const spec = pipeline.steps[run.step]!
  const outcomes = Object.keys(spec.on)
  const outcome = { kind: 'completed', outcome: outcomes[pick % outcomes.length]!, facts: {} } as const
  if (run.status === 'waiting') return pick % 2 === 0 ? { kind: 'expired' } : outcome
  const failures = ['retryable', 'terminal', 'needs-person', 'defect'] as const
  if (pick % 3 === 0) return { kind: 'failed', failure: { kind: failures[pick % 4]!, code: 'c', message: 'm' } }
  return spec.by === 'person' ? { kind: 'waiting', until: now, facts: {} } : outcome
}

test('random pipelines are sound, or the property below would prove nothing', () => {
  fc.assert(
    fc.property(pipelines, (pipeline) => {
      expect(findProblems(pipeline)).toEqual([])
    }),
    { numRuns: 300 },
  )
})

test('every run ends, no attempt exceeds the policy, seq grows by one, and bounded edges stay in their bounds', () => {
  fc.assert(
    fc.property(pipelines, draws, (pipeline, all) => {
      let now = new Date('2026-01-01T00:00:00Z')
      let run = beginRun(pipeline, 'standard', now)
      for (const draw of all) {
        if (ENDED.includes(run.status)) break
        now = new Date(now.getTime() + draw.clockMs)
        const transition = advance(pipeline, run, eventFor(pipeline, run, draw, now), now, draw.random)
        if ('ignored' in transition) throw new Error(`a fitting event was ignored: ${transition.ignored}`)
        const { next } = transition
        expect(next.seq).toBe(run.seq + 1)
        if (!ENDED.includes(next.status)) expect(next.attempt).toBeLessThanOrEqual(attemptsOf(pipeline.steps[next.step]!.retry))
        if (next.status === 'delayed') expect(transition.dueAt.getTime()).toBeLessThanOrEqual(next.deadlineAt.getTime())
        for (const [name, { on }] of Object.entries(pipeline.steps)) {
          for (const [outcome, { atMost }] of Object.entries(on))
            expect(next.loops[`${name}.${outcome}`] ?? 0).toBeLessThanOrEqual(atMost ?? 0)
        }
        expect(next.rescues).toBeLessThanOrEqual(pipeline.rescue?.atMost ?? 0)
        // A run that goes on always knows how: a job, a person, or an end.
        expect(transition.dispatch || next.status === 'waiting' || ENDED.includes(next.status)).toBe(true)
        run = next
      }
      expect(ENDED).toContain(run.status)
    }),
    { numRuns: 500 },
  )
})

const anyEvent: fc.Arbitrary<RunEvent> = fc.oneof(
  fc.record({
    kind: fc.constant('completed' as const),
    outcome: fc.constantFrom('expired', 'way1', 'nonsense'),
    facts: fc.constant({}),
  }),
  fc.record({
    kind: fc.constant('failed' as const),
    failure: fc.record({
      kind: fc.constantFrom('retryable' as const, 'terminal' as const, 'needs-person' as const, 'defect' as const),
      code: fc.constant('c'),
      message: fc.constant('m'),
    }),
  }),
  fc.record({ kind: fc.constantFrom('waiting' as const), until: fc.constant(new Date(0)), facts: fc.constant({}) }),
  fc.record({ kind: fc.constant('parked' as const), until: fc.constant(new Date(0)) }),
  fc.record({ kind: fc.constantFrom('resumed' as const, 'expired' as const, 'cancelled' as const, 'lost' as const) }),
  fc.record({ kind: fc.constant('redriven' as const), step: fc.constantFrom(...NAMES, 'nonsense') }),
)

test('no event leaves an end, except that a redrive revives the dead; and nothing is written when it is ignored', () => {
  fc.assert(
    fc.property(pipelines, anyEvent, unit, fc.constantFrom(...ENDED), (pipeline, event, random, status) => {
      const now = new Date('2026-01-01T00:00:00Z')
      const run: RunState = { ...beginRun(pipeline, 'offline', now), status }
      const before = structuredClone(run)
      const transition = advance(pipeline, run, event, now, random)
      const revives = event.kind === 'redriven' && status === 'dead' && event.step in pipeline.steps
      expect('ignored' in transition).toBe(!revives)
      expect(run).toEqual(before)
    }),
    { numRuns: 1_000 },
  )
})

test('the same input gives the same transition, and the input is not touched', () => {
  fc.assert(
    fc.property(
      pipelines,
      anyEvent,
      unit,
      fc.constantFrom('queued', 'running', 'delayed', 'parked', 'waiting'),
      (pipeline, event, random, status) => {
        const now = new Date('2026-01-01T00:00:00Z')
        const run: RunState = Object.freeze({ ...beginRun(pipeline, 'interactive', now), status: status as RunState['status'] })
        expect(advance(pipeline, run, event, now, random)).toEqual(advance(pipeline, run, event, now, random))
      },
    ),
    { numRuns: 500 },
  )
})
