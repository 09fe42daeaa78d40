import { spawnSync } from 'node:child_process'

/** Empty where there is none; tests that need it skip then. */
export const BROWSER = spawnSync('sh', ['-c', 'command -v chromium || command -v chromium-browser || command -v google-chrome'], {
  encoding: 'utf8',
}).stdout.trim()
export const BROWSER_ARGS =
  '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync'.split(
    ' ',
  )
