import { Worker } from 'node:worker_threads'
import * as z from 'zod'
import { extractText } from './extract-text.ts'

/**
 * Entry of the process that reads documents. It has no environment, may write no file and start no program (see its flags in
 * text-extractor.process.ts); it answers one document at a time and is killed when it takes too long or too much.
 */
const Request = z.object({ id: z.number(), bytes: z.instanceof(Uint8Array), type: z.string() })
const [maxRssBytes] = process.argv.slice(2).map(Number)

/** Looks on from a thread of its own: the main one may never come back from a hostile document. Ends an orphan, too. */
new Worker(
  `const { writeSync } = require('node:fs')
   const parent = process.ppid
   setInterval(() => {
     const over = process.memoryUsage.rss() > ${Number(maxRssBytes)}
     if (over) writeSync(2, 'memory-limit')
     if (over || process.ppid !== parent) process.kill(process.pid, 'SIGKILL')
   }, 50)`,
  { eval: true },
).unref()

process.on('message', async (message) => {
  const { id, bytes, type } = Request.parse(message)
  try {
    process.send?.({ id, extraction: await extractText(bytes, type) })
  } catch (error) {
    process.send?.({ id, error: `${(error as Error).name}: ${(error as Error).message}`.slice(0, 500) })
  }
})
process.on('disconnect', () => process.exit())
// A library's forgotten promise is no reason to lose the next document; what it belonged to is answered or timed out.
process.on('unhandledRejection', () => {})
