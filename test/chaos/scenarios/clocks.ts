import { setTimeout as sleep } from 'node:timers/promises'
import type { Scenario, Stage } from '../scenario.ts'
import { processesOf } from './processes.ts'

const FIVE_MINUTES_MS = 300_000

/**
 * One of three workers has a clock that jumps away and back while tickets come in; some of its work is retried in between, and
 * in the end it is killed while its clock is wrong. Answers and callbacks must not wait for its time.
 */
async function withJumpingClock({ installation, sender, tickets, size }: Stage, shiftMs: number) {
  const processes = processesOf(installation)
  const count = size === 'full' ? 120 : 30
  const { process } = await processes.startWorker(shiftMs)
  const load = sender.stream(tickets(count), 20)
  let steps = 0
  const step = async () => {
    await sleep(((count / 20) * 1_000) / 6)
    process.signal('SIGUSR2')
    steps++
  }
  await step()
  installation.receiver.refuse(15)
  await step()
  await step()
  installation.receiver.refuse(15)
  await load
  await sleep(500)
  await process.kill9()
  const shifted = installation.receiver.received().filter(({ outOfTime }) => outOfTime).length
  const worked = `SELECT count(*) AS n FROM attempts WHERE worker = $1 AND started_at > now() - interval '10 minutes'`
  const hops = Number((await installation.query(worked, [`worker-${process.pid}`]))[0]!['n'])
  return {
    counts: { steps, hopsOfThisWorker: hops, callbacksWithWrongTime: shifted },
    violations: hops > 0 ? [] : ['the worker with the jumping clock did nothing'],
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
