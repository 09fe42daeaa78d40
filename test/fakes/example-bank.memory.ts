import type { AnswerExample } from '#shared/domain/tenant-answer-examples.ts'
import type { ExampleBank } from '#shared/ports/example-bank.ts'

export function memoryExampleBank(): ExampleBank {
  const examples = new Map<string, { tenantId: string; example: AnswerExample }>()
  return {
    async add(tenantId, ticketId, example) {
      const name = JSON.stringify([tenantId, ticketId])
      if (!examples.has(name)) examples.set(name, { tenantId, example })
    },
    async remove(tenantId, ticketId) {
      examples.delete(JSON.stringify([tenantId, ticketId]))
    },
    async list(tenantId, limit) {
      const own = [...examples.values()].filter((one) => one.tenantId === tenantId)
      return own
        .map(({ example }) => example)
        .reverse()
        .slice(0, limit)
    },
  }
}
