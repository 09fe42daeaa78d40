import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino'
import type { Log } from '#shared/ports/log.ts'
import { hidePersonalShapes } from '#shared/text/hide-personal-shapes.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'
export type LogOptions = {
  readonly level: LogLevel
  /** Where lines go; standard output unless told otherwise. */
  readonly destination?: DestinationStream
  /** One readable line instead of JSON, for a person at a terminal. */
  readonly pretty?: boolean
}

const MAX_DEPTH = 6
const MAX_ITEMS = 50
const MAX_STRING_CHARACTERS = 500
const MAX_STACK_LINES = 30

/**
 * JSON lines: `time` in ISO 8601, `level` by name, ids as given. Callers log ids only; in case one forgets, fields with telling names
 * are redacted at any depth, and strings lose what looks like an e-mail address or a card number.
 */
export function createLog({ level, destination, pretty = false }: LogOptions): Log {
  const sink = destination ?? pino.destination({ fd: 1, sync: true })
  return wrap(
    pino(
      {
        level,
        base: { pid: process.pid },
        timestamp: stdTimeFunctions.isoTime,
        formatters: { level: (label) => ({ level: label }) },
      },
      pretty ? prettyStream(sink) : sink,
    ),
  )
}

function wrap(logger: Logger): Log {
  const at = (level: 'debug' | 'info' | 'warn' | 'error') => (fields: Readonly<Record<string, unknown>>, message: string) => {
    // What is not written need not be cleaned: debug lines are on the hot path.
    if (logger.isLevelEnabled(level)) logger[level](cleanFields(fields, 0), clip(hidePersonalShapes(message)))
  }
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => wrap(logger.child(cleanFields(fields, 0))),
  }
}

/** Names under which content or secrets travel, compared without case, `-` and `_`. */
const REDACTED = new Set(
  `body subject text content title query question message answer draft quote snippet html markdown prompt system messages
  email mail phone name firstname lastname username address requester customer metadata placeholders value values
  authorization cookie setcookie apikey xapikey key secret password passwd token accesstoken refreshtoken credentials url callbackurl
  databaseurl redisurl connectionstring facts factswritten passages evidence summary data payload returnvalue rawbody reply`
    .split(/\s+/)
    .map((name) => name.trim()),
)
/** `webhookSecret`, `openaiApiKey`, `requesterEmail`: the last word of a name decides, too. */
const REDACTED_ENDING = /(?:secret|password|apikey|token|email|authorization|credential|body|text)s?$/
/** Counts (`inputTokens: 12`) are numbers, so they are kept: only strings and objects can carry content. */
const isRedacted = (name: string) => {
  const plain = name.toLowerCase().replaceAll('-', '').replaceAll('_', '')
  return REDACTED.has(plain) || REDACTED_ENDING.test(plain)
}

function cleanFields(fields: Readonly<Record<string, unknown>>, depth: number): Record<string, unknown> {
  const clean: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(fields).slice(0, MAX_ITEMS)) {
    const content = typeof value === 'string' || (typeof value === 'object' && value !== null && !(value instanceof Error))
    clean[name] = content && isRedacted(name) ? '[redacted]' : cleanValue(value, depth + 1)
  }
  return clean
}

function cleanValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return clip(hidePersonalShapes(value))
  if (typeof value === 'bigint') return String(value)
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'invalid date' : value.toISOString()
  if (depth > MAX_DEPTH) return '[deeper]'
  if (value instanceof Error) return cleanError(value, depth)
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
  if (Array.isArray(value)) return value.slice(0, MAX_ITEMS).map((item) => cleanValue(item, depth + 1))
  return cleanFields(value as Record<string, unknown>, depth)
}

/** Code and stack say what broke; messages of drivers and SDKs quote what they were given, so little of them is kept. */
function cleanError(error: Error, depth: number): Record<string, unknown> {
  const { code, status } = error as { code?: unknown; status?: unknown }
  const stack = (error.stack ?? '').split('\n').filter((line) => line.startsWith('    at '))
  return {
    type: error.name,
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    ...(typeof status === 'number' ? { status } : {}),
    message: hidePersonalShapes(clip(error.message)),
    // The head of a stack is the message once more.
    stack: stack.slice(0, MAX_STACK_LINES).join('\n'),
    ...(error.cause === undefined || depth > 3 ? {} : { cause: cleanValue(error.cause, depth + 1) }),
  }
}

const clip = (text: string) => (text.length > MAX_STRING_CHARACTERS ? `${text.slice(0, MAX_STRING_CHARACTERS)}…` : text)

function prettyStream(sink: DestinationStream): DestinationStream {
  return {
    write(line) {
      const { time, level, msg, pid: _pid, ...fields } = JSON.parse(line) as Record<string, unknown>
      const details = Object.entries(fields).map(([name, value]) =>
        typeof value === 'object' ? `${name}=${JSON.stringify(value)}` : `${name}=${String(value)}`,
      )
      sink.write(`${String(time).slice(11, 23)} ${String(level).toUpperCase().padEnd(5)} ${[msg, ...details].join('  ')}\n`)
    },
  }
}
