import { parseArgs } from 'node:util'
import { benchPipeline, FULL, QUICK } from './pipeline.ts'
import { type BenchReport, print } from './report.ts'

/** `npm run bench -- NAME [--json] [--quick] [--profile FOLDER]`: one benchmark, its baseline measured in the same run. */

export type BenchArguments = {
  readonly quick: boolean
  readonly profileFolder: string | undefined
  /** Progress goes to standard error: what is printed on standard output is the report alone. */
  readonly say: (line: string) => void
}

const BENCHES: Readonly<Record<string, (options: BenchArguments) => Promise<BenchReport>>> = {
  pipeline: ({ quick, ...options }) => benchPipeline({ ...(quick ? QUICK : FULL), ...options }),
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      profile: { type: 'string' },
    },
  })
  const bench = positionals.length === 1 ? BENCHES[positionals[0]!] : undefined
  if (!bench) {
    console.error(`usage: npm run bench -- ${Object.keys(BENCHES).join(' | ')} [--json] [--quick] [--profile FOLDER]`)
    return 2
  }
  const say = (line: string) => console.error(line)
  print(await bench({ quick: values.quick, profileFolder: values.profile, say }), values.json)
  return 0
}

try {
  process.exitCode = await main()
} catch (error) {
  console.error(error)
  process.exitCode = 1
}
