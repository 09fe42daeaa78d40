import type { JobSchedules } from '#shared/ports/document-set-schedules.ts'
import { openQueue, type QueueSpace } from './queue-names.ts'

const MAX_SCHEDULES = 100_000

/** BullMQ's job schedulers of one queue; the job names its schedule as the others name their run. */
export function createJobSchedules(space: QueueSpace, queueName: string): JobSchedules & { close(): Promise<void> } {
  const queue = openQueue(space, queueName)
  queue.on('error', () => {})
  return {
    async ids() {
      const known = await queue.getJobSchedulers(0, MAX_SCHEDULES - 1)
      return new Set(known.map(({ key }) => key))
    },
    async put({ id, cron, timeZone }) {
      const template = { name: 'fire', data: { runId: id, seq: 0 }, opts: { removeOnComplete: true } }
      await queue.upsertJobScheduler(id, { pattern: cron, tz: timeZone }, template)
    },
    async remove(id) {
      await queue.removeJobScheduler(id)
    },
    close: () => queue.close(),
  }
}
