import type { Done, Scenario, Stage } from '../scenario.ts'
import { until } from '../until.ts'
import { processesOf } from './processes.ts'

const FIVE_MINUTES_MS = 300_000

/**
 * First one of three workers has a clock that jumps away and back while tickets come in. Then it works alone with its clock
 * wrong, some of its callbacks have to be tried again, and it is killed: what it has put off by its own clock, workers with the
 * right time must do when it is due by theirs.
 */
async function withJumpingClock({ installation, sender, tickets, size }: Stage, shiftMs: number): Promise<Done> {
  const processes = processesOf(installation)
  const count = size === 'full' ? 120 : 30
  const { process } = await processes.startWorker(shiftMs)
  const load = sender.stream(tickets(count), 20)
  for (const quarter of [1, 2, 3]) {
    await until('more tickets are in', 30_000, () => sender.acks().length >= (quarter * count) / 4)
    process.signal('SIGUSR2')
  }
  await load
  for (const other of installation.workers()) if (other.process !== process) await other.process!.kill9()
  const putOff = count / 12
  installation.receiver.refuse(putOff)
  await sender.postAll(tickets(count / 3, { answerableOnly: true }))
  const delayed = `SELECT count(*) AS n FROM runs WHERE pipeline = 'send-webhook' AND status = 'delayed'`
  const countOf = async (sql: string, params: unknown[] = []) => Number((await installation.query(sql, params))[0]!['n'])
  await until('callbacks are put off', 30_000, async () => (await countOf(delayed)) >= putOff / 2)
  const waiting = await countOf(delayed)
  await process.kill9()
  await processes.ensure()
  const hops = await countOf('SELECT count(*) AS n FROM attempts WHERE worker = $1', [`worker-${process.pid}`])
  const wrongTime = installation.receiver.received().filter(({ outOfTime }) => outOfTime).length
  return {
    counts: { hopsOfThisWorker: hops, putOffByWrongClock: waiting, callbacksWithWrongTime: wrongTime },
    violations: [],
  }
}

export const clockAhead: Scenario = {
  name: 'clock-ahead',
  sentence: "a worker's clock steps 5 minutes ahead and back",
  run: (stage) => withJumpingClock(stage, FIVE_MINUTES_MS),
}

export const clockBehind: Scenario = {
  name: 'clock-behind',
  sentence: "a worker's clock steps 5 minutes back and ahead again",
  run: (stage) => withJumpingClock(stage, -FIVE_MINUTES_MS),
}
