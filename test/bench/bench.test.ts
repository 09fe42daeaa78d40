import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { median, quantile } from './figures.ts'
import { missingStores } from './private-stores.ts'
import { BenchReport } from './report.ts'

const missing = missingStores()

const bench = (...args: string[]) =>
  spawnSync(process.execPath, [join(import.meta.dirname, 'bench.ts'), ...args], { encoding: 'utf8', timeout: 180_000 })

test.skipIf(missing.length > 0)(
  `the pipeline benchmark prints one JSON object with what was promised, baseline and all (needs ${missing.join(', ') || 'Redis, PostgreSQL'})`,
  { timeout: 200_000 },
  () => {
    const { status, stdout, stderr } = bench('pipeline', '--quick', '--runs', '20', '--json')
    expect(status, stderr).toBe(0)
    const report = BenchReport.parse(JSON.parse(stdout))
    expect(report).toMatchObject({ name: 'pipeline', unit: 'runs/s', n: 20, persistence: expect.stringContaining('fsync') })
    expect(report.baseline).toBeGreaterThan(0)
    const { engine, bare } = report as unknown as Record<'engine' | 'bare', { hopsPerRun: number; hopsPerSecond: number }>
    // Both did the same number of durable hops, and the ratio follows from what is printed beside it.
    expect([engine.hopsPerRun, bare.hopsPerRun]).toEqual([8, 8])
    expect(report.ratio).toBeCloseTo(engine.hopsPerSecond / bare.hopsPerSecond, 2)
    expect(report.p99).toBeGreaterThanOrEqual(report.p50)
  },
)

test.skipIf(missing.length > 0)(
  `the stream benchmark runs small: every reply arrives, every cut stream comes back identical (needs ${missing.join(', ') || 'Redis, PostgreSQL'})`,
  { timeout: 200_000 },
  () => {
    const { status, stdout, stderr } = bench('stream', '--quick', '--json')
    expect(status, stderr).toBe(0)
    const report = BenchReport.parse(JSON.parse(stdout))
    expect(report).toMatchObject({
      name: 'stream',
      before: { errors: 0, replies: 8 },
      cut: { streams: 10, identical: 10 },
      idle: { connections: 50 },
      cached: { n: 10, hits: 10 },
    })
    // A reply from the cache is told in few events, so not every stream can be cut five times here.
    expect((report as unknown as { cut: { resumed: number } }).cut.resumed).toBeGreaterThan(20)
    expect(report.p50).toBeGreaterThan(0)
  },
)

test('an unknown benchmark is wrong usage, and the names of the others are told', () => {
  const { status, stderr } = bench('nonsense')
  expect(status).toBe(2)
  for (const name of ['pipeline', 'ingest', 'memory', 'intent-latency']) expect(stderr).toContain(name)
})

test('a quantile is a value that was measured, and a median of two lies between them', () => {
  const values = Array.from({ length: 100 }, (_, i) => 100 - i)
  expect([quantile(values, 0.5), quantile(values, 0.99), quantile(values, 1), quantile([7], 0.5)]).toEqual([50, 99, 100, 7])
  expect(median([4, 1, 3])).toBe(3)
  expect(median([4, 1])).toBe(2.5)
})

test.each(['guard-latency', 'ledger-latency'])(
  'the %s benchmark says what a call takes, by the clock and in processor time',
  { timeout: 200_000 },
  (name) => {
    const { status, stdout, stderr } = bench(name, '--quick', '--json')
    expect(status, stderr).toBe(0)
    const report = BenchReport.parse(JSON.parse(stdout))
    expect(report).toMatchObject({ name, unit: 'ms/call', n: name === 'guard-latency' ? 60 : 30 })
    const { fastest, cpuMsPerCall } = report as unknown as { fastest: { p50: number; p99: number }; cpuMsPerCall: number }
    expect(fastest.p99).toBeLessThanOrEqual(report.p99)
    expect(fastest.p50).toBeGreaterThan(0)
    expect(cpuMsPerCall).toBeGreaterThan(0)
  },
)
