import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, extname, join, relative } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parse } from 'yaml'
import * as z from 'zod'
import { readConfig } from '#shared/config.ts'
import { type Client, localClient } from '../client.ts'
import { startProgress } from '../progress.ts'
import { DocumentView, problemText } from '../views.ts'

const TYPES: Readonly<Record<string, 'text/markdown' | 'text/plain'>> = {
  '.md': 'text/markdown',
  '.markdown': 'text/markdown',
  '.txt': 'text/plain',
}
const AT_ONCE = 4
const LOOK_EVERY_MS = 200
const TIMEOUT_MS = 10 * 60_000

const FrontMatter = z.looseObject({
  id: z.string().optional(),
  title: z.string().optional(),
  url: z.url().optional(),
  product: z.string().optional(),
  audience: z.string().optional(),
  language: z.string().optional(),
})

/** Sends files and folders to the running server and waits until each can be found. @returns the exit code */
export async function indexPaths(paths: readonly string[]): Promise<number> {
  const files = paths.flatMap((path) => filesIn(path))
  if (files.length === 0) {
    console.error(`answerline: no ${Object.keys(TYPES).join(', ')} file there`)
    return 1
  }
  const client = await localClient(readConfig())
  const progress = startProgress('indexing', files.length)
  const problems: string[] = []
  let done = 0
  const queue = [...files]
  const work = async (): Promise<void> => {
    for (let file = queue.shift(); file; file = queue.shift()) {
      const problem = await indexOne(client, file)
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

type SourceFile = { readonly path: string; readonly name: string }

function filesIn(path: string): SourceFile[] {
  if (statSync(path).isFile()) return [{ path, name: basename(path) }]
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((file) => extname(file).toLowerCase() in TYPES)
    .toSorted()
    .map((file) => ({ path: join(path, file), name: relative('.', file) }))
}

/** @returns what went wrong, or undefined */
async function indexOne(client: Client, file: SourceFile): Promise<string | undefined> {
  const { status, body } = await client.request('POST', '/v1/documents', documentFrom(file))
  if (status !== 202) return problemText(status, body)
  const { documentId } = z.object({ documentId: z.string() }).parse(body)
  const deadline = performance.now() + TIMEOUT_MS
  for (;;) {
    const view = DocumentView.parse((await client.request('GET', `/v1/documents/${documentId}`)).body)
    if (view.state === 'indexed') return undefined
    if (view.state === 'failed') return JSON.stringify(view.error)
    if (performance.now() > deadline) return `still ${view.state} after ${TIMEOUT_MS / 60_000} minutes`
    await sleep(LOOK_EVERY_MS)
  }
}

/** Front matter names what it names; without an id the file's own name is it, so that indexing a folder again replaces. */
function documentFrom({ path, name }: SourceFile) {
  const source = readFileSync(path, 'utf8')
  const match = /^---\n(.*?)\n---\n(.*)$/s.exec(source)
  const { id, title, url, product, audience, language } = match
    ? FrontMatter.parse(parse(match[1]!) ?? {})
    : FrontMatter.parse({})
  const given = Object.fromEntries(
    Object.entries({ title, url, product, audience, language }).filter(([, value]) => value !== undefined),
  )
  return {
    id: id ?? idFrom(name),
    text: match ? match[2]! : source,
    contentType: TYPES[extname(path).toLowerCase()] ?? 'text/plain',
    ...given,
  }
}

const idFrom = (name: string) => {
  const plain = name.replaceAll('/', '.').replace(/[^A-Za-z0-9_.-]/g, '-')
  return plain.length <= 150 ? plain : `${plain.slice(0, 120)}-${createHash('sha256').update(name).digest('hex').slice(0, 16)}`
}
