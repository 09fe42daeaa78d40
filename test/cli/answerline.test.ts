import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'answerline-cli-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const answerline = (...args: string[]) => {
  const program = join(import.meta.dirname, '../../cli/answerline.ts')
  // An address where nothing runs, should it ever be asked.
  const { REDIS_URL: _redis, DATABASE_URL: _database, ...rest } = process.env
  const stores = args.includes('--steps') ? { REDIS_URL: 'redis://127.0.0.1:1', DATABASE_URL: 'postgres://127.0.0.1:1/x' } : {}
  const env = { ...rest, ...stores, DATA_DIR: folder, PORT: '1' }
  return spawnSync(process.execPath, [program, ...args], { encoding: 'utf8', env })
}

test.each([
  [['index'], 'index takes either paths or --rebuild'],
  [['index', '--rebuild', '--tenant', 'acme'], '--rebuild, which is for all tenants'],
  [['dlq', 'list', '--tenant', 'Acme & Sons'], '--tenant takes the id of a tenant'],
  [['dlq', 'list', '--step', 'bogus'], 'unknown step "bogus"; there are screen, '],
  [['dlq', 'redrive', '--step', 'send-webhook.send'], 'unknown step "send-webhook.send"; there are screen, '],
  [['eval', 'bogus'], 'unknown suite "bogus"; there are cache, '],
  [['eval', 'guard'], 'the suite "guard" needs --data FILE'],
  [['train', 'bogus'], 'cannot train "bogus"; there is guard'],
  [['train', 'guard'], 'train needs --data FOLDER'],
  [['dlq', 'redrive', '--limit', 'many'], '--limit must be a whole number from 1 on, not "many"'],
  [['eval', 'intent', '--data', 'x'], 'the suite "intent" needs --train FILE'],
  [['work'], 'need REDIS_URL and DATABASE_URL'],
  [['work', '--steps', 'nope'], 'unknown step "nope"; there are screen, '],
])(
  'wrong usage ends with 2 and says what can be meant: %j',
  (args, said) => {
    const { status, stderr } = answerline(...args)
    expect(stderr).toContain(said)
    expect(status).toBe(2)
  },
  60_000,
)

test('several files of data are measured as one, in one line of JSON', () => {
  const row = { a: 'How do I reset my password?', b: 'How can I reset my password?', dup: 1 }
  const files = ['one', 'two'].map((name) => join(folder, `${name}.jsonl`))
  for (const file of files) writeFileSync(file, `${JSON.stringify(row)}\n${JSON.stringify({ ...row, dup: 0 })}`)
  const { status, stdout } = answerline('eval', 'cache', '--data', ...files, '--json')
  expect(status).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({ suite: 'cache', n: 4 })
}, 60_000)
