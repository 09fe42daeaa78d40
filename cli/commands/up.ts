import { readConfig } from '#shared/config.ts'
import { createCliLog } from '../cli-log.ts'
import { apiClient } from '../client.ts'
import { demoMark } from '../demo-mark.ts'
import { loadDemo } from '../load-demo.ts'
import { type Platform, type Roles, startPlatform } from '../platform.ts'
import { untilStopped } from '../stop-signals.ts'

const say = (line: string) => console.error(`answerline: ${line}`)

/** Everything in one process; on its first start with the demo's knowledge, so that there is something to ask. */
export async function up(): Promise<void> {
  const config = readConfig()
  say('starting …')
  const demo = demoMark(config)
  demo.beforeStart()
  const { onFirstStart } = demo
  const platform = await startPlatform({ config, roles: { api: true, work: true }, log: createCliLog(config), say, onFirstStart })
  if (demo.isUnfinished()) {
    const { articles } = await loadDemo(platform, apiClient(platform.url, platform.key.key))
    demo.loaded()
    say(`${articles} demo articles are ready`)
  }
  introduce(platform)
  await untilStopped(platform.stop, say)
}

/** One role of an installation of several processes. */
export async function serve(roles: Roles): Promise<void> {
  const config = readConfig()
  const platform = await startPlatform({ config, roles, log: createCliLog(config), say })
  if (roles.api) introduce(platform)
  else say(`working; health and metrics at ${platform.url}`)
  await untilStopped(platform.stop, say)
}

function introduce({ url, key, doors }: Platform): void {
  const { file, isNew } = key
  const whose =
    file === undefined ? 'from ADMIN_API_KEY' : isNew ? `${key.key}  (shown this once; kept in ${file})` : `in ${file}`
  const stores = doors.database.kind === 'pglite' ? 'embedded database and search' : 'PostgreSQL'
  const model = doors.modelAvailable
    ? 'a model provider, extractive as the last resort'
    : 'extractive (no provider key: answers are quotations from the sources)'
  console.log(
    [
      '',
      `  Answerline is running     ${url}`,
      `  API and its description   ${url}/docs`,
      `  Console                   ${url}/console   (any user name, the admin key as password)`,
      `  Queues (Bull Board)       ${url}/queues`,
      `  Admin key                 ${whose}`,
      `  Stores                    ${stores}`,
      `  Answers by                ${model}`,
      '',
      '  Ask something:            npm run -s answerline -- ask "How long is my account locked after wrong passwords?"',
      '  Stop:                     Ctrl-C',
      '',
    ].join('\n'),
  )
}
