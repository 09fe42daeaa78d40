import type { Redis } from 'ioredis'

/**
 * An answer is a string: the place of its question in the partition's stream (empty where it is not listed), a line break, and the
 * JSON. `cites:<tenant>:<document>` is a sorted set of `<content hash>:<partition>:<key>`, every part encoded so that it holds no
 * colon, by the moment the answer's time is over. The names of answers follow from it, so Redis must be one node, as BullMQ's is here.
 */
const DROP = `
local function drop(answer, questions)
  local place = string.match(redis.call('GETRANGE', answer, 0, 63), '^(%d+%-%d+)\\n')
  if place then redis.call('XDEL', questions, place) end
  return redis.call('DEL', answer)
end
local function dropMember(member, answers, questions)
  local place = string.match(member, '^[^:]*:(.*)$')
  drop(answers .. place, questions .. string.match(place, '^(.*):'))
end
`

/**
 * KEYS: the answer, the questions of its partition, then the citing set of each document. ARGV: JSON, time to live (ms), question,
 * key, most questions, most answers a document, prefix of answers, prefix of questions, then the member of each set. Questions whose
 * answers' time is over go from the stream.
 */
const PUT = `${DROP}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ttl = tonumber(ARGV[2])
drop(KEYS[1], KEYS[2])
local place = ''
if ARGV[3] ~= '' then
  place = redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[5], '*', 'key', ARGV[4], 'text', ARGV[3])
  redis.call('XTRIM', KEYS[2], 'MINID', '=', string.format('%.0f', now - ttl))
  if redis.call('PTTL', KEYS[2]) < ttl then redis.call('PEXPIRE', KEYS[2], ttl) end
end
redis.call('SET', KEYS[1], place .. '\\n' .. ARGV[1], 'PX', ttl)
for i = 3, #KEYS do
  redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', now)
  redis.call('ZADD', KEYS[i], now + ttl, ARGV[6 + i])
  if redis.call('PTTL', KEYS[i]) < ttl then redis.call('PEXPIRE', KEYS[i], ttl) end
  local over = redis.call('ZCARD', KEYS[i]) - tonumber(ARGV[6])
  if over > 0 then
    local oldest = redis.call('ZPOPMIN', KEYS[i], over)
    for at = 1, #oldest, 2 do dropMember(oldest[at], ARGV[7], ARGV[8]) end
  end
end
return 1`

/** KEYS: the answer, the questions of its partition. */
const EVICT = `${DROP}
return drop(KEYS[1], KEYS[2])`

/**
 * A page of the answers that cite a document. KEYS: its citing set. ARGV: the content hash that may stay (encoded; empty for none),
 * prefix of answers, prefix of questions, how many to pass over, page size. @returns { how many to pass over next, whether there is more }
 */
const FORGET = `${DROP}
local members = redis.call('ZRANGE', KEYS[1], ARGV[4], ARGV[4] + ARGV[5] - 1)
local passed = tonumber(ARGV[4])
for _, member in ipairs(members) do
  if ARGV[1] ~= '' and string.match(member, '^([^:]*):') == ARGV[1] then
    passed = passed + 1
  else
    dropMember(member, ARGV[2], ARGV[3])
    redis.call('ZREM', KEYS[1], member)
  end
end
return { passed, #members == tonumber(ARGV[5]) and 1 or 0 }`

type Args = readonly (string | number)[]
export type AnswerCacheScripts = {
  putAnswer(numberOfKeys: number, ...args: Args): Promise<unknown>
  evictAnswer(answer: string, questions: string): Promise<unknown>
  forgetDocument(citing: string, ...args: Args): Promise<[number, number]>
}

/** Defines the commands on this connection, once. */
export function answerCacheScripts(redis: Redis): AnswerCacheScripts {
  const commands = redis as Redis & Partial<AnswerCacheScripts>
  if (!commands.putAnswer) {
    redis.defineCommand('putAnswer', { lua: PUT })
    redis.defineCommand('evictAnswer', { numberOfKeys: 2, lua: EVICT })
    redis.defineCommand('forgetDocument', { numberOfKeys: 1, lua: FORGET })
  }
  return commands as unknown as AnswerCacheScripts
}
