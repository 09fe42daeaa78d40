import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '#shared/config.ts'
import { plainText } from './plain-text.ts'

const ANSWER_TIMEOUT_MS = 5_000

export type Client = {
  readonly url: string
  request(
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ): Promise<{ status: number; body: unknown }>
}

const readable = (_key: string, value: unknown) => (typeof value === 'string' ? plainText(value) : value)

/** Talks to an API with the admin key of this machine, as a user's own program would. */
export function apiClient(url: string, key: string): Client {
  return {
    url,
    async request(method, path, body, headers = {}) {
      // A form brings its own type, with the border between its parts.
      const isForm = body instanceof FormData
      const json = body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) }
      const type: Record<string, string> = body === undefined || isForm ? {} : { 'content-type': 'application/json' }
      const response = await fetch(`${url}${path}`, {
        method,
        headers: { authorization: `Bearer ${key}`, ...type, ...headers },
        ...json,
      })
      const text = await response.text()
      // By its type and not by its looks: NDJSON starts like JSON, too.
      const isJson = /[/+]json\b/.test(response.headers.get('content-type') ?? '')
      return { status: response.status, body: isJson && text !== '' ? JSON.parse(text, readable) : plainText(text) }
    },
  }
}

/**
 * The running server of this configuration.
 * @throws Error that says how to start one
 */
export async function localClient(config: Config): Promise<Client> {
  const url = `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${config.port}`
  const key = config.adminApiKey ?? readKey(config)
  const answers = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) }).then(
    () => true,
    () => false,
  )
  if (!answers || key === undefined)
    throw new Error(
      `nothing answers at ${url}; start it with \`npm start\` (or set HOST, PORT and ADMIN_API_KEY to where it runs)`,
    )
  return apiClient(url, key)
}

function readKey(config: Config): string | undefined {
  try {
    return readFileSync(join(config.dataDir, 'admin-key'), 'utf8').trim() || undefined
  } catch {
    return undefined
  }
}
