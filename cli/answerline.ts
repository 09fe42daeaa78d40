#!/usr/bin/env node
import { Command, CommanderError } from 'commander'
import { ConfigError } from '#shared/config.ts'
import { WrongUsage } from './usage.ts'

const EXIT_WITHIN_MS = 5_000

const OF_TENANT = 'act for this tenant instead of "default"; needs the admin key'

/** Exit 0 done, 1 failed, 2 wrong usage. Commands are loaded when they are called: `--help` needs no database driver. */
const program = new Command('answerline')
  .description('Turns support tickets and documents into verified answers.')
  .exitOverride()
  .showHelpAfterError('(answerline --help lists the commands)')

program
  .command('up')
  .description('everything in one process')
  .action(async () => (await import('./commands/up.ts')).up())
program
  .command('api')
  .description('the HTTP API only; needs REDIS_URL and DATABASE_URL')
  .action(async () => (await import('./commands/up.ts')).serve({ api: true, work: false }))
program
  .command('work')
  .description('workers only; needs REDIS_URL and DATABASE_URL')
  .option('--steps <names>', 'only these steps, separated by commas')
  .action(async ({ steps }: { steps?: string }) =>
    (await import('./commands/up.ts')).serve({ api: false, work: steps === undefined ? true : steps.split(',') }),
  )
program
  .command('demo')
  .description('send the sample tickets through a private instance and compare the endings')
  .action(async () => exitWith(await (await import('./commands/demo.ts')).demo()))
program
  .command('ask')
  .argument('<question>')
  .option('--tenant <id>', OF_TENANT)
  .description('ask the running server')
  .action(async (question: string, { tenant }: { tenant?: string }) =>
    exitWith(await (await import('./commands/ask.ts')).ask(question, tenant)),
  )
program
  .command('index')
  .argument('[paths...]', 'Markdown, HTML, PDF, DOCX and text files, or folders of them')
  .option('--rebuild', 'build the search index anew from the stored documents, beside the old one where EMBEDDING_MODEL changed')
  .option('--tenant <id>', OF_TENANT)
  .description('send documents to the running server and wait until they can be found')
  .action(async (paths: string[], { rebuild, tenant }: { rebuild?: true; tenant?: string }) => {
    if (rebuild && paths.length === 0 && tenant === undefined)
      return exitWith(await (await import('./commands/rebuild-index.ts')).rebuild())
    if (rebuild || paths.length === 0) throw new WrongUsage('index takes either paths or --rebuild, which is for all tenants')
    exitWith(await (await import('./commands/index-paths.ts')).indexPaths(paths, tenant))
  })
program
  .command('train')
  .argument('<what>', 'guard')
  .option('--data <folder>', 'the folder of public data (needed)')
  .option('--out <file>', 'where the weights go (default: where the guard reads them)')
  .option('--report-only', 'print the cross-validated figures and write nothing')
  .option('--public-only', 'print the figures of a guard that learns from the public data alone, and write nothing')
  .description('train the input guard; the same data gives the same bytes')
  .action(async (what: string, options: object) =>
    exitWith(await (await import('./commands/train.ts')).train(what, options as never)),
  )
program
  .command('eval')
  .argument('<suite>', 'cache, faithfulness, guard, intent, pii or retrieval')
  .option('--data <files...>', 'JSON lines to measure on (needed)')
  .option('--train <file>', 'JSON lines to train on (intent), or to choose thresholds on (cache)')
  .option('--bot <name>', 'only rows of this bot (intent)')
  .option('--docs <files...>', 'JSON lines with the documents (retrieval, faithfulness)')
  .option('--mask-sym', 'leave out the sections that symptom and error queries quote (retrieval)')
  .option('--without <fields>', 'fields of documents to leave out, separated by commas (retrieval)')
  .option('--with-model', 'let the configured provider read the claims, too; it is paid by the tenant "default" (faithfulness)')
  .option('--limit <n>', 'at most this many rows, spread over the file (faithfulness)')
  .option('--json', 'one line of JSON')
  .description('measure quality on your own data')
  .action(async (suite: string, options: object) =>
    exitWith(await (await import('./commands/evaluate.ts')).evaluate(suite, options as never)),
  )
const batch = program.command('batch').description('the offline lane of the running server')
batch
  .command('status')
  .description('what waits, and how far batches are')
  .action(async () => exitWith(await (await import('./commands/batch.ts')).batchStatus()))
batch
  .command('run')
  .description('send whatever waits now, and follow it to the end')
  .action(async () => exitWith(await (await import('./commands/batch.ts')).batchRun()))
const dlq = program.command('dlq').description('dead letters of the running server')
dlq
  .command('list')
  .option('--step <name>')
  .option('--code <code>')
  .option('--limit <n>')
  .option('--tenant <id>', OF_TENANT)
  .action(async (filter: object) => exitWith(await (await import('./commands/dead-letters.ts')).listDeadLetters(filter)))
dlq
  .command('redrive')
  .argument('[ids...]', 'these; without ids, all that the options choose')
  .option('--step <name>')
  .option('--code <code>')
  .option('--limit <n>')
  .option('--tenant <id>', OF_TENANT)
  .action(async (ids: string[], filter: object) =>
    exitWith(await (await import('./commands/dead-letters.ts')).redriveDeadLetters(ids, filter)),
  )
const keys = program.command('keys').description('the keys that seal personal data')
keys
  .command('new')
  .description('print a new key')
  .action(async () => (await import('./commands/keys.ts')).printNewKey())
keys
  .command('status')
  .description('what is sealed with which key')
  .action(async () => exitWith(await (await import('./commands/keys.ts')).keysStatus()))
keys
  .command('rotate')
  .description('seal everything with the first key of PII_KEYS; may be stopped and run again')
  .action(async () => exitWith(await (await import('./commands/keys.ts')).keysRotate()))
program
  .command('doctor')
  .description('check what a start depends on')
  .action(async () => exitWith(await (await import('./commands/doctor.ts')).doctor()))

function exitWith(code: number): void {
  process.exitCode = code
}

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2
  else {
    console.error(`answerline: ${error instanceof Error ? error.message : String(error)}`)
    process.exitCode = error instanceof ConfigError || error instanceof WrongUsage ? 2 : 1
    // A supervisor starts again what has ended; a connection that does not close must not pass for a server that runs.
    setTimeout(() => process.exit(), EXIT_WITHIN_MS).unref()
  }
}
