import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ask } from '#cli/commands/ask.ts'
import { listen, type StandInApi, standInApi } from './stand-in-api.ts'

let api: StandInApi
let said: string[]
beforeEach(async () => {
  said = listen()
  api = await standInApi({
    'POST /v1/tickets': { ticketId: 't', runId: 'r' },
    'GET /v1/tickets/t': { status: 'accepted' },
  })
})
afterEach(async () => {
  vi.restoreAllMocks()
  await api.close()
})

test('a question that nobody takes is no riddle: ask says what to look at', async () => {
  expect(await ask('Is it so?', undefined, 1)).toBe(1)
  expect(said).toEqual([
    'accepted, but no worker has taken it from its queue yet: see whether an `answerline work` runs',
    `timeline: ${api.url}/console/runs/r`,
  ])
})
