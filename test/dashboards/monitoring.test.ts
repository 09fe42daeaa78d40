import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import * as z from 'zod'
import { registerGauges } from '#dashboards/gauges.ts'
import { createTelemetry } from '#shared/adapters/telemetry/telemetry.prometheus.ts'

const folder = join(import.meta.dirname, '../../dashboards')
const read = (path: string) => readFileSync(join(folder, path), 'utf8')
const Rules = z.object({
  groups: z.array(
    z.object({
      rules: z.array(
        z.object({ alert: z.string(), expr: z.string(), annotations: z.object({ summary: z.string(), action: z.string() }) }),
      ),
    }),
  ),
})
const Panel = z.object({
  id: z.int(),
  type: z.string(),
  title: z.string(),
  gridPos: z.object({ x: z.int(), y: z.int(), w: z.int(), h: z.int() }),
  targets: z.array(z.object({ expr: z.string() })).optional(),
})
const rules = Rules.parse(parse(read('prometheus/alerts.yml'))).groups.flatMap((group) => group.rules)
const panels = z.object({ panels: z.array(Panel) }).parse(JSON.parse(read('grafana/answerline.json'))).panels
const expressions = [
  ...rules.map(({ alert, expr }) => [alert, expr] as const),
  ...panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [title, expr] as const)),
]

/** Every series of a process in which each kind of thing has happened once: name -> labels. */
const series = new Map<string, Set<string>>()
const installation = {
  runs: [{ pipeline: 'support-ticket', status: 'running', count: 3 }],
  overdue: [{ pipeline: 'support-ticket', step: 'verify', count: 2, seconds: 41 }],
  deadLetters: [{ pipeline: 'support-ticket', step: 'verify', count: 1 }],
  escalations: { count: 4, oldestSeconds: 90 },
}
let reads = 0
let body: string

beforeAll(async () => {
  const telemetry = createTelemetry()
  const usage = { inputTokens: 1, outputTokens: 1, cacheReadTokens: 1, cacheWriteTokens: 1 }
  telemetry.stepEnded({ pipeline: 'support-ticket', step: 'verify', result: 'failed', seconds: 1 })
  telemetry.runEnded({ pipeline: 'support-ticket', status: 'answered', lane: 'standard', seconds: 1 })
  telemetry.modelCalled({ provider: 'p', model: 'm', task: 'generate', result: 'ok', seconds: 1, usage, costUsd: 1 })
  telemetry.httpServed({ method: 'GET', route: '/r', status: 200, seconds: 1 })
  telemetry.jobSkipped('q', 'unknown')
  telemetry.defect('here')
  registerGauges(telemetry, {
    consoleStore: {
      installation: async () => {
        reads++
        return installation
      },
    },
    dispatcher: { depths: async () => [{ queue: 'support-ticket.verify', waiting: 5, active: 1, delayed: 2, failed: 0 }] },
    clock: { now: () => new Date(0) },
  })
  telemetry.gauge('answerline_unreadable', 'Makes the failure counter appear.', [], async () => Promise.reject(new Error('down')))
  await telemetry.expose()
  body = (await telemetry.expose()).body
  for (const line of body.split('\n')) {
    const match = /^([a-z_:0-9]+)(?:\{(.*)\})? /i.exec(line)
    if (!match || line.startsWith('#')) continue
    const labels = series.get(match[1]!) ?? new Set<string>()
    for (const [, label] of (match[2] ?? '').matchAll(/([a-z_]+)="/g)) labels.add(label!)
    series.set(match[1]!, labels)
  }
})

describe('dashboard and alert rules', () => {
  test('there are some, and every rule says what to do', () => {
    expect(rules.length).toBeGreaterThanOrEqual(8)
    expect(expressions.length).toBeGreaterThan(30)
    for (const { annotations } of rules) expect(annotations.action.length).toBeGreaterThan(20)
  })

  test.each(expressions)('%s names only metrics that exist: %s', (_title, expr) => {
    // `up` is Prometheus' own.
    const names = expr.match(/\b(?:answerline|process|nodejs)_[a-z0-9_]+/g) ?? (/\bup\{/.test(expr) ? [] : ['no metric at all'])
    for (const name of names) expect([...series.keys()]).toContain(name)
  })

  test.each(expressions)('%s selects and groups by labels that exist: %s', (_title, expr) => {
    const metrics = expr.match(/\b(?:answerline|process|nodejs)_[a-z0-9_]+/g) ?? []
    const known = new Set(['job', 'instance', 'le', ...metrics.flatMap((name) => [...(series.get(name) ?? [])])])
    const selected = [...expr.matchAll(/\{([^}]*)\}/g)].flatMap(([, inner]) =>
      [...inner!.matchAll(/([a-z_]+)(?:=|!)/g)].map((match) => match[1]!),
    )
    const grouped = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, inner]) => inner!.split(',').map((label) => label.trim()))
    for (const label of [...selected, ...grouped]) expect([...known]).toContain(label)
  })

  test('cover queue age, defects, dead letters, errors and cost', () => {
    const watched = rules.map(({ expr }) => expr).join('\n')
    for (const name of ['step_oldest_due_seconds', 'defects_total', 'dead_letters_open', 'result="failed"', 'cost_usd_total'])
      expect(watched).toContain(name)
  })

  test('panels have ids of their own and do not lie on each other', () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    for (const [i, { gridPos: a }] of panels.entries()) {
      expect(a.x + a.w).toBeLessThanOrEqual(24)
      for (const { gridPos: b } of panels.slice(i + 1))
        expect(a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h).toBe(false)
    }
  })
})

describe('gauges', () => {
  test('tell queue depths, active runs, due jobs and their age, dead letters and open cases', () => {
    for (const line of [
      'answerline_queue_jobs{queue="support-ticket.verify",state="waiting"} 5',
      'answerline_queue_jobs{queue="support-ticket.verify",state="delayed"} 2',
      'answerline_runs_active{pipeline="support-ticket",status="running"} 3',
      'answerline_step_due_runs{pipeline="support-ticket",step="verify"} 2',
      'answerline_step_oldest_due_seconds{pipeline="support-ticket",step="verify"} 41',
      'answerline_dead_letters_open{pipeline="support-ticket",step="verify"} 1',
      'answerline_escalations_open 4',
      'answerline_escalation_oldest_seconds 90',
    ])
      expect(body).toContain(line)
  })

  test('of one scrape share one look into the database', () => {
    expect(reads).toBe(1)
  })
})
