import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Real servers and child processes take their time on a small, busy machine; a hang is still found.
    testTimeout: 90_000,
    hookTimeout: 150_000,
    // Two workers on two cores: more of them only slow each other down and make the timings of servers worthless.
    maxWorkers: 2,
    typecheck: { enabled: false },
    // `--coverage`: the pure brain of the engine is covered to the last branch, or the suite fails.
    coverage: {
      provider: 'v8',
      include: ['pipelines/advance.ts', 'pipelines/retry.ts', 'pipelines/define.ts'],
      thresholds: { 100: true },
      reporter: ['text'],
      reportsDirectory: 'node_modules/.coverage',
    },
  },
})
