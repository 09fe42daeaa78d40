import type { Redis } from 'ioredis'
import * as z from 'zod'
import { newProviderState, type ProviderState } from '#shared/domain/provider-state.ts'
import type { Clock } from '#shared/ports/clock.ts'
import type { Log } from '#shared/ports/log.ts'
import type { ProviderStates, SharedChange } from '#shared/ports/provider-states.ts'
import { createLocalProviderStates } from './provider-states.local.ts'

/** Redis' own clock, so that processes whose clocks differ agree on when a minute is over. */
const READ = `
local t = redis.call('TIME')
return { redis.call('GET', KEYS[1]), t[1] * 1000 + math.floor(t[2] / 1000) }`
/** Only over what was read: whoever was overtaken reads again. */
const REPLACE = `
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1`

const Stored: z.ZodType<ProviderState> = z.object({
  breaker: z.enum(['closed', 'open', 'half-open']),
  untilMs: z.number(),
  trialsLeft: z.int(),
  trialsPassed: z.int(),
  pausedUntilMs: z.number(),
  failedInARowMs: z.array(z.number()),
  seconds: z.array(z.tuple([z.number(), z.number(), z.number(), z.number()])),
})

const KEEP_MS = 3_600_000
const MAX_TRIES = 8

type Options = {
  readonly clock: Clock
  /** Told once when Redis goes away and once when it is back. */
  readonly log?: Log
  /** A Redis that does not answer in time is treated as away. */
  readonly timeoutMs?: number
  /** How long it is left alone after that. */
  readonly restMs?: number
}

/**
 * One small JSON value a provider, replaced optimistically, so that the rules stand once, in the domain, and in no script.
 * @param redis must fail fast (no offline queue) @param prefix keeps installations on one Redis apart
 */
export function createRedisProviderStates(redis: Redis, prefix: string, options: Options): ProviderStates {
  const { clock, log, timeoutMs = 500, restMs = 1_000 } = options
  const local = createLocalProviderStates(clock)
  let awaySince: number | undefined
  return {
    async update(provider, change) {
      if (awaySince !== undefined && performance.now() - awaySince < restMs) return local.update(provider, change)
      try {
        const changed = await within(timeoutMs, updateShared(redis, `${prefix}:provider:${provider}`, change))
        if (awaySince !== undefined) log?.info({}, 'the states of the model providers are shared again')
        awaySince = undefined
        return changed
      } catch (err) {
        if (awaySince === undefined) log?.warn({ err }, 'Redis is away: each process judges the model providers on its own')
        awaySince = performance.now()
        return local.update(provider, change)
      }
    },
  }
}

/** @throws Error when Redis does not answer, or others were faster every time */
async function updateShared<R>(
  redis: Redis,
  key: string,
  change: (state: ProviderState, nowMs: number) => R,
): Promise<SharedChange<R>> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const [stored, nowMs] = (await run(redis, 'readProvider', READ, [key])) as [string | null, number]
    const state = parse(stored)
    const result = change(state, nowMs)
    const changed = JSON.stringify(state)
    if (changed === stored) return { state, nowMs, result }
    const replaced = await run(redis, 'replaceProvider', REPLACE, [key, stored ?? '', changed, KEEP_MS])
    if (replaced === 1) return { state, nowMs, result }
  }
  throw new Error(`the state of a provider changed ${MAX_TRIES} times while it was being changed`)
}

/** What an older version wrote, or anything else, is no state: a fresh one is soon as wise. */
function parse(stored: string | null): ProviderState {
  if (stored === null) return newProviderState()
  try {
    return Stored.parse(JSON.parse(stored))
  } catch {
    return newProviderState()
  }
}

/** By its hash, so that the script travels once per server. */
function run(redis: Redis, name: string, lua: string, args: readonly (string | number)[]): Promise<unknown> {
  const commands = redis as unknown as Record<string, (...args: (string | number)[]) => Promise<unknown>>
  if (!commands[name]) redis.defineCommand(name, { lua, numberOfKeys: 1 })
  return commands[name]!(...args)
}

async function within<T>(limitMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${limitMs} ms`)), limitMs)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
