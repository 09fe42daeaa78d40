import { parseArgs } from 'node:util'
import Table from 'cli-table3'
import { postgresBin } from '#test/servers/postgres.ts'
import { hasRedis } from '#test/servers/redis.ts'
import { BOUND_MS, drillAvailability, TARGET_SHARE } from './availability.ts'
import { type Installation, startProcesses, withSecondary } from './installation.ts'
import { type Report, runScenario, type Scenario } from './scenario.ts'
import { scenarios } from './scenarios.ts'

/**
 * `npm run chaos -- --seed N [--only name[,name]]`, or `--scenario availability [--minutes M] [--rate TICKETS_A_SECOND]`: breaks a real installation (an API, two workers, Redis, PostgreSQL and a
 * simulated provider, all on loopback) in every way there is a scenario for, and counts what came of it. Ends 1 on any violation.
 */

const SHOWN_VIOLATIONS = 10

const { values, seed } = asked()

function asked() {
  try {
    const { values } = parseArgs({
      options: {
        seed: { type: 'string', default: '1' },
        only: { type: 'string' },
        scenario: { type: 'string' },
        minutes: { type: 'string', default: '10' },
        rate: { type: 'string', default: '5' },
      },
    })
    const seed = Number(values.seed)
    if (!Number.isSafeInteger(seed)) throw new TypeError(`--seed takes a whole number, not ${values.seed}`)
    const names = (values.only ?? values.scenario)?.split(',') ?? []
    const unknown = names.filter((name) => name !== 'availability' && scenarios.every((scenario) => scenario.name !== name))
    if (unknown.length > 0)
      throw new TypeError(
        `there is no scenario ${unknown.join(', ')}; there are ${scenarios.map(({ name }) => name).join(', ')}, availability`,
      )
    return { values, seed }
  } catch (error) {
    console.error(`chaos: ${(error as Error).message}`)
    process.exit(2)
  }
}

function chosen(): readonly Scenario[] {
  const names = (values.only ?? values.scenario)?.split(',')
  return names ? scenarios.filter(({ name }) => names.includes(name)) : scenarios
}

async function runAll(list: readonly Scenario[], seed: number): Promise<Report[]> {
  const reports: Report[] = []
  let installation: Installation | undefined
  try {
    for (const scenario of list) {
      installation ??= await startProcesses()
      console.log(`\n== ${scenario.name}: ${scenario.sentence}`)
      const report = await runScenario(scenario, installation, seed, 'full').catch((error) => broken(scenario, error))
      console.log(lineOf(report))
      for (const violation of report.violations.slice(0, SHOWN_VIOLATIONS)) console.log(`   ! ${violation}`)
      if (report.violations.length > SHOWN_VIOLATIONS) console.log(`   ! and ${report.violations.length - SHOWN_VIOLATIONS} more`)
      reports.push(report)
      // What is left of a failed scenario must not spoil the next one.
      if (report.violations.length > 0) {
        await installation.stop()
        installation = undefined
      }
    }
  } finally {
    await installation?.stop()
  }
  return reports
}

const NOTHING = {
  answered: 0,
  escalated: 0,
  closed: 0,
  cancelled: 0,
  lost: 0,
  answeredTwice: 0,
  wrongTenant: 0,
  unproven: 0,
  brokenLogs: 0,
}

const broken = ({ name }: Scenario, error: unknown): Report => ({
  ...NOTHING,
  name,
  acknowledged: 0,
  callbacks: 0,
  redispatched: 0,
  deadLetters: {},
  counts: {},
  recoveryMs: undefined,
  boundMs: undefined,
  tookMs: 0,
  violations: [`the scenario broke off: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`],
})

const seconds = (ms: number | undefined) => (ms === undefined ? '' : (ms / 1_000).toFixed(1))

function lineOf(report: Report): string {
  const { acknowledged, answered, escalated, closed, cancelled, lost, answeredTwice, wrongTenant, unproven, brokenLogs } = report
  const counts = { acknowledged, answered, escalated, closed, cancelled, lost, answeredTwice, wrongTenant, unproven, brokenLogs }
  const deadLetters = Object.fromEntries(
    Object.entries(report.deadLetters).map(([code, count]) => [`dead letters (${code})`, count]),
  )
  const more = { callbacks: report.callbacks, redispatched: report.redispatched, ...deadLetters, ...report.counts }
  const text = Object.entries({ ...counts, ...more }).map(([name, count]) => `${name} ${count}`)
  const recovery = report.recoveryMs === undefined ? '' : `, recovered in ${seconds(report.recoveryMs)} s`
  return `   ${text.join(', ')}${recovery}, took ${seconds(report.tookMs)} s`
}

function print(reports: readonly Report[]): void {
  const head = ['scenario', 'acked', 'answered', 'escalated', 'closed', 'cancelled', 'lost', 'twice', 'wrong tenant', 'unproven']
  const table = new Table({ head: [...head, 'recovery s', 'bound s', 'took s', ''], style: { head: [], border: [] } })
  for (const report of reports) {
    const { name, acknowledged, answered, escalated, closed, cancelled, lost, answeredTwice, wrongTenant, unproven } = report
    const times = [seconds(report.recoveryMs), seconds(report.boundMs), seconds(report.tookMs)]
    const good = report.violations.length === 0
    table.push([
      name,
      acknowledged,
      answered,
      escalated,
      closed,
      cancelled,
      lost,
      answeredTwice,
      wrongTenant,
      unproven,
      ...times,
      good ? 'ok' : 'VIOLATED',
    ])
  }
  console.log(`\n${table.toString()}`)
}

if (!hasRedis || postgresBin === undefined) {
  console.error('chaos needs redis-server and a PostgreSQL server: sudo apt-get install redis-server postgresql')
  process.exit(1)
}
/** Long and with two providers, so not among the scenarios above. */
async function runAvailability(): Promise<boolean> {
  const [minutes, ticketsPerSecond] = [Number(values.minutes), Number(values.rate)]
  if (!(minutes > 0 && ticketsPerSecond > 0)) throw new TypeError('--minutes and --rate take numbers above 0')
  const installation = await startProcesses(withSecondary)
  try {
    const drill = { seconds: minutes * 60, ticketsPerSecond, seed, say: (line: string) => console.log(line) }
    const report = await drillAvailability(installation, drill)
    console.log(
      JSON.stringify({ scenario: 'availability', minutes, ticketsPerSecond, boundMs: BOUND_MS, ...report }, undefined, 2),
    )
    return report.share >= TARGET_SHARE && report.notAccepted === 0
  } finally {
    await installation.stop()
  }
}

async function runScenarios(): Promise<boolean> {
  const startedAt = performance.now()
  const list = chosen()
  console.log(`chaos with seed ${seed}: ${list.length} scenarios`)
  const reports = await runAll(list, seed)
  print(reports)
  const violated = reports.filter(({ violations }) => violations.length > 0).length
  console.log(
    `${reports.length - violated} of ${reports.length} scenarios without a violation, in ${seconds(performance.now() - startedAt)} s, seed ${seed}`,
  )
  return violated === 0
}

process.exitCode = (await (values.scenario === 'availability' ? runAvailability() : runScenarios())) ? 0 : 1
