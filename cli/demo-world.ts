import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import * as z from 'zod'
import { Audience, type DocumentInput } from '#shared/domain/document.ts'
import { type TenantConfig, TenantConfig as TenantConfigSchema } from '#shared/domain/tenant.ts'

const FOLDER = join(import.meta.dirname, '..', 'demo')

const Article = z.object({
  id: z.string(),
  title: z.string(),
  url: z.url(),
  product: z.string(),
  audience: Audience,
  language: z.string(),
  updated: z.union([z.iso.date(), z.date()]),
})
const DemoTicket = z.object({
  id: z.string(),
  subject: z.string(),
  body: z.string(),
  channel: z.string(),
  requester: z.record(z.string(), z.string()),
  expect: z.enum(['answered', 'escalated', 'closed', 'rejected']),
  why: z.string(),
})
export type DemoTicket = z.infer<typeof DemoTicket>
export type DemoArticle = z.input<typeof DocumentInput>

const lines = (file: string) =>
  readFileSync(join(FOLDER, file), 'utf8')
    .split('\n')
    .filter((line) => line.trim().length > 0)

export const demoTickets = (): DemoTicket[] => lines('tickets.jsonl').map((line) => DemoTicket.parse(JSON.parse(line)))

/** The help centre of Larkspur, as documents for the API. */
export function demoArticles(): DemoArticle[] {
  return readdirSync(join(FOLDER, 'articles'))
    .filter((file) => file.endsWith('.md'))
    .toSorted()
    .map((file) => articleFrom(readFileSync(join(FOLDER, 'articles', file), 'utf8'), file))
}

function articleFrom(source: string, file: string): DemoArticle {
  const match = /^---\n(.*?)\n---\n(.*)$/s.exec(source)
  if (!match) throw new Error(`${file}: has no front matter`)
  const { id, title, url, product, audience, language, updated } = Article.parse(parse(match[1]!))
  const modifiedAt = updated instanceof Date ? updated.toISOString() : `${updated}T00:00:00Z`
  return { id, title, url, product, audience, language, modifiedAt, text: match[2]!.trim(), contentType: 'text/markdown' }
}

/** Larkspur's policies and labelled examples on top of a tenant's configuration. */
export function withDemoConfig(config: TenantConfig): TenantConfig {
  const demo = z
    .object({ policies: z.record(z.string(), z.unknown()) })
    .parse(JSON.parse(readFileSync(join(FOLDER, 'tenant.json'), 'utf8')))
  const examples = lines('examples.jsonl').map((line) => JSON.parse(line))
  return TenantConfigSchema.parse({ ...config, policies: { ...config.policies, ...demo.policies }, examples })
}
