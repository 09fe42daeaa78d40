import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as z from 'zod'

/** `npm test`: type check, lint, then every test. The last line counts them all; the exit code is 0 only when nothing failed. */

const root = join(import.meta.dirname, '..')
const bin = (name: string) => join(root, 'node_modules', '.bin', name)
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
const Report = z.object({
  numPassedTests: z.int(),
  numFailedTests: z.int(),
  numPendingTests: z.int(),
  numTodoTests: z.int(),
  numFailedTestSuites: z.int(),
  success: z.boolean(),
})

const total = { passed: 0, failed: 0, skipped: 0 }

function check(what: string, command: string, args: string[]): void {
  console.log(`\n== ${what}`)
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit' })
  if (status === 0) total.passed++
  else total.failed++
}

function tests(filters: string[]): void {
  console.log('\n== tests')
  const folder = mkdtempSync(join(tmpdir(), 'answerline-suite-'))
  const file = join(folder, 'report.json')
  const { status } = spawnSync(
    process.execPath,
    [vitest, 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${file}`, ...filters],
    { cwd: root, stdio: 'inherit' },
  )
  try {
    const report = Report.parse(JSON.parse(readFileSync(file, 'utf8')))
    total.passed += report.numPassedTests
    total.failed += report.numFailedTests
    total.skipped += report.numPendingTests + report.numTodoTests
    // A file that breaks before its first test, or an error between tests, fails no test but must fail the run.
    if (!report.success && report.numFailedTests === 0) total.failed += Math.max(1, report.numFailedTestSuites)
    else if (status !== 0 && report.numFailedTests === 0) total.failed++
  } catch (error) {
    console.error(`the tests left no report: ${String(error)}`)
    total.failed++
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const filters = process.argv.slice(2)
if (filters.length === 0) {
  check('types', bin('tsc'), ['--noEmit'])
  check('lint and format', bin('biome'), ['check', '.'])
  // These tests run twice; measuring all the others, too, would slow them down for a figure that says little about them.
  check('every branch of advance, retry and define is covered', process.execPath, [vitest, 'run', 'test/pipelines', '--coverage'])
}
tests(filters)
console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`)
process.exitCode = total.failed === 0 ? 0 : 1
