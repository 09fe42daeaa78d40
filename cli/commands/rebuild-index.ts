import { allQueues } from '#pipelines/registry.ts'
import { readConfig } from '#shared/config.ts'
import { createLog, openDoors } from '#shared/wiring.ts'
import { rebuildIndex } from '#workers/rebuild-index.ts'
import { startPrivateRedis } from '../private-redis.ts'
import { startProgress } from '../progress.ts'

/**
 * Builds the search index of the configured embedder from the stored documents, beside the one that serves, and switches. On the
 * embedded stores the server must be stopped meanwhile; with DATABASE_URL it goes on serving and is restarted afterwards.
 * @returns the exit code
 */
export async function rebuild(): Promise<number> {
  const config = readConfig()
  const redis = config.redisUrl === undefined ? await startPrivateRedis(config.dataDir, () => {}) : undefined
  const stopping = new AbortController()
  const onSignal = () => stopping.abort(new Error('stopped; what was computed is kept for the next time'))
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal)
  try {
    const queueNames = allQueues().map(({ queue }) => queue)
    const doors = await openDoors({ config, redisUrl: config.redisUrl ?? redis!.url, queueNames, log: createLog('warn') })
    try {
      const ids = (await doors.tenants.list()).map(({ id }) => id)
      const before = await doors.space.claim(doors.embedder.id, doors.clock.now())
      const progress = startProgress('rebuilding', await countDocuments(doors, ids))
      const { documents, chunks, computed } = await rebuildIndex(ids, doors, progress.update, stopping.signal)
      progress.stop()
      doors.dropOtherSpaces()
      const was = before === doors.embedder.id ? '' : `, in place of "${before}"`
      console.log(
        `${documents} documents, ${chunks} chunks (${computed} embedded now): the index of "${doors.embedder.id}" serves${was}`,
      )
      if (config.databaseUrl !== undefined) console.log('restart every process with this EMBEDDING_MODEL')
      return 0
    } finally {
      await doors.close()
    }
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
    await redis?.stop()
  }
}

async function countDocuments(
  { database }: Awaited<ReturnType<typeof openDoors>>,
  tenantIds: readonly string[],
): Promise<number> {
  const sql = 'SELECT count(*) AS n FROM documents WHERE tenant_id = ANY($1)'
  return Number((await database.asSystem('a rebuild concerns every tenant', sql, [tenantIds]))[0]?.n ?? 0)
}
