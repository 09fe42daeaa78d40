import { accessSync, constants, readdirSync, statSync } from 'node:fs'
import { extname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import * as z from 'zod'
import { readConfig } from '#shared/config.ts'
import { type Client, localClient } from '../client.ts'
import { bodyOf, EXTENSIONS, filesIn, type SourceFile } from '../index-file.ts'
import { startProgress } from '../progress.ts'
import { DocumentView, problemText } from '../views.ts'

const AT_ONCE = 4
const LOOK_EVERY_MS = 200
const BUSY_WAIT_MS = 1_000
const TIMEOUT_MS = 10 * 60_000
/** As `filesIn` has it: nobody misses these. */
const HIDDEN = /(?:^|[/\\])(?:\.|node_modules[/\\])/

/** Sends files and folders to the running server and waits until each can be found. @returns the exit code */
export async function indexPaths(paths: readonly string[], tenant?: string): Promise<number> {
  const problems = paths.map(problemOf).filter((problem) => problem !== undefined)
  if (problems.length > 0) throw new Error(`${problems.join('; ')}; nothing was sent`)
  const files = paths.flatMap((path) => filesIn(path))
  const skipped = paths.reduce((sum, path) => sum + countSkipped(path), 0)
  if (skipped > 0)
    console.error(
      `answerline: left out ${skipped} ${skipped === 1 ? 'file' : 'files'} of other types than ${EXTENSIONS.join(', ')}`,
    )
  if (files.length === 0) {
    console.error(`answerline: no ${EXTENSIONS.join(', ')} file there`)
    return 1
  }
  return indexFiles(files, await localClient(readConfig(), tenant))
}

/** @returns what is wrong with it, or undefined */
function problemOf(path: string): string | undefined {
  try {
    const stat = statSync(path, { throwIfNoEntry: false })
    if (stat === undefined) return `there is no file or folder "${path}"`
    if (!stat.isFile() && !stat.isDirectory()) return `"${path}" is neither a file nor a folder`
    accessSync(path, stat.isDirectory() ? constants.R_OK | constants.X_OK : constants.R_OK)
    return undefined
  } catch (error) {
    return `"${path}" cannot be read: ${(error as Error).message}`
  }
}

/** Files of a folder that `filesIn` passes over for their type. */
function countSkipped(path: string): number {
  if (statSync(path).isFile()) return 0
  const isOther = (file: string) => !EXTENSIONS.includes(extname(file).toLowerCase()) && !HIDDEN.test(file)
  const isFile = (file: string) => statSync(join(path, file), { throwIfNoEntry: false })?.isFile() ?? false
  return readdirSync(path, { recursive: true, encoding: 'utf8' }).filter((file) => isOther(file) && isFile(file)).length
}

/** @returns the exit code */
export async function indexFiles(files: readonly SourceFile[], client: Client): Promise<number> {
  const progress = startProgress('indexing', files.length)
  const problems: string[] = []
  let done = 0
  const queue = [...files]
  const work = async (): Promise<void> => {
    for (let file = queue.shift(); file; file = queue.shift()) {
      const problem = await indexOne(client, file).catch((error: Error) => error.message)
      if (problem !== undefined) problems.push(`${file.path}: ${problem}`)
      progress.update(++done)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  progress.stop()
  for (const problem of problems) console.error(`  ${problem}`)
  console.log(`${files.length - problems.length} of ${files.length} documents are indexed`)
  return problems.length === 0 ? 0 : 1
}

/** @returns what went wrong, or undefined */
async function indexOne(client: Client, file: SourceFile): Promise<string | undefined> {
  const deadline = performance.now() + TIMEOUT_MS
  const { status, body } = await send(client, file, deadline)
  if (status !== 202) return problemText(status, body)
  const { documentId } = z.object({ documentId: z.string() }).parse(body)
  for (;;) {
    const view = DocumentView.parse((await client.request('GET', `/v1/documents/${documentId}`)).body)
    if (view.state === 'indexed') return undefined
    if (view.state === 'failed') return problemIn(view.error)
    if (performance.now() > deadline) return `still ${view.state} after ${TIMEOUT_MS / 60_000} minutes`
    await sleep(LOOK_EVERY_MS)
  }
}

/** A server that has too much to do is waited for. */
async function send(client: Client, file: SourceFile, deadline: number): Promise<{ status: number; body: unknown }> {
  for (;;) {
    const reply = await client.request('POST', '/v1/documents', await bodyOf(file))
    if ((reply.status !== 429 && reply.status !== 503) || performance.now() > deadline) return reply
    await sleep(BUSY_WAIT_MS)
  }
}

function problemIn(error: unknown): string {
  const parsed = z.object({ code: z.string(), reason: z.string() }).safeParse(error)
  return parsed.success ? `${parsed.data.code}: ${parsed.data.reason}` : JSON.stringify(error)
}
