import { type Simulator, type SimulatorOptions, startSimulator } from '#test/simulator/simulator.ts'
import { answerCalls } from '../side.ts'

/** The simulated providers in a process of their own, as far from the product as real ones would be. */
let simulator: Simulator | undefined

async function open(options: SimulatorOptions): Promise<string> {
  simulator = await startSimulator(options)
  return simulator.url
}
const figures = async () => ({ ...simulator!.batches(), costUsd: simulator!.meter().costUsd, calls: simulator!.meter().calls })
/** From now on batches fare as this plan says. */
const setPlan = async (plan: SimulatorOptions['batch']) => simulator!.setBatchPlan(plan ?? {})

answerCalls({ open, figures, setPlan }, async () => simulator?.close())
