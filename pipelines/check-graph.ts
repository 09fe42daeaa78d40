import { durationMs } from '#shared/domain/duration.ts'
import { RunEnd } from '#shared/domain/run.ts'
import type { Pipeline } from './pipeline.ts'
import { retryProblems } from './retry.ts'

type Edge = { readonly from: string; readonly to: string; readonly writes: readonly string[]; readonly bounded: boolean }

/** Names that the log uses for what the engine itself does; an outcome of that name could not be told from it. */
const ENGINE_WORDS = new Set(['failed', 'waiting', 'parked', 'resumed', 'cancelled', 'redispatched', 'redriven', 'accepted'])

/** Everything that is unsound about a pipeline, as sentences; empty when nothing is. */
export function findProblems(pipeline: Pipeline): string[] {
  const wiring = wiringProblems(pipeline)
  // Walking a graph with dangling edges would only repeat the same complaint in other words.
  if (wiring.length > 0) return wiring
  return [...stepProblems(pipeline), ...factProblems(pipeline), ...loopProblems(pipeline)]
}

function edgesOf(pipeline: Pipeline): Edge[] {
  const edges: Edge[] = []
  for (const [from, step] of Object.entries(pipeline.steps)) {
    for (const outcome of Object.values(step.on)) {
      const writes = [...(step.by === 'person' ? (step.writes ?? []) : []), ...(outcome.writes ?? [])]
      edges.push({ from, to: outcome.to, writes, bounded: outcome.atMost !== undefined })
      if (outcome.afterwards !== undefined) edges.push({ from, to: outcome.afterwards, writes, bounded: false })
    }
    if (pipeline.rescue && from !== pipeline.rescue.to) {
      edges.push({ from, to: pipeline.rescue.to, writes: [pipeline.rescue.writes], bounded: true })
    }
  }
  return edges
}

function wiringProblems(pipeline: Pipeline): string[] {
  const problems: string[] = []
  const steps = new Set(Object.keys(pipeline.steps))
  const ends = new Set<string>(pipeline.ends)
  for (const end of ends) {
    if (steps.has(end)) problems.push(`"${end}" is both a step and an end`)
    if (!RunEnd.safeParse(end).success) problems.push(`"${end}" is not an end; ends are ${RunEnd.options.join(', ')}`)
  }
  if (!steps.has(pipeline.start)) problems.push(`start "${pipeline.start}" is not a step`)
  if (pipeline.rescue && !steps.has(pipeline.rescue.to)) problems.push(`rescue "${pipeline.rescue.to}" is not a step`)
  for (const { from, to } of edgesOf(pipeline)) {
    if (!steps.has(to) && !ends.has(to)) problems.push(`"${from}" leads to "${to}", which is neither a step nor an end`)
  }
  const named = Object.values(pipeline.steps).flatMap((step) => [...step.reads, ...(step.mayRead ?? []), ...(step.writes ?? [])])
  const written = edgesOf(pipeline).flatMap((edge) => edge.writes)
  for (const fact of new Set([pipeline.given, ...named, ...written])) {
    if (!(fact in pipeline.facts)) problems.push(`fact "${fact}" is not declared`)
  }
  return problems
}

function stepProblems(pipeline: Pipeline): string[] {
  const problems: string[] = []
  if (!Number.isInteger(pipeline.version) || pipeline.version < 1) problems.push('the version must be a whole number from 1')
  if (pipeline.rescue && !(pipeline.rescue.atMost >= 1)) problems.push('rescue.atMost must be at least 1')
  for (const duration of Object.values(pipeline.deadline)) problems.push(...durationProblems('deadline', duration))
  for (const [name, step] of Object.entries(pipeline.steps)) {
    if (!/^[a-z]+(-[a-z]+)*$/.test(name)) problems.push(`step "${name}" is not kebab-case, so it cannot name a queue`)
    problems.push(...durationProblems(`"${name}" deadline`, step.deadline))
    problems.push(...retryProblems(step.retry).map((problem) => `"${name}" retry: ${problem}`))
    if (Object.keys(step.on).length === 0) problems.push(`"${name}" has no outcome`)
    if (step.by === 'person' && !('expired' in step.on))
      problems.push(`"${name}" waits for a person but has no outcome "expired"`)
    if (step.by !== 'person' && step.writes)
      problems.push(`"${name}" is no person's step, so each of its outcomes says what it writes`)
    for (const [outcome, spec] of Object.entries(step.on)) {
      if (ENGINE_WORDS.has(outcome)) problems.push(`"${name}" outcome "${outcome}" is a word of the engine`)
      if ((spec.atMost === undefined) !== (spec.afterwards === undefined))
        problems.push(`"${name}.${outcome}" needs both atMost and afterwards, or neither`)
      if (spec.atMost !== undefined && !(Number.isInteger(spec.atMost) && spec.atMost >= 1))
        problems.push(`"${name}.${outcome}" atMost must be a whole number from 1`)
    }
  }
  return problems
}

function durationProblems(where: string, duration: Pipeline['deadline']['standard']): string[] {
  try {
    return durationMs(duration) > 0 ? [] : [`${where} must be longer than 0`]
  } catch (error) {
    return [`${where}: ${(error as Error).message}`]
  }
}

/** Walks every path from `start`; a fact counts as known at a step only if every path to it has written the fact. */
function factProblems(pipeline: Pipeline): string[] {
  const edges = edgesOf(pipeline)
  const known = new Map<string, Set<string>>([[pipeline.start, new Set([pipeline.given])]])
  const queue = [pipeline.start]
  while (queue.length > 0) {
    const name = queue.shift()!
    for (const edge of edges.filter(({ from, to }) => from === name && to in pipeline.steps)) {
      const facts = new Set([...known.get(name)!, ...edge.writes])
      const seen = known.get(edge.to)
      const merged = seen?.intersection(facts) ?? facts
      if (merged.size === seen?.size) continue
      known.set(edge.to, merged)
      queue.push(edge.to)
    }
  }
  const problems: string[] = []
  const everWritten = new Set([pipeline.given, ...edges.flatMap((edge) => edge.writes)])
  for (const [name, step] of Object.entries(pipeline.steps)) {
    const facts = known.get(name)
    if (!facts) problems.push(`step "${name}" is unreachable`)
    for (const fact of step.reads)
      if (facts && !facts.has(fact)) problems.push(`"${name}" reads "${fact}" before every path writes it`)
    for (const fact of step.mayRead ?? [])
      if (!everWritten.has(fact)) problems.push(`"${name}" may read "${fact}", which nothing writes`)
  }
  return problems
}

/** Without its bounded edges the graph must be acyclic (then every run ends), and every step must have a way to an end. */
function loopProblems(pipeline: Pipeline): string[] {
  const edges = edgesOf(pipeline)
  const problems: string[] = []
  const state = new Map<string, 'open' | 'done'>()
  const visit = (name: string, path: readonly string[]): void => {
    if (state.get(name) === 'done' || !(name in pipeline.steps)) return
    if (state.get(name) === 'open') {
      problems.push(`loop without a bound: ${[...path.slice(path.indexOf(name)), name].join(' -> ')}`)
      return
    }
    state.set(name, 'open')
    for (const edge of edges) if (edge.from === name && !edge.bounded) visit(edge.to, [...path, name])
    state.set(name, 'done')
  }
  for (const name of Object.keys(pipeline.steps)) visit(name, [])
  return problems
}
