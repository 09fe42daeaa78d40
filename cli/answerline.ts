#!/usr/bin/env node
import { Command, CommanderError } from 'commander'
import { ConfigError } from '#shared/config.ts'

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
  .description('ask the running server')
  .action(async (question: string) => exitWith(await (await import('./commands/ask.ts')).ask(question)))

function exitWith(code: number): void {
  process.exitCode = code
}

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2
  else {
    console.error(`answerline: ${error instanceof Error ? error.message : String(error)}`)
    process.exitCode = error instanceof ConfigError ? 2 : 1
  }
}
