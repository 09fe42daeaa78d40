import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'

/** One side of a comparison runs in a process of its own, so that neither pays for the other's garbage and timers. */
type Command = { readonly id: number; readonly name: string; readonly argument: unknown }
type Answer = { readonly id: number; readonly value?: unknown; readonly error?: string }

export type Side = {
  readonly pid: number
  /** @throws Error with what the other process threw, or that it ended */
  call<T>(name: string, argument?: unknown): Promise<T>
  stop(): Promise<void>
}

const FOLDER = join(import.meta.dirname, 'sides')
const STOP_TIMEOUT_MS = 25_000

type SideOptions = {
  /** Where to leave a CPU profile of the process, if anywhere. */
  readonly profileFolder?: string | undefined
  /** Bounds V8's old generation, which otherwise grows with the machine's memory before it is collected. */
  readonly maxHeapMb?: number | undefined
  /** Bounds the young generation: what streams through is then freed sooner. */
  readonly maxSemiSpaceMb?: number | undefined
}

/** @param file one of `sides/` */
export function startSide(file: string, { profileFolder, maxHeapMb, maxSemiSpaceMb }: SideOptions = {}): Side {
  const execArgv = [
    ...(profileFolder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`]),
    ...(maxHeapMb === undefined ? [] : [`--max-old-space-size=${maxHeapMb}`, '--max-semi-space-size=4']),
    ...(maxSemiSpaceMb === undefined ? [] : [`--max-semi-space-size=${maxSemiSpaceMb}`]),
  ]
  const child = fork(join(FOLDER, file), { execArgv, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>()
  let ended: Error | undefined
  const exited = new Promise<void>((resolve) =>
    child.once('exit', (code, signal) => {
      ended = new Error(`${file} ended (${signal ?? code})`)
      for (const { reject } of waiting.values()) reject(ended)
      resolve()
    }),
  )
  child.on('message', (message) => {
    const { id, value, error } = message as Answer
    const asker = waiting.get(id)
    waiting.delete(id)
    if (error === undefined) asker?.resolve(value as never)
    else asker?.reject(new Error(`${file}: ${error}`))
  })
  let lastId = 0
  return {
    pid: child.pid!,
    call(name, argument) {
      if (ended) return Promise.reject(ended)
      const id = ++lastId
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject })
        child.send({ id, name, argument } satisfies Command)
      })
    },
    stop: () => stopped(child, exited),
  }
}

async function stopped(child: ChildProcess, exited: Promise<void>): Promise<void> {
  if (child.connected) child.send({ id: 0, name: 'stop', argument: undefined } satisfies Command)
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
  await exited
  clearTimeout(timer)
}

/** In the side's process: answers calls one after another; `stop` (or a parent that is gone) ends it. */
export function answerCalls(
  commands: Readonly<Record<string, (argument: never) => Promise<unknown>>>,
  stop: () => Promise<void>,
) {
  let stopping = false
  const end = () => {
    if (stopping) return
    stopping = true
    void stop().finally(() => process.exit())
  }
  let last = Promise.resolve()
  process.on('message', (message) => {
    const { id, name, argument } = message as Command
    last = last.then(async () => {
      if (name === 'stop') return end()
      const answer = await Promise.resolve()
        .then(() => commands[name]!(argument as never))
        .then(
          (value): Answer => ({ id, value }),
          (error: unknown): Answer => ({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
        )
      process.send?.(answer)
    })
  })
  process.on('disconnect', end)
}
