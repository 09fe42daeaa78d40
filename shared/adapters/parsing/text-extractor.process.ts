import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import { retryable } from '#shared/domain/failure.ts'
import type { Extraction, TextExtractor } from '#shared/ports/text-extractor.ts'

const ENTRY = join(import.meta.dirname, 'extract-child.ts')
const MEBIBYTE = 1_048_576

export type ProcessExtractorOptions = {
  /** Of one document; then its process is killed. */
  readonly timeoutMs?: number
  /** Of the JavaScript heap of a process. */
  readonly maxHeapMebibytes?: number
  /** Of a process altogether, buffers and native memory included. */
  readonly maxRssMebibytes?: number
  /** Documents being read at once, each in a process of its own. */
  readonly processes?: number
  /** A process that has had nothing to do for so long is ended. */
  readonly idleMs?: number
  readonly entry?: string
}

/**
 * Reads documents in processes of their own, which hold no secrets and can be killed: a hostile document costs its process, not
 * ours. Processes are started when needed and kept for the next document.
 */
export function createProcessExtractor(options: ProcessExtractorOptions = {}): TextExtractor & { close(): void } {
  const lanes = Array.from({ length: options.processes ?? 2 }, () => new Lane(options))
  return {
    extract(bytes, type, signal) {
      const shortest = lanes.reduce((best, lane) => (lane.waiting < best.waiting ? lane : best))
      return shortest.extract(bytes, type, signal)
    },
    close() {
      for (const lane of lanes) lane.close()
    },
  }
}

/** One process at a time, one document at a time. */
class Lane {
  readonly #timeoutMs: number
  readonly #idleMs: number
  readonly #maxHeap: number
  readonly #maxRss: number
  readonly #entry: string
  #child: ChildProcess | undefined
  #idle: NodeJS.Timeout | undefined
  #tail: Promise<unknown> = Promise.resolve()
  #next = 0
  waiting = 0

  constructor(options: ProcessExtractorOptions) {
    this.#timeoutMs = options.timeoutMs ?? 45_000
    this.#idleMs = options.idleMs ?? 60_000
    this.#maxHeap = options.maxHeapMebibytes ?? 384
    this.#maxRss = options.maxRssMebibytes ?? 768
    this.#entry = options.entry ?? ENTRY
  }

  extract(bytes: Uint8Array, type: string, signal: AbortSignal): Promise<Extraction> {
    this.waiting++
    const turn = this.#tail.then(() => {
      signal.throwIfAborted()
      return this.#ask(bytes, type, signal)
    })
    this.#tail = turn.then(
      () => this.#rest(),
      () => this.#rest(),
    )
    return turn
  }

  close(): void {
    clearTimeout(this.#idle)
    this.#child?.kill('SIGKILL')
    this.#child = undefined
  }

  #rest(): void {
    this.waiting--
    clearTimeout(this.#idle)
    if (this.waiting === 0) this.#idle = setTimeout(() => this.close(), this.#idleMs).unref()
  }

  #ask(bytes: Uint8Array, type: string, signal: AbortSignal): Promise<Extraction> {
    const child = this.#running()
    const id = ++this.#next
    let stderr = ''
    return new Promise<Extraction>((resolve, reject) => {
      const end = (settle: () => void) => {
        clearTimeout(timer)
        signal.removeEventListener('abort', onAbort)
        child.off('message', onMessage).off('exit', onExit)
        child.stderr?.off('data', onStderr)
        settle()
      }
      /** What it is doing cannot be stopped in any other way. */
      const kill = (settle: () => void) => {
        this.close()
        end(settle)
      }
      const onAbort = () => kill(() => reject(signal.reason))
      const timer = setTimeout(
        () => kill(() => resolve(tooComplex(`it takes more than ${this.#timeoutMs / 1_000} s to read`))),
        this.#timeoutMs,
      )
      const onMessage = (message: { id: number; extraction?: Extraction; error?: string }) => {
        if (message.id !== id) return
        const { extraction, error = '' } = message
        end(() => resolve(extraction ?? (/call stack/.test(error) ? tooComplex('it is nested too deep') : unreadable(error))))
      }
      const onStderr = (chunk: Buffer) => {
        stderr = (stderr + chunk.toString('utf8')).slice(-2_000)
      }
      const onExit = (code: number | null) => {
        this.#child = undefined
        const memory = /memory-limit|heap out of memory|Allocation failed/i.test(stderr)
        if (memory) end(() => resolve(tooComplex(`reading it needs more than ${this.#maxRss} MB of memory`)))
        else end(() => reject(retryable('document-reader-lost', `the reading process ended (${code ?? 'killed'})`)))
      }
      signal.addEventListener('abort', onAbort, { once: true })
      child.on('message', onMessage).on('exit', onExit)
      child.stderr?.on('data', onStderr)
      child.send({ id, bytes, type }, (error) => {
        if (error) kill(() => reject(retryable('document-reader-lost', error.message)))
      })
    })
  }

  #running(): ChildProcess {
    const standing = this.#child
    if (standing?.connected && standing.exitCode === null) return standing
    const child = fork(this.#entry, [String(this.#maxRss * MEBIBYTE)], {
      // No environment: keys and addresses are none of a document's business. It may read (its own modules) and think.
      env: {},
      execArgv: [`--max-old-space-size=${this.#maxHeap}`, '--permission', '--allow-fs-read=*', '--allow-worker', '--no-warnings'],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    child.on('error', () => {})
    // It must not keep a process alive that is done.
    child.unref()
    child.channel?.unref()
    ;(child.stderr as { unref?: () => void } | null)?.unref?.()
    this.#child = child
    return child
  }
}

const tooComplex = (reason: string): Extraction => ({ kind: 'rejected', code: 'document-too-complex', reason })
const unreadable = (reason: string): Extraction => ({ kind: 'rejected', code: 'document-unreadable', reason })
