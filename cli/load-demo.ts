import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from './client.ts'
import { demoArticles, withDemoConfig } from './demo-world.ts'
import type { Platform } from './platform.ts'
import { startProgress } from './progress.ts'
import { DocumentView, problemText } from './views.ts'

const LOOK_EVERY_MS = 100
const TIMEOUT_MS = 120_000

/** Gives the tenant `default` Larkspur's policies, examples and help centre; returns when every article can be found. */
export async function loadDemo(platform: Platform, client: Client): Promise<{ articles: number }> {
  const { tenants } = platform.doors
  const tenant = await tenants.get('default')
  await tenants.update('default', { name: 'Larkspur (demo)', config: withDemoConfig(tenant!.config) })
  const articles = demoArticles()
  const progress = startProgress('loading the demo knowledge base', articles.length)
  for (const article of articles) {
    const { status, body } = await client.request('POST', '/v1/documents', article)
    if (status !== 202) throw new Error(`article ${article.id} was refused: ${problemText(status, body)}`)
  }
  const deadline = performance.now() + TIMEOUT_MS
  for (;;) {
    const states = await Promise.all(
      articles.map(async ({ id }) => DocumentView.parse((await client.request('GET', `/v1/documents/${id}`)).body)),
    )
    const failed = states.find((document) => document.state === 'failed')
    if (failed) throw new Error(`article ${failed.documentId} could not be indexed: ${JSON.stringify(failed.error)}`)
    const indexed = states.filter((document) => document.state === 'indexed').length
    progress.update(indexed)
    if (indexed === articles.length) break
    if (performance.now() > deadline)
      throw new Error(`only ${indexed} of ${articles.length} articles were indexed within ${TIMEOUT_MS / 1_000} s`)
    await sleep(LOOK_EVERY_MS)
  }
  progress.stop()
  return { articles: articles.length }
}
