import { BullMQAdapter } from '@bull-board/api/bullMQAdapter'
import * as z from 'zod'
import { reasonOf } from './mask-jobs.ts'

type Shown = Awaited<ReturnType<BullMQAdapter['getJobs']>>[number]
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

  override async getJobs(
    _statuses: Args<BullMQAdapter['getJobs']>[0],
    start?: number,
    end?: number,
  ): ReturnType<BullMQAdapter['getJobs']> {
    return (await super.getJobs(super.getJobStatuses(), start, end)).map(asFailed)
  }

  override async getJob(id: string): ReturnType<BullMQAdapter['getJob']> {
    const job = await super.getJob(id)
    return job && asFailed(job)
  }
}

const Copy = z.object({ code: z.string() })

const asFailed = <Job extends Shown>(job: Job): Job =>
  Object.assign(job, { getState: async () => 'failed' as const, failedReason: reasonOf(Copy.safeParse(job.data).data?.code) })
