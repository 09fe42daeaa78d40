import type { Pipeline } from '#pipelines/pipeline.ts'
import type { Attempt, Run } from '#shared/domain/run.ts'
import { type Html, html } from './html.ts'

const COLUMN = 130
const NODE_WIDTH = 104
const NODE_HEIGHT = 46
const ROW_Y = [66, 176] as const
const LOW_BUS_Y = 234
const HEIGHT = 252

type Edge = { readonly from: string; readonly to: string; readonly bounded: boolean }
type Spot = { readonly x: number; readonly row: 0 | 1 }
/** What happened at a node and on an edge. */
type Path = { readonly outcomes: Map<string, string[]>; readonly edges: Set<string>; readonly failed: Set<string> }

/** The pipeline as a picture, drawn from its own data, with the way this run took; the timeline below it says the same in words. */
export function flowPicture(pipeline: Pipeline, run: Run, attempts: readonly Attempt[]): Html {
  const edges = edgesOf(pipeline)
  const spots = placeNodes(pipeline, edges)
  const path = pathOf(pipeline, attempts)
  const width = Math.max(...[...spots.values()].map(({ x }) => x)) + NODE_WIDTH / 2 + 8
  const rescues = [...path.edges].filter((key) => !edges.some((edge) => keyOf(edge) === key)).map(edgeOfKey)
  const drawn = [...edges, ...rescues.filter(({ from, to }) => spots.has(from) && spots.has(to))]
  // Those taken are drawn last, on top.
  const ordered = drawn.toSorted((a, b) => Number(path.edges.has(keyOf(a))) - Number(path.edges.has(keyOf(b))))
  return html`<div class="flow" tabindex="0" role="group" aria-label="Way through the pipeline"><svg role="img" aria-label="${wayInWords(attempts, run)}" viewBox="0 0 ${width} ${HEIGHT}" width="${width}" height="${HEIGHT}">
<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path d="M0 0L8 4L0 8z" class="tip"/></marker>
<marker id="tip-taken" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" markerHeight="6" orient="auto-start-reverse"><path d="M0 0L8 4L0 8z" class="tip taken"/></marker></defs>
${ordered.map((edge) => drawEdge(edge, spots, path.edges.has(keyOf(edge)), path.failed.has(keyOf(edge))))}
${[...spots].map(([name, spot]) => drawNode(name, spot, pipeline, run, path))}
</svg></div>`
}

const keyOf = ({ from, to }: { from: string; to: string }) => `${from}>${to}`
const edgeOfKey = (key: string): Edge => {
  const [from = '', to = ''] = key.split('>')
  return { from, to, bounded: false }
}

function edgesOf(pipeline: Pipeline): Edge[] {
  const edges = new Map<string, Edge>()
  for (const [from, step] of Object.entries(pipeline.steps))
    for (const { to, atMost, afterwards } of Object.values(step.on))
      for (const edge of [
        { from, to, bounded: atMost !== undefined },
        ...(afterwards ? [{ from, to: afterwards, bounded: false }] : []),
      ])
        edges.set(keyOf(edge), edge)
  return [...edges.values()]
}

/** Columns by the longest way from the start (bounded edges aside, the graph has no loops); people's steps and later ends sit below. */
function placeNodes(pipeline: Pipeline, edges: readonly Edge[]): Map<string, Spot> {
  const depths = new Map<string, number>([[pipeline.start, 0]])
  const deepen = (name: string, depth: number): void => {
    depths.set(name, Math.max(depth, depths.get(name) ?? 0))
    for (const edge of edges) if (edge.from === name && !edge.bounded && edge.to in pipeline.steps) deepen(edge.to, depth + 1)
  }
  deepen(pipeline.start, 0)
  const last = Math.max(...depths.values()) + 1
  const x = (column: number) => 8 + NODE_WIDTH / 2 + column * COLUMN
  const spots = new Map<string, Spot>()
  for (const [name, depth] of depths) spots.set(name, { x: x(depth), row: pipeline.steps[name]?.by === 'person' ? 1 : 0 })
  for (const [i, end] of pipeline.ends.entries()) spots.set(end, { x: x(last + Math.floor(i / 2)), row: i % 2 === 0 ? 0 : 1 })
  return spots
}

function pathOf(pipeline: Pipeline, attempts: readonly Attempt[]): Path {
  const path: Path = { outcomes: new Map(), edges: new Set(), failed: new Set() }
  for (const attempt of attempts) {
    if (attempt.result === 'accepted' || attempt.result === 'redispatched') continue
    path.outcomes.set(attempt.step, [...(path.outcomes.get(attempt.step) ?? []), attempt.result])
    const target = pipeline.ends.find((end) => end === attempt.next.status) ?? attempt.next.step
    if (target === attempt.step) continue
    const key = keyOf({ from: attempt.step, to: target })
    path.edges.add(key)
    if (attempt.failure) path.failed.add(key)
  }
  return path
}

function wayInWords(attempts: readonly Attempt[], run: Run): string {
  const steps = attempts.filter(({ result }) => result !== 'accepted').map(({ step, result }) => `${step}: ${result}`)
  return `The way of this run: ${steps.join(', then ') || 'nothing yet'}. It is ${run.status}.`
}

function drawEdge({ from, to, bounded }: Edge, spots: ReadonlyMap<string, Spot>, taken: boolean, failed: boolean): Html {
  const [a, b] = [spots.get(from)!, spots.get(to)!]
  const kind = `edge${taken ? ' taken' : ''}${failed ? ' failed' : ''}${bounded ? ' bounded' : ''}`
  return html`<path class="${kind}" d="${routeOf(a, b, spots)}" marker-end="url(#${taken ? 'tip-taken' : 'tip'})"/>`
}

function routeOf(a: Spot, b: Spot, spots: ReadonlyMap<string, Spot>): string {
  const [ay, by] = [ROW_Y[a.row], ROW_Y[b.row]]
  const half = NODE_WIDTH / 2
  const between = (row: 0 | 1) =>
    [...spots.values()].some((spot) => spot.row === row && spot.x > Math.min(a.x, b.x) && spot.x < Math.max(a.x, b.x))
  if (a.row === b.row) {
    if (b.x > a.x && !between(a.row)) return `M${a.x + half} ${ay}H${b.x - half - 2}`
    const top = ay - NODE_HEIGHT / 2
    const lift = Math.min(50, 22 + Math.abs(b.x - a.x) / 14)
    return `M${a.x + 12} ${top}C${a.x + 12} ${top - lift} ${b.x - 12} ${top - lift} ${b.x - 12} ${top - 2}`
  }
  if (a.row === 1) {
    const foot = by + NODE_HEIGHT / 2
    return `M${a.x + half} ${ay}C${b.x} ${ay} ${b.x} ${ay} ${b.x} ${foot + 2}`
  }
  const foot = ay + NODE_HEIGHT / 2
  if (!between(1)) return `M${a.x} ${foot}V${by - 10}Q${a.x} ${by} ${a.x + 10} ${by}H${b.x - half - 2}`
  return `M${a.x - 14} ${foot}V${LOW_BUS_Y - 10}Q${a.x - 14} ${LOW_BUS_Y} ${a.x - 4} ${LOW_BUS_Y}H${b.x - 10}Q${b.x} ${LOW_BUS_Y} ${b.x} ${by + NODE_HEIGHT / 2 + 2}`
}

function drawNode(name: string, { x, row }: Spot, pipeline: Pipeline, run: Run, path: Path): Html {
  const isEnd = pipeline.ends.some((end) => end === name)
  const ended = pipeline.ends.some((end) => end === run.status)
  const isHere = isEnd ? run.status === name : !ended && run.step === name
  const outcomes = path.outcomes.get(name) ?? []
  const seen = outcomes.length > 0 || (isEnd && isHere)
  const failed = outcomes.at(-1) === 'failed' || (isHere && run.status === 'dead')
  const kind = `node${isEnd ? ' end' : ''}${seen ? ' seen' : ''}${isHere ? ' here' : ''}${failed ? ' failed' : ''}`
  const said = isHere && !isEnd && !outcomes.length ? run.status : (outcomes.at(-1) ?? '')
  const y = ROW_Y[row]
  return html`<g class="${kind}"><rect x="${x - NODE_WIDTH / 2}" y="${y - NODE_HEIGHT / 2}" width="${NODE_WIDTH}" height="${NODE_HEIGHT}" rx="${isEnd ? 23 : 8}"/>
<text x="${x}" y="${said ? y - 3 : y + 4}" class="name">${name}${outcomes.length > 1 ? ` ×${outcomes.length}` : ''}</text>${said && html`<text x="${x}" y="${y + 13}" class="said">${said}</text>`}</g>`
}
