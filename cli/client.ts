import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '#shared/config.ts'
import { DEFAULT_TENANT_ID, TENANT_ID } from '#shared/domain/tenant.ts'
import { plainText } from './plain-text.ts'
import { WrongUsage } from './usage.ts'

const ANSWER_TIMEOUT_MS = 5_000

export type Client = {
  readonly url: string
  /** Whom it acts for, where that was said. */
  readonly tenantId?: string | undefined
  request(
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ): Promise<{ status: number; body: unknown }>
}

const readable = (_key: string, value: unknown) => (typeof value === 'string' ? plainText(value) : value)

/** Talks to an API with the admin key of this machine, as a user's own program would. */
export function apiClient(url: string, key: string, tenantId?: string): Client {
  const tenant: Record<string, string> = tenantId === undefined ? {} : { 'x-tenant-id': tenantId }
  return {
    url,
    tenantId,
    async request(method, path, body, headers = {}) {
      // A form brings its own type, with the border between its parts.
      const isForm = body instanceof FormData
      const json = body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) }
      const type: Record<string, string> = body === undefined || isForm ? {} : { 'content-type': 'application/json' }
      const response = await fetch(`${url}${path}`, {
        method,
        headers: { authorization: `Bearer ${key}`, ...tenant, ...type, ...headers },
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
 * @param tenantId whom to act for; the admin key acts for `default` by itself
 * @throws Error that says how to start one, or how to give its key
 */
export async function localClient(config: Config, tenantId?: string): Promise<Client> {
  if (tenantId !== undefined && !TENANT_ID.test(tenantId))
    throw new WrongUsage(`--tenant takes the id of a tenant (small letters, digits and hyphens), not "${tenantId}"`)
  const url = `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${config.port}`
  const answers = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) }).then(
    () => true,
    () => false,
  )
  if (!answers)
    throw new Error(
      `nothing answers at ${url}; start it with \`npm start\` (or set HOST, PORT and ADMIN_API_KEY to where it runs)`,
    )
  const key = config.adminApiKey ?? readKey(config)
  if (key === undefined)
    throw new Error(
      `a server runs at ${url}, but its admin key is not in ${config.dataDir}; set DATA_DIR as it has it, or ADMIN_API_KEY`,
    )
  return apiClient(url, key, tenantId)
}

/** For what is said of a reply: it holds what is this tenant's and nothing else. */
export const tenantOf = ({ tenantId }: Client): string => tenantId ?? DEFAULT_TENANT_ID

function readKey(config: Config): string | undefined {
  try {
    return readFileSync(join(config.dataDir, 'admin-key'), 'utf8').trim() || undefined
  } catch {
    return undefined
  }
}
