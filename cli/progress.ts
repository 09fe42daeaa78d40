import { Presets, SingleBar } from 'cli-progress'

export type Progress = { update(done: number): void; stop(): void }
const LINES = 10

/** A bar on a terminal; elsewhere about ten plain lines, which logs can hold. */
export function startProgress(what: string, total: number, stream: NodeJS.WriteStream = process.stderr): Progress {
  if (stream.isTTY) {
    const bar = new SingleBar(
      { format: `${what} {bar} {value}/{total} {duration_formatted}`, stream, hideCursor: true },
      Presets.shades_classic,
    )
    bar.start(total, 0)
    return { update: (done) => bar.update(done), stop: () => bar.stop() }
  }
  let said = 0
  return {
    update(done) {
      const tenth = total === 0 ? LINES : Math.floor((done / total) * LINES)
      if (tenth <= said) return
      said = tenth
      stream.write(`${what}: ${done}/${total}\n`)
    },
    stop() {},
  }
}
