import type { Redis } from 'ioredis'
import { redisConnections, untilReady } from '#shared/adapters/state/redis.ts'
import { recordingLog } from '#test/fakes/log.recording.ts'
import { startRedis, type TestRedis } from '#test/servers/redis.ts'

/** A Redis of the test's own, with connections as the product opens them. */
export async function queueWorld() {
  const server: TestRedis = await startRedis()
  const log = recordingLog()
  const connections = redisConnections(server.socket, log)
  const redis = connections.producer()
  await untilReady(redis, 10_000)
  const opened: Redis[] = [redis]
  return {
    server,
    log,
    redis,
    connect: () => {
      const connection = connections.blocking()
      opened.push(connection)
      return connection
    },
    async close() {
      for (const connection of opened) connection.disconnect()
      await server.stop()
    },
  }
}
export type QueueWorld = Awaited<ReturnType<typeof queueWorld>>
