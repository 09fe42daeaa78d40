import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseSync } from 'vite'

export type Literal = { readonly file: string; readonly pattern: string; readonly flags: string }

const root = join(import.meta.dirname, '../..')
/** What hostile text reaches; tests and benchmarks are not in it. */
const ROOMS = ['api', 'cli', 'dashboards', 'pipelines', 'shared', 'workers']

/** Every regular-expression literal of the product, as the parser of the bundler sees it. */
export function regularExpressions(): Literal[] {
  const files = ROOMS.flatMap((room) =>
    readdirSync(join(root, room), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => `${room}/${file}`),
  )
  return files.flatMap((file) => literalsIn(file, readFileSync(join(root, file), 'utf8')))
}

export function literalsIn(file: string, source: string): Literal[] {
  const found: Literal[] = []
  const walk = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return
    const { regex } = node as { regex?: { pattern: string; flags: string } }
    if (regex) found.push({ file, pattern: regex.pattern, flags: regex.flags })
    for (const child of Object.values(node)) walk(child)
  }
  const { program, errors } = parseSync(file, source)
  if (errors.length > 0) throw new Error(`${file} cannot be parsed: ${errors[0]?.message}`)
  walk(program)
  return found
}

const CLASSES: Readonly<Record<string, string>> = {
  d: '1',
  w: 'a',
  s: ' ',
  S: 'a',
  W: '-',
  D: 'a',
  b: '',
  B: '',
  n: '\n',
  t: '\t',
}

/**
 * Pieces to pump, taken from a pattern itself: what makes a pattern backtrack is its own words and classes, repeated. Not a
 * proof, but it hits overlapping repeats (`(a+)+`, `\s*\n\s*$`, `\w+\d+x`), which is what careless patterns are made of.
 */
export function pumps({ pattern }: Literal): string[] {
  const plain = pattern
    .replace(/\\u\{([\da-f]{1,6})\}|\\u([\da-f]{4})|\\x([\da-f]{2})/gi, (_all, a, b, c) => safe(Number.parseInt(a ?? b ?? c, 16)))
    .replace(/\\p\{[^}]{0,60}\}/gi, 'é')
    .replace(/\\([a-zA-Z])/g, (_all, letter: string) => CLASSES[letter] ?? letter)
    .replace(/\(\?(?:[:=!]|<[=!]|<\w{1,40}>)/g, '(')
  const classes = [...plain.matchAll(/\[\^?([^\]]{1,200})\]/g)].map(([, inside]) => inside!.slice(0, 3).replace('-', ''))
  const words = plain.split(/[()|[\]{}^$?*+.\\]+/).filter((word) => word !== '')
  const singles = [...new Set(plain.replace(/[()|[\]{}^$?*+\\]/g, ''))].slice(0, 24)
  const starters = words.slice(0, 12).flatMap((word) => [word, `${word} `])
  return [...new Set([...GENERAL, ...classes, ...words.slice(0, 24), ...starters, ...singles])].filter((piece) => piece !== '')
}
const GENERAL = ['a', '1', ' ', '\n', 'a ', 'a1', '-', '.', '"', '<', '[', '(', 'a@', 'é', '\t ', '# ', '| ']
const safe = (code: number) => (code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff) ? String.fromCodePoint(code) : 'a')
