import type { Log } from '#shared/ports/log.ts'

type Line = {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly fields: Readonly<Record<string, unknown>>
  readonly message: string
}

/** A log that keeps what it is told. */
export function recordingLog(): Log & { readonly lines: readonly Line[] } {
  const lines: Line[] = []
  const at = (level: Line['level']) => (fields: Line['fields'], message: string) => void lines.push({ level, fields, message })
  const log = { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), child: (): Log => log }
  return log
}
