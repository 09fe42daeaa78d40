import { type Platform, startPlatform } from '#cli/platform.ts'
import { createLog } from '#shared/wiring.ts'
import { benchConfig } from '../bench-config.ts'
import { answerCalls } from '../side.ts'

/** A process that only works, on every step, as `answerline work` runs it. */
let platform: Platform | undefined

async function open(where: Parameters<typeof benchConfig>[0]): Promise<void> {
  platform = await startPlatform({ config: benchConfig(where), roles: { api: false, work: true }, log: createLog('warn') })
}

answerCalls({ open }, async () => platform?.stop())
