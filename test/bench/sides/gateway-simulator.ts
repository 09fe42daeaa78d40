import { type Simulator, startSimulator } from '#test/simulator/simulator.ts'
import { answerCalls } from '../side.ts'

/** The provider, in a process of its own, so that its work is in neither figure. */
let simulator: Simulator | undefined

async function open(options: { firstTokenMs: number }): Promise<{ url: string }> {
  simulator = await startSimulator({ latency: { firstTokenMs: options.firstTokenMs } })
  return { url: simulator.url }
}
const meter = async () => simulator!.meter()

answerCalls({ open, meter }, async () => simulator?.close())
