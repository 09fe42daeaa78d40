import { createBullmqConsumer } from '#shared/adapters/state/consumer.bullmq.ts'
import { redisConnections } from '#shared/adapters/state/redis.ts'
import { recordingLog } from '#test/fakes/log.recording.ts'

/** A worker of its own process that takes a job and never ends it: `hang-on-job.ts <socket> <prefix>`. */
const [socket, prefix] = process.argv.slice(2)
const log = recordingLog()
const connections = redisConnections(socket!, log)
const consumer = createBullmqConsumer({
  redis: connections.blocking(),
  prefix: prefix!,
  connect: connections.blocking,
  log,
  monotonicMs: () => performance.now(),
})
consumer.start(
  { pipeline: 'support-ticket', step: 'screen' },
  ({ runId }) => {
    process.stdout.write(`${runId}\n`)
    return new Promise(() => {})
  },
  1,
)
