import type { Redis } from 'ioredis'
import { groupCommit } from '#shared/database/group-commit.ts'
import type { Log } from '#shared/ports/log.ts'
import type { RateDecision, RateLimit, RateLimiter } from '#shared/ports/rate-limiter.ts'
import { rateAllowances } from './rate-allowances.ts'
import { createLocalRateLimiter, retryAfterMs, type Windows } from './rate-limiter.local.ts'

/**
 * Takes the limits of many requests in one run, request by request, all of a request's or none; a window that several of them share is
 * read and written once. The arithmetic is that of
 * `rolled` in rate-limiter.local.ts; `retryAfterMs` is worked out here from the windows that are returned.
 * KEYS in step with the limits; ARGV[1] is JSON, because many small arguments cost more than the work itself: for each request
 * its clock and then windowMs, limit, cost of each limit, and what was granted of it already and counts whatever is decided. Returns JSON: for each request 1 or 0 and for each of its limits index,
 * current, previous (before the take).
 */
const TAKE = `
local out, k, held = {}, 1, {}
local function windowOf(key, index)
  local w = held[key]
  if not w then
    local stored = redis.call('HMGET', key, 'i', 'c', 'p')
    w = { i = tonumber(stored[1] or '0'), c = tonumber(stored[2] or '0'), p = tonumber(stored[3] or '0') }
    held[key] = w
  end
  if index == w.i + 1 then w.i, w.c, w.p = index, 0, w.c
  elseif index > w.i then w.i, w.c, w.p = index, 0, 0 end
  return w
end
for _, take in ipairs(cjson.decode(ARGV[1])) do
  local now, rows, allowed = take[1], {}, 1
  for at = 2, #take, 4 do
    local window, limit, cost, granted = take[at], take[at + 1], take[at + 2], take[at + 3]
    local w = windowOf(KEYS[k], math.floor(now / window))
    k = k + 1
    if granted > 0 then w.c, w.taken = w.c + granted, window end
    local covered = 1 - math.max(0, now - w.i * window) / window
    if w.p * covered + w.c + cost > limit then allowed = 0 end
    rows[#rows + 1] = { w, window, cost, w.c }
  end
  out[#out + 1] = allowed
  for _, r in ipairs(rows) do
    local w = r[1]
    if allowed == 1 then w.c, w.taken = w.c + r[3], r[2] end
    out[#out + 1] = w.i
    out[#out + 1] = r[4]
    out[#out + 1] = w.p
  end
end
for key, w in pairs(held) do
  if w.taken then
    redis.call('HSET', key, 'i', w.i, 'c', w.c, 'p', w.p)
    redis.call('PEXPIRE', key, 2 * w.taken)
  end
end
return cjson.encode(out)`

/** A round trip costs ten times what one more request in it does; without load nobody waits. */
const GATHER_MS = 2
/** For so long a process may keep to itself what it granted. */
const TELL_MS = 100
/** In one script: others wait while it runs. */
const TELL_MOST = 500

type Take = { readonly limits: readonly RateLimit[]; readonly nowMs: number }
type Options = {
  /** Told once when Redis goes away and once when it is back. */
  readonly log?: Log
  /** A Redis that does not answer in time is treated as away. */
  readonly timeoutMs?: number
  /** How long it is left alone after that. */
  readonly restMs?: number
}

/**
 * Sliding windows in Redis, shared by all processes; requests of one tick travel in one round trip, and those that are far from their
 * limits in none (`rateAllowances`): what was granted without asking is told within `TELL_MS`. While Redis is away each
 * process holds the same limits on its own: service goes on, and no flood comes in for want of a counter.
 * @param redis must fail fast (no offline queue) @param prefix keeps installations on one Redis apart
 */
export function createRedisRateLimiter(
  redis: Redis,
  prefix: string,
  { log, timeoutMs = 500, restMs = 1_000 }: Options = {},
): RateLimiter {
  const local = createLocalRateLimiter()
  const allowances = rateAllowances()
  let awaySince: number | undefined
  let tells = false

  const isAway = () => awaySince !== undefined && performance.now() - awaySince < restMs
  const wentAway = (err: unknown) => {
    // A connection that was closed on purpose is not missed.
    if (awaySince === undefined && redis.status !== 'end')
      log?.warn({ err }, 'Redis is away: each process holds the rate limits on its own')
    awaySince = performance.now()
    allowances.forgetOwing()
  }

  const askRedis = async (takes: readonly Take[]): Promise<RateDecision[]> => {
    const keys = takes.flatMap(({ limits }) => limits.map(({ key }) => `${prefix}:limit:${key}`))
    const asked = takes.map(({ limits, nowMs }) => [
      nowMs,
      ...limits.flatMap((limit) => [limit.windowMs, limit.limit, limit.cost, allowances.asks(limit, nowMs)]),
    ])
    try {
      const read = readReply(takes, await within(timeoutMs, run(redis, keys, JSON.stringify(asked))))
      for (const [n, { limits, nowMs }] of takes.entries()) {
        const { allowed, windows } = read[n]!
        for (const [i, limit] of limits.entries()) {
          const { index, current, previous } = windows[i]!
          allowances.heard(limit, nowMs, { index, current: current + (allowed ? limit.cost : 0), previous })
        }
      }
      return takes.map((each, n) => decision(each, read[n]!))
    } catch (error) {
      for (const { limits, nowMs } of takes) for (const limit of limits) allowances.heard(limit, nowMs)
      throw error
    }
  }

  const take = groupCommit(
    async (takes: readonly Take[]): Promise<RateDecision[]> => {
      const alone = () => Promise.all(takes.map(({ limits, nowMs }) => local.take(limits, new Date(nowMs))))
      if (isAway()) return alone()
      try {
        const decided = await askRedis(takes)
        if (awaySince !== undefined) log?.info({}, 'rate limits are shared again')
        awaySince = undefined
        return decided
      } catch (err) {
        wentAway(err)
        return alone()
      }
    },
    { maxItems: 64, maxInFlight: 2, gatherMs: GATHER_MS },
  )

  const tell = async (nowMs: number): Promise<void> => {
    const owing = allowances.owing()
    for (let at = 0; at < owing.length && !isAway(); at += TELL_MOST) {
      await askRedis([{ limits: owing.slice(at, at + TELL_MOST), nowMs }]).catch(wentAway)
    }
  }
  const tellSoon = (nowMs: number) => {
    if (tells) return
    tells = true
    setTimeout(() => {
      tells = false
      void tell(nowMs)
    }, TELL_MS).unref()
  }

  return {
    async take(limits, now) {
      const nowMs = now.getTime()
      const granted = awaySince === undefined ? allowances.grant(limits, nowMs) : undefined
      if (granted === undefined) return take({ limits, nowMs })
      tellSoon(nowMs)
      return granted
    },
  }
}

/** By its hash, so that the script travels once per server. */
async function run(redis: Redis, keys: readonly string[], asked: string): Promise<number[]> {
  const command = redis as Redis & { takeLimits?: (count: number, ...args: (string | number)[]) => Promise<string> }
  if (!command.takeLimits) redis.defineCommand('takeLimits', { lua: TAKE })
  return JSON.parse(await command.takeLimits!(keys.length, ...keys, asked))
}

type Read = { readonly allowed: boolean; readonly windows: readonly Windows[] }

function readReply(takes: readonly Take[], reply: readonly number[]): Read[] {
  let at = 0
  return takes.map(({ limits }) => ({
    allowed: reply[at++] === 1,
    windows: limits.map(() => ({ index: reply[at++]!, current: reply[at++]!, previous: reply[at++]! })),
  }))
}

function decision({ limits, nowMs }: Take, { allowed, windows }: Read): RateDecision {
  const rooms = limits.map(({ limit, windowMs }, i) => {
    const { index, current, previous } = windows[i]!
    return limit - current - previous * (1 - Math.max(0, nowMs - index * windowMs) / windowMs)
  })
  const left = Math.min(...rooms.map((room, i) => room - (allowed ? limits[i]!.cost : 0)), Number.MAX_SAFE_INTEGER)
  const waits = limits.flatMap((limit, i) => (rooms[i]! < limit.cost ? [retryAfterMs(limit, windows[i]!, nowMs)] : []))
  return { allowed, retryAfterMs: allowed ? 0 : Math.max(1, ...waits), remaining: Math.max(0, Math.floor(left)) }
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
