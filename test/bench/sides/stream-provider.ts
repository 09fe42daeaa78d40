import { type Simulator, startSimulator } from '#test/simulator/simulator.ts'
import { answerCalls } from '../side.ts'

/** The simulated provider, at the pace that the target names: first token after 200 ms, 50 tokens a second. */
let simulator: Simulator | undefined

async function open(latency: { readonly firstTokenMs: number; readonly tokensPerSecond: number }): Promise<{ url: string }> {
  simulator = await startSimulator({ latency })
  return { url: simulator.url }
}

answerCalls({ open }, async () => simulator?.close())
