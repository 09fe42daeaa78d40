import Table from 'cli-table3'
import * as z from 'zod'
import { allQueues } from '#pipelines/registry.ts'
import { readConfig } from '#shared/config.ts'
import { localClient, tenantOf } from '../client.ts'
import { WrongUsage, wholeNumber } from '../usage.ts'
import { problemText } from '../views.ts'

const Listed = z.object({
  deadLetters: z.array(
    z.object({
      id: z.string(),
      runId: z.string(),
      pipeline: z.string(),
      step: z.string(),
      code: z.string(),
      message: z.string(),
      createdAt: z.string(),
    }),
  ),
})
const Redriven = z.object({
  redriven: z.int(),
  results: z.array(z.object({ id: z.string(), redriven: z.boolean(), reason: z.string().nullable() })),
})
export type LetterFilter = { readonly step?: string; readonly code?: string; readonly limit?: string; readonly tenant?: string }

/** @returns the exit code */
export async function listDeadLetters({ tenant, ...filter }: LetterFilter): Promise<number> {
  if (filter.limit !== undefined) wholeNumber('--limit', filter.limit)
  checkStep(filter.step)
  const client = await localClient(readConfig(), tenant)
  const query = new URLSearchParams(Object.entries(filter).filter((entry): entry is [string, string] => entry[1] !== undefined))
  const { status, body } = await client.request('GET', `/v1/dead-letters?${query}`)
  if (status !== 200) return failed(status, body)
  const { deadLetters } = Listed.parse(body)
  const whose = `of the tenant "${tenantOf(client)}"`
  if (deadLetters.length === 0) console.log(`no dead letters ${whose}${tenant ? '' : '; --tenant shows those of another one'}`)
  else {
    console.log(`dead letters ${whose}`)
    const table = new Table({
      head: ['id', 'since', 'step', 'code', 'message'],
      style: { head: [], border: [] },
      colWidths: [32, 26, 26, 28, 60],
      wordWrap: true,
    })
    for (const letter of deadLetters)
      table.push([letter.id, letter.createdAt, `${letter.pipeline}.${letter.step}`, letter.code, letter.message.slice(0, 200)])
    console.log(table.toString())
  }
  return 0
}

/** @returns the exit code: 1 when one of them could not be redriven */
export async function redriveDeadLetters(ids: readonly string[], filter: LetterFilter): Promise<number> {
  const { step, code, tenant } = filter
  checkStep(step)
  const limit = filter.limit === undefined ? undefined : wholeNumber('--limit', filter.limit)
  const client = await localClient(readConfig(), tenant)
  const chosen = {
    ...(ids.length > 0 ? { ids } : {}),
    ...(step ? { step } : {}),
    ...(code ? { code } : {}),
    ...(limit === undefined ? {} : { limit }),
  }
  const { status, body } = await client.request('POST', '/v1/dead-letters/redrive', chosen)
  if (status !== 200) return failed(status, body)
  const { redriven, results } = Redriven.parse(body)
  for (const { id, reason } of results.filter((result) => !result.redriven)) console.error(`  ${id}: ${reason}`)
  console.log(`${redriven} of ${results.length} sent round again`)
  return redriven === results.length ? 0 : 1
}

/** A step that is not there has no dead letters, which must not pass for a redrive. @throws WrongUsage that names the steps there are */
function checkStep(step: string | undefined): void {
  const known = [...new Set(allQueues().map((one) => one.step))]
  if (step !== undefined && !known.includes(step)) throw new WrongUsage(`unknown step "${step}"; there are ${known.join(', ')}`)
}

function failed(status: number, body: unknown): number {
  console.error(`answerline: ${problemText(status, body)}`)
  return 1
}
