/**
 * A worker on a machine whose clock jumps: `shifted-worker.ts <shift in ms>`. It starts with the right time; each SIGUSR2 shifts
 * the clock or sets it right again. The whole process sees the shifted time, libraries included, as on a real machine; timers
 * run on, as there.
 */
const shiftMs = Number(process.argv[2])
const TrueDate = Date
let shifted = false
const nowMs = () => TrueDate.now() + (shifted ? shiftMs : 0)

class ShiftedDate extends TrueDate {
  constructor(...args: unknown[]) {
    if (args.length === 0) super(nowMs())
    else super(...(args as [number]))
  }
  static override now(): number {
    return nowMs()
  }
}
globalThis.Date = ShiftedDate as DateConstructor
process.on('SIGUSR2', () => {
  shifted = !shifted
})

const { serve } = await import('#cli/commands/up.ts')
await serve({ api: false, work: true })
