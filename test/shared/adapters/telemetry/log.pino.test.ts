import { describe, expect, test } from 'vitest'
import { createLog } from '#shared/adapters/telemetry/log.pino.ts'
import { retryable } from '#shared/domain/failure.ts'

function capture(options: { level?: 'debug' | 'info'; pretty?: boolean } = {}) {
  const lines: string[] = []
  const log = createLog({
    level: options.level ?? 'debug',
    pretty: options.pretty ?? false,
    destination: { write: (line) => void lines.push(line) },
  })
  return { log, lines, json: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) }
}

describe('log lines', () => {
  test('carry ISO time, the level by name, the message and the ids of run, ticket and trace', () => {
    const { log, json } = capture()
    log.child({ traceId: 'a1b2', tenantId: 'default' }).info({ runId: 'run_1', ticketId: 'tkt_1', attempt: 2 }, 'step ended')
    const [line] = json()
    expect(line).toMatchObject({
      level: 'info',
      msg: 'step ended',
      runId: 'run_1',
      ticketId: 'tkt_1',
      traceId: 'a1b2',
      tenantId: 'default',
      attempt: 2,
    })
    expect(line?.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  })

  test('below the level are not written', () => {
    const { log, lines } = capture({ level: 'info' })
    log.debug({}, 'quiet')
    expect(lines).toEqual([])
  })

  test('never hold what a customer wrote or a secret, wherever it hides', () => {
    const { log, lines } = capture()
    const planted = 'PLANTED-9f2'
    const error = Object.assign(new Error(`${'x'.repeat(600)}${planted}`), { code: 'ECONNRESET', cause: { body: planted } })
    log.child({ requester: { email: planted } }).error(
      {
        error,
        body: planted,
        subject: planted,
        ticket: { text: planted, nested: [{ email: planted, 'X-Api-Key': planted, authorization: `Bearer ${planted}` }] },
        webhookSecret: planted,
        DATABASE_URL: planted,
        facts: { ticket: planted },
        api_key: planted,
        bytes: Buffer.from(planted),
      },
      'mail from ada.lovelace+x@example.org, card 4111 1111 1111 1111 and 4111-1111-1111-1111',
    )
    const output = lines.join('')
    expect(output).not.toContain(planted)
    for (const part of ['lovelace', 'example.org', '4111 1111', '4111-1111']) expect(output).not.toContain(part)
    expect(output).toContain('ECONNRESET')
    expect(output).toContain('log.pino.test.ts')
    expect(output).toContain('mail from [email], card [card] and [card]')
  })

  test('keep a failure’s code and cut its message', () => {
    const { log, json } = capture()
    log.warn({ error: retryable('provider-rate-limited', 'y'.repeat(1_900)) }, 'retry')
    const error = json()[0]?.error as { message: string; stack: string }
    expect(error.message.length).toBeLessThan(520)
    expect(error.message).toContain('provider-rate-limited')
    expect(error.stack).not.toContain('yyy')
  })

  test('survive cycles and deep trees', () => {
    const { log, lines } = capture()
    const loop: Record<string, unknown> = {}
    loop.again = loop
    log.info({ loop, big: 10n }, 'round')
    expect(lines).toHaveLength(1)
  })

  test('keep counts whose names look like secrets', () => {
    const { log, json } = capture()
    log.info({ inputTokens: 12, outputTokens: 3, costUsd: 0.1 }, 'model called')
    expect(json()[0]).toMatchObject({ inputTokens: 12, outputTokens: 3, costUsd: 0.1 })
  })

  test('are one readable line each when pretty, and just as clean', () => {
    const { log, lines } = capture({ pretty: true })
    log.info({ runId: 'run_1', body: 'PLANTED' }, 'hello')
    expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d\.\d{3} INFO {2}hello {2}runId=run_1 {2}body=\[redacted\]\n$/)
  })
})
