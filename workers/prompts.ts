import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import * as z from 'zod'
import type { Prompt, PromptName } from './step.ts'

const FOLDER = join(import.meta.dirname, 'prompts')
const FrontMatter = z.strictObject({
  id: z.string(),
  version: z.int().positive(),
  tier: z.enum(['cheap', 'standard', 'premium']),
  maxOutputTokens: z.int().positive(),
  variables: z.array(z.string()),
})

/** Every prompt, read and checked at start-up: a broken file must not be found by the first customer. */
export const loadPrompts = (): Readonly<Record<PromptName, Prompt>> => ({
  'draft-answer': loadPrompt('draft-answer'),
  'classify-ticket': loadPrompt('classify-ticket'),
  'second-opinion': loadPrompt('second-opinion'),
  'rewrite-follow-up': loadPrompt('rewrite-follow-up'),
  'imagine-passage': loadPrompt('imagine-passage'),
  'summarise-conversation': loadPrompt('summarise-conversation'),
  'contextualise-chunk': loadPrompt('contextualise-chunk'),
  'check-entailment': loadPrompt('check-entailment'),
  'summarise-document': loadPrompt('summarise-document'),
  'classify-document': loadPrompt('classify-document'),
  'extract-data': loadPrompt('extract-data'),
  'write-faq': loadPrompt('write-faq'),
})

/** @throws Error that names the file and what is wrong with it */
export function loadPrompt(name: PromptName, folder = FOLDER): Prompt {
  const file = readFileSync(join(folder, `${name}.md`), 'utf8')
  const match = /^---\n(.*?)\n---\n# system\n(.*?)\n# user\n(.*)$/s.exec(file)
  if (!match) throw new Error(`prompt ${name}: needs front matter, "# system" and "# user", in this order`)
  const meta = FrontMatter.parse(parse(match[1]!))
  if (meta.id !== name) throw new Error(`prompt ${name}: its id is "${meta.id}"`)
  const user = match[3]!.trim()
  const used = new Set([...user.matchAll(/\{\{(\w+)\}\}/g)].map(([, variable]) => variable!))
  const declared = new Set(meta.variables)
  const wrong = [...used.symmetricDifference(declared)]
  if (wrong.length > 0) throw new Error(`prompt ${name}: declared and used variables differ in ${wrong.join(', ')}`)
  return {
    id: meta.id,
    version: meta.version,
    hash: createHash('sha256').update(file).digest('hex').slice(0, 16),
    tier: meta.tier,
    maxOutputTokens: meta.maxOutputTokens,
    system: match[2]!.trim(),
    user(variables) {
      const missing = meta.variables.filter((variable) => variables[variable] === undefined)
      if (missing.length > 0) throw new TypeError(`prompt ${name}: missing ${missing.join(', ')}`)
      const unknown = Object.keys(variables).filter((variable) => !declared.has(variable))
      if (unknown.length > 0) throw new TypeError(`prompt ${name}: unknown ${unknown.join(', ')}`)
      // One pass, so that a value which looks like a variable stays what it is.
      return user.replace(/\{\{(\w+)\}\}/g, (_, variable: string) => variables[variable]!)
    },
  }
}
