import { describe, expect, expectTypeOf, test } from 'vitest'
import * as z from 'zod'
import { findProblems } from '#pipelines/check-graph.ts'
import { definePipeline, type Reads, type Result } from '#pipelines/define.ts'
import { toMermaid } from '#pipelines/diagram.ts'
import type { Pipeline } from '#pipelines/pipeline.ts'
import { pipelines } from '#pipelines/registry.ts'
import { never, quick } from '#pipelines/retry.ts'
import { supportTicket } from '#pipelines/support-ticket.ts'
import type { StepTable } from '#workers/step.ts'

const deadline = { interactive: '1m', standard: '1h', offline: '1d' } as const
const step = { retry: never, deadline: '1s' } as const
const A = z.object({ a: z.number() })
const B = z.object({ b: z.string() })

const small = {
  name: 'small',
  version: 1,
  facts: { a: A, b: B },
  given: 'a',
  start: 'read',
  deadline,
  steps: {
    read: { ...step, reads: ['a'], on: { done: { writes: ['b'], to: 'write' }, empty: { to: 'closed' } } },
    write: { ...step, reads: ['b'], on: { written: { to: 'answered' } } },
  },
  ends: ['answered', 'closed'],
} as const satisfies Pipeline

const broken = (change: Record<string, unknown>) => findProblems({ ...small, ...change } as unknown as Pipeline)

describe('a sound graph', () => {
  test('has no problems', () => expect(findProblems(small)).toEqual([]))
  test.each(Object.values(pipelines).map((pipeline) => [pipeline.name, pipeline] as const))('%s has none', (_name, pipeline) => {
    expect(findProblems(pipeline as unknown as Pipeline)).toEqual([])
  })
})

describe('an unsound graph is refused at import', () => {
  const steps = small.steps
  test.each([
    [
      'a read that some path never writes',
      { steps: { ...steps, write: { ...steps.write, reads: ['b'] }, read: { ...steps.read, on: { done: { to: 'write' } } } } },
      '"write" reads "b" before every path writes it',
    ],
    [
      'a target that does not exist',
      { steps: { ...steps, write: { ...steps.write, on: { written: { to: 'nowhere' } } } } },
      '"write" leads to "nowhere", which is neither a step nor an end',
    ],
    [
      'a step that nothing leads to',
      { steps: { ...steps, idle: { ...step, reads: [], on: { done: { to: 'closed' } } } } },
      'step "idle" is unreachable',
    ],
    [
      'a loop without a bound',
      { steps: { ...steps, write: { ...steps.write, on: { written: { to: 'read' } } } } },
      'loop without a bound: read -> write -> read',
    ],
    [
      'a bound without a way on',
      { steps: { ...steps, write: { ...steps.write, on: { again: { to: 'read', atMost: 2 } } } } },
      '"write.again" needs both atMost and afterwards, or neither',
    ],
    [
      'a bound of zero',
      { steps: { ...steps, write: { ...steps.write, on: { again: { to: 'read', atMost: 0, afterwards: 'closed' } } } } },
      '"write.again" atMost must be a whole number from 1',
    ],
    ['a fact that is not declared', { steps: { ...steps, write: { ...steps.write, reads: ['c'] } } }, 'fact "c" is not declared'],
    [
      'an optional fact that nothing writes',
      { facts: { ...small.facts, c: A }, steps: { ...steps, write: { ...steps.write, mayRead: ['c'] } } },
      '"write" may read "c", which nothing writes',
    ],
    [
      'a wrong duration',
      { steps: { ...steps, write: { ...steps.write, deadline: '5 minutes' } } },
      '"write" deadline: "5 minutes" is not a duration',
    ],
    [
      'a deadline of nothing',
      { steps: { ...steps, write: { ...steps.write, deadline: '0s' } } },
      '"write" deadline must be longer than 0',
    ],
    [
      'a wait that never ends',
      { steps: { ...steps, write: { ...steps.write, by: 'person' } } },
      '"write" waits for a person but has no outcome "expired"',
    ],
    [
      'an outcome that is a word of the engine',
      { steps: { ...steps, write: { ...steps.write, on: { failed: { to: 'closed' } } } } },
      '"write" outcome "failed" is a word of the engine',
    ],
    ['a step without outcomes', { steps: { ...steps, write: { ...steps.write, on: {} } } }, '"write" has no outcome'],
    [
      'an end that is no end',
      { ends: ['answered', 'closed', 'vanished'] },
      '"vanished" is not an end; ends are answered, closed, done',
    ],
    ['a start that is no step', { start: 'begin' }, 'start "begin" is not a step'],
    ['a rescue that is no step', { rescue: { to: 'help', atMost: 1, writes: 'b' } }, 'rescue "help" is not a step'],
    [
      'a name that cannot name a queue',
      { steps: { ...steps, 'Bad:name': { ...step, reads: [], on: { done: { to: 'closed' } } } } },
      'step "Bad:name" is not kebab-case',
    ],
  ])('%s', (_what, change, problem) => {
    expect(broken(change)).toEqual(expect.arrayContaining([expect.stringContaining(problem)]))
  })
  test('definePipeline throws with every problem', () => {
    const two = { ...small, version: 0, steps: { ...steps, write: { ...steps.write, deadline: '0s' as const } } }
    expect(() => definePipeline(two)).toThrow(/the version must be.*deadline must be longer/)
  })
})

describe('wrong wiring is a type error', () => {
  test('in targets, facts, outcomes and results', () => {
    const { read } = small.steps
    const toNowhere = { write: { ...step, reads: ['b'], on: { written: { to: 'wrote' } } } } as const
    const ofUnknownFact = { write: { ...step, reads: ['c'], on: { written: { to: 'answered' } } } } as const
    const refused = [
      // @ts-expect-error: "wrote" is neither a step nor an end
      () => definePipeline({ ...small, steps: { read, ...toNowhere } }),
      // @ts-expect-error: there is no fact "c"
      () => definePipeline({ ...small, steps: { read, ...ofUnknownFact } }),
      // @ts-expect-error: "vanished" is no end
      () => definePipeline({ ...small, ends: ['answered', 'closed', 'vanished'] }),
    ]
    for (const define of refused) expect(define).toThrow(TypeError)
  })
  test('a step gets the facts it reads, and promises those of its outcome', () => {
    type P = typeof supportTicket
    expectTypeOf<keyof Reads<P, 'verify'>>().toEqualTypeOf<'screened' | 'passages' | 'draft'>()
    expectTypeOf<undefined>().toExtend<Reads<P, 'generate'>['verdict']>()
    expectTypeOf<{ outcome: 'faithful'; facts: { verdict: never; answer: never } }>().toExtend<Result<P, 'verify'>>()
    // A proven outcome without its answer does not compile.
    expectTypeOf<{ outcome: 'faithful'; facts: { verdict: never } }>().not.toExtend<Result<P, 'verify'>>()
    expectTypeOf<{ outcome: 'delivered'; facts: Record<never, never> }>().not.toExtend<Result<P, 'verify'>>()
  })
  test('every step of every pipeline needs its function', () => {
    expectTypeOf<keyof StepTable['support-ticket']>().toEqualTypeOf<keyof typeof supportTicket.steps>()
    expectTypeOf<Omit<StepTable['support-ticket'], 'verify'>>().not.toExtend<StepTable['support-ticket']>()
  })
})

describe('promises that the support-ticket graph keeps by its shape', () => {
  test('only verify, a cache hit and a person write an answer, and deliver reads nothing but answers', () => {
    const writers = Object.entries(supportTicket.steps).flatMap(([name, { on }]) =>
      Object.entries(on as Record<string, { writes?: readonly string[] }>)
        .filter(([, { writes }]) => writes?.includes('answer'))
        .map(([outcome]) => `${name}.${outcome}`),
    )
    expect(writers.toSorted()).toEqual(['escalate.answered', 'recall.hit', 'verify.faithful'])
    expect(supportTicket.steps.deliver.reads).toEqual(['ticket', 'answer'])
  })
  test('every failure leads to a person', () => {
    expect(supportTicket.rescue?.to).toBe('escalate')
    expect(supportTicket.steps.escalate.by).toBe('person')
  })
})

test('the diagram is drawn from the data', () => {
  const text = toMermaid({
    ...small,
    steps: {
      ...small.steps,
      write: { ...small.steps.write, retry: quick, on: { again: { to: 'read', atMost: 2, afterwards: 'closed' } } },
    },
  })
  expect(text.split('\n')).toEqual([
    'flowchart LR',
    '  read["read"]',
    '  write["write"]',
    '  answered(["answered"])',
    '  closed(["closed"])',
    '  read -- "done" --> write',
    '  read -- "empty" --> closed',
    '  write -- "again, at most 2×" --> read',
    '  write -- "again, after that" --> closed',
  ])
})
