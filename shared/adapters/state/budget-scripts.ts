import type { Redis } from 'ioredis'

/**
 * An account is a hash: `spent`, `held` (the sum of what is reserved) and `r:<id>` for every open reservation, in billionths of a
 * dollar. Beside it, while it is being read from the database, `<account>:loading` holds the tokens of the readers and, as
 * `s:<id>`, what was closed meanwhile. KEYS are pairs: account, loading. ARGV[1] is the reservation, ARGV[2] the amount.
 */

/** ARGV[3] token, ARGV[4] how long a reading may take (ms), ARGV[5…] limits. @returns 0 missing…, 1, or 2 which left */
const RESERVE = `
local missing = { 0 }
for i = 1, #KEYS, 2 do
  if redis.call('HEXISTS', KEYS[i], 'spent') == 0 then
    redis.call('HSET', KEYS[i + 1], ARGV[3], '1')
    redis.call('PEXPIRE', KEYS[i + 1], ARGV[4])
    missing[#missing + 1] = (i + 1) / 2
  end
end
if #missing > 1 then return missing end
local field, amount = 'r:' .. ARGV[1], tonumber(ARGV[2])
local owned, refused, left = {}, 0, 0
for i = 1, #KEYS, 2 do
  local at = (i + 1) / 2
  local state = redis.call('HMGET', KEYS[i], 'spent', 'held', field)
  owned[at] = tonumber(state[3] or '0')
  local free = tonumber(ARGV[4 + at]) - tonumber(state[1]) - tonumber(state[2]) + owned[at]
  if refused == 0 and amount > free then refused, left = at, free end
end
for i = 1, #KEYS, 2 do
  local own = owned[(i + 1) / 2]
  if refused == 0 then
    redis.call('HSET', KEYS[i], field, ARGV[2])
    redis.call('HINCRBY', KEYS[i], 'held', amount - own)
  elseif redis.call('HDEL', KEYS[i], field) == 1 then
    redis.call('HINCRBY', KEYS[i], 'held', -own)
  end
end
if refused == 0 then return { 1 } end
return { 2, refused, left }`

/** Once per reservation: what is not held (any more) changes nothing. While an account is being read, it is noted for the reader. */
const CLOSE = `
local field = 'r:' .. ARGV[1]
for i = 1, #KEYS, 2 do
  if redis.call('HEXISTS', KEYS[i], 'spent') == 1 then
    local own = redis.call('HGET', KEYS[i], field)
    if own then
      redis.call('HDEL', KEYS[i], field)
      redis.call('HINCRBY', KEYS[i], 'held', -tonumber(own))
      redis.call('HINCRBY', KEYS[i], 'spent', ARGV[2])
    end
  elseif redis.call('EXISTS', KEYS[i + 1]) == 1 then
    redis.call('HSET', KEYS[i + 1], 's:' .. ARGV[1], ARGV[2])
  end
end
return 1`

/**
 * Takes what was read only when the account has been away since the reader announced itself (its token is still there): a flush
 * in between makes the reading worthless. ARGV[1] token, ARGV[2] spent, ARGV[3] lifetime (ms), then id and amount of what is open.
 */
const INSTALL = `
if redis.call('HEXISTS', KEYS[1], 'spent') == 1 then return 1 end
if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 0 then return 0 end
local spent, held = tonumber(ARGV[2]), 0
for at = 4, #ARGV, 2 do
  local closed = redis.call('HGET', KEYS[2], 's:' .. ARGV[at])
  if closed then
    spent = spent + tonumber(closed)
  else
    redis.call('HSET', KEYS[1], 'r:' .. ARGV[at], ARGV[at + 1])
    held = held + tonumber(ARGV[at + 1])
  end
end
redis.call('HSET', KEYS[1], 'spent', spent, 'held', held)
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('DEL', KEYS[2])
return 1`

type Script = (keyCount: number, ...args: (string | number)[]) => Promise<unknown>
type Scripted = Redis & { readonly budgetReserve: Script; readonly budgetClose: Script; readonly budgetInstall: Script }

/** By their hashes, so that the scripts travel once per server. */
export function budgetScripts(redis: Redis): Scripted {
  if (!('budgetReserve' in redis)) {
    redis.defineCommand('budgetReserve', { lua: RESERVE })
    redis.defineCommand('budgetClose', { lua: CLOSE })
    redis.defineCommand('budgetInstall', { lua: INSTALL })
  }
  return redis as Scripted
}
