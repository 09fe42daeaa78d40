/**
 * What Bull Board may do, by its own route patterns: what is not listed is refused, so that a route which a new version brings
 * is closed until somebody has looked at it. Jobs carry ids only and the log in PostgreSQL is the truth: adding, editing,
 * removing or retrying a job behind its back could only do harm.
 */
export type Rule = 'read' | 'pause' | 'redrive' | 'refuse'

const READ = new Set([
  '/',
  '/metrics-history',
  '/job-schedulers',
  '/queue/:queueName',
  '/queue/:queueName/:jobId',
  '/static/*',
  '/api/redis/stats',
  '/api/queues',
  '/api/job-schedulers',
  '/api/queues/:queueName/metrics',
  '/api/queues/:queueName/default-job-options',
  '/api/queues/:queueName/workers',
  '/api/queues/:queueName/rate-limit',
  '/api/queues/:queueName/job-data-schema',
  '/api/queues/:queueName/:jobId/logs',
  '/api/queues/:queueName/:jobId/flow',
  '/api/queues/:queueName/:jobId',
])
/** Stops consumption; the runs wait. */
const PAUSE = new Set([
  '/api/queues/pause',
  '/api/queues/resume',
  '/api/queues/:queueName/pause',
  '/api/queues/:queueName/resume',
])
/** On a dead letter these buttons mean our redrive; on any other job they are refused. */
const REDRIVE = new Set(['/api/queues/:queueName/:jobId/retry', '/api/queues/:queueName/:jobId/promote'])

export const DEAD_LETTER_QUEUE = 'dead-letter'

/** @param route Bull Board's pattern, without the prefix it is mounted under */
export function ruleFor(method: string, route: string, queueName?: string): Rule {
  if (method === 'GET' || method === 'HEAD') return READ.has(route) ? 'read' : 'refuse'
  if (method !== 'PUT') return 'refuse'
  if (PAUSE.has(route)) return 'pause'
  return REDRIVE.has(route) && queueName === DEAD_LETTER_QUEUE ? 'redrive' : 'refuse'
}
