import { parseArgs } from 'node:util'
import { BANNER, startSimulator } from './simulator.ts'

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '4010' },
    host: { type: 'string', default: '127.0.0.1' },
    seed: { type: 'string', default: '1' },
    'first-token-ms': { type: 'string', default: '0' },
    'tokens-per-second': { type: 'string', default: 'Infinity' },
    'local-model': { type: 'string', multiple: true, default: ['local-model'] },
  },
})
const simulator = await startSimulator({
  port: Number(values.port),
  host: values.host,
  seed: Number(values.seed),
  latency: { firstTokenMs: Number(values['first-token-ms']), tokensPerSecond: Number(values['tokens-per-second']) },
  localModels: values['local-model'],
})
process.stdout.write(`${BANNER}

  OPENAI_BASE_URL=${simulator.url}/v1  OPENAI_API_KEY=simulated
  ANTHROPIC_BASE_URL=${simulator.url}  ANTHROPIC_API_KEY=simulated
  meter   curl ${simulator.url}/simulator/meter
  faults  curl ${simulator.url}/simulator/faults -d '{"fault": "stall", "count": 3}'

Ctrl-C stops it.
`)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void simulator.close())
