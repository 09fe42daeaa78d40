import { startPrivateRedis } from '#cli/private-redis.ts'

/** A process of its own that starts a private Redis under the directory it is given and prints the socket, or what went wrong. */
try {
  const { url, pid } = await startPrivateRedis(process.argv[2]!, () => {})
  process.stdout.write(`${JSON.stringify({ url, pid })}\n`)
  setInterval(() => {}, 60_000)
} catch (error) {
  process.stdout.write(`${JSON.stringify({ error: (error as Error).message })}\n`)
}
