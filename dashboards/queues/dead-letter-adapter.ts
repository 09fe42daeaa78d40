import { BullMQAdapter } from '@bull-board/api/bullMQAdapter'

type Args<Method extends (...args: never[]) => unknown> = Parameters<Method>

/**
 * Shows the copies of dead letters, which wait in their queue for nobody, as what they stand for: failed jobs with a retry button.
 * Nothing in Redis changes by it, and the button never reaches BullMQ (see `board.ts`).
 */
export class DeadLetterAdapter extends BullMQAdapter {
  override getStatuses(): ReturnType<BullMQAdapter['getStatuses']> {
    return ['failed']
  }

  override getJobStatuses(): ReturnType<BullMQAdapter['getJobStatuses']> {
    return ['failed']
  }

  override async getJobCounts(): ReturnType<BullMQAdapter['getJobCounts']> {
    const counts = await super.getJobCounts()
    const failed = super.getJobStatuses().reduce((sum, status) => sum + (counts[status] ?? 0), 0)
    return { ...Object.fromEntries(Object.keys(counts).map((status) => [status, 0])), failed } as typeof counts
  }

  override getJobs(
    _statuses: Args<BullMQAdapter['getJobs']>[0],
    start?: number,
    end?: number,
  ): ReturnType<BullMQAdapter['getJobs']> {
    return super.getJobs(super.getJobStatuses(), start, end)
  }

  override async getJob(id: string): ReturnType<BullMQAdapter['getJob']> {
    const job = await super.getJob(id)
    return job && Object.assign(job, { getState: async () => 'failed' as const })
  }
}
