import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { type Literal, literalsIn, regularExpressions } from './regular-expressions.ts'

const CHARACTERS = 20_000
/** Linear patterns take a few milliseconds over this much, quadratic ones hundreds; what hangs is stopped. */
const SLOW_MS = 150
const HUNG_MS = 8_000
type Slow = { readonly file: string; readonly pattern: string; readonly piece: string; readonly ms: number }

/** Super-linear, but never reached by text from outside; each with the reason. */
const NOT_FED: Readonly<Record<string, string>> = {
  'workers/logic/injection-rules-phrase.ts \\s*\\|\\s*': 'splits our own phrases when the module is loaded',
  'shared/text/facts-in-text.ts [.-]+$': 'trims an address that its own pattern holds to some 600 characters',
  'shared/adapters/models/embedding-models.ts e5-mistral|e5.*instruct': 'reads the name of a model from the configuration',
  'shared/adapters/models/embedding-models.ts arctic-embed|mxbai-embed|bge-.*en':
    'reads the name of a model from the configuration',
  'shared/adapters/models/embedding-models.ts arctic-embed.*v2': 'reads the name of a model from the configuration',
}

/** Everything in a thread of its own: a pattern that hangs can only be ended from outside. */
async function slowOnes(literals: readonly Literal[], hungMs = HUNG_MS, from = 0, slow: Slow[] = []): Promise<Slow[]> {
  const hungAt = await new Promise<number | undefined>((resolve, reject) => {
    const worker = new Worker(new URL('./pump-worker.ts', import.meta.url), {
      workerData: { literals, characters: CHARACTERS, from },
    })
    let timer: NodeJS.Timeout | undefined
    const end = (at?: number) => void worker.terminate().then(() => resolve(at))
    worker.once('error', reject)
    worker.on('message', (told: { at: number; worst?: { ms: number; piece: string }; done?: true }) => {
      clearTimeout(timer)
      if (told.done) return end()
      if (!told.worst) timer = setTimeout(() => end(told.at), hungMs)
      else if (told.worst.ms > SLOW_MS) slow.push({ ...literals[told.at]!, ...told.worst })
    })
  })
  if (hungAt === undefined) return slow
  slow.push({ ...literals[hungAt]!, piece: '?', ms: hungMs })
  return slowOnes(literals, hungMs, hungAt + 1, slow)
}

/** A busy machine may make one run slow, but not the same pattern three times over. */
async function reallySlow(literals: readonly Literal[]): Promise<Slow[]> {
  let suspects = await slowOnes(literals)
  for (let again = 0; again < 2 && suspects.length > 0; again++) {
    const names = new Set(suspects.map(({ file, pattern }) => `${file} ${pattern}`))
    suspects = await slowOnes(literals.filter(({ file, pattern }) => names.has(`${file} ${pattern}`)))
  }
  return suspects
}

test('every regular expression of the product takes bounded time over 20,000 characters made of its own pieces', async () => {
  const literals = regularExpressions()
  expect(literals.length).toBeGreaterThan(300)
  const fed = literals.filter(({ file, pattern }) => !Object.hasOwn(NOT_FED, `${file} ${pattern}`))
  expect(await reallySlow(fed)).toEqual([])
}, 300_000)

test('what is excused is still there', () => {
  const known = new Set(regularExpressions().map(({ file, pattern }) => `${file} ${pattern}`))
  expect(Object.keys(NOT_FED).filter((name) => !known.has(name))).toEqual([])
})

test('the pumps find careless patterns, exponential and quadratic ones', async () => {
  const source = String.raw`const all = [/^(a+)+$/, /#+\s*$/, /\s*\n\s*$/, /harmless/]`
  const slow = await slowOnes(literalsIn('careless.ts', source), 1_000)
  const found = slow.map(({ pattern }) => pattern)
  expect(found).toEqual(expect.arrayContaining(['^(a+)+$', '#+\\s*$', '\\s*\\n\\s*$']))
  expect(found).not.toContain('harmless')
}, 120_000)
