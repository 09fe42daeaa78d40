import { Queue } from 'bullmq'
import type { Redis } from 'ioredis'

/** BullMQ's key prefix; another one keeps a second installation (or a test) apart on the same Redis. */
export type QueueSpace = { readonly redis: Redis; readonly prefix: string }

export const queueNameOf = (job: { readonly pipeline: string; readonly step: string }) => `${job.pipeline}.${job.step}`
export const DEAD_LETTER_QUEUE = 'dead-letter'

/** Ids only: a job that is larger than this holds something it must not. */
const MAX_JOB_BYTES = 1_000
const KEEP_COMPLETED = { age: 3_600, count: 200 }
const KEEP_FAILED = { age: 7 * 86_400, count: 5_000 }

export const openQueue = (space: QueueSpace, name: string): Queue =>
  new Queue(name, {
    connection: space.redis,
    prefix: space.prefix,
    // One attempt: retries are the log's business, and a job that BullMQ repeats by itself would run beside it.
    defaultJobOptions: { attempts: 1, removeOnComplete: KEEP_COMPLETED, removeOnFail: KEEP_FAILED, sizeLimit: MAX_JOB_BYTES },
  })
