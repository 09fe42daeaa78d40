import { isUtf8 } from 'node:buffer'
import { createHash } from 'node:crypto'
import { openAsBlob, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, extname, join } from 'node:path'
import { parse } from 'yaml'
import * as z from 'zod'

const TEXT_TYPES: Readonly<Record<string, 'text/markdown' | 'text/plain'>> = {
  '.md': 'text/markdown',
  '.markdown': 'text/markdown',
  '.txt': 'text/plain',
}
export const EXTENSIONS = [...Object.keys(TEXT_TYPES), '.html', '.htm', '.pdf', '.docx']
/** Larger texts go as files, which may be larger than a JSON body. */
const MAX_JSON_BYTES = 4_000_000

export type SourceFile = { readonly path: string; readonly name: string }

/** The files of a folder that can be read, in order; a file that is named itself is taken whatever it is called. Hidden folders are left alone. */
export function filesIn(path: string): SourceFile[] {
  if (statSync(path).isFile()) return [{ path, name: basename(path) }]
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((file) => EXTENSIONS.includes(extname(file).toLowerCase()) && !/(?:^|[/\\])(?:\.|node_modules[/\\])/.test(file))
    .toSorted()
    .map((file) => ({ path: join(path, file), name: file }))
    .filter((file) => statSync(file.path).isFile())
}

const FrontMatter = z.looseObject({
  id: z.string().optional(),
  title: z.string().optional(),
  url: z.url().optional(),
  product: z.string().optional(),
  audience: z.string().optional(),
  language: z.string().optional(),
})

/** What is sent for a file: text as JSON, so that its front matter may name it, everything else as the file it is. */
export async function bodyOf({ path, name }: SourceFile): Promise<object | FormData> {
  const contentType = TEXT_TYPES[extname(path).toLowerCase()]
  if (contentType !== undefined && statSync(path).size <= MAX_JSON_BYTES) {
    const bytes = readFileSync(path)
    // What is no UTF-8 goes as it is: the server says so.
    if (isUtf8(bytes) && bytes.length > 0) return documentFrom(bytes.toString('utf8'), contentType, name)
  }
  const form = new FormData()
  form.append('id', idFrom(name))
  form.append('file', await openAsBlob(path), basename(path))
  return form
}

/** Front matter names what it names; without an id the file's own name is it, so that indexing a folder again replaces. */
function documentFrom(source: string, contentType: string, name: string): object {
  const match = /^---\r?\n(.*?)\r?\n---\r?\n(.*)$/s.exec(source)
  const front = match && frontMatter(match[1]!)
  // Front matter that cannot be read stays where it is: the server says what is wrong with it.
  if (!match || !front) return { id: idFrom(name), text: source, contentType }
  const { id, title, url, product, audience, language } = front
  const given = Object.fromEntries(
    Object.entries({ title, url, product, audience, language }).filter(([, value]) => value !== undefined),
  )
  return { id: id ?? idFrom(name), text: match[2]!, contentType, ...given }
}

function frontMatter(source: string): z.infer<typeof FrontMatter> | undefined {
  try {
    return FrontMatter.safeParse(parse(source) ?? {}).data
  } catch {
    return undefined
  }
}

const idFrom = (name: string) => {
  const plain = name.replaceAll(/[/\\]/g, '.').replace(/[^A-Za-z0-9_.-]/g, '-')
  return plain.length <= 150 ? plain : `${plain.slice(0, 120)}-${createHash('sha256').update(name).digest('hex').slice(0, 16)}`
}
