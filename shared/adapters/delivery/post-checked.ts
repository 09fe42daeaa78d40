import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { AddressRefused, type AddressRule, checkedLookup } from './address-rule.ts'

export type Posted = { readonly status: number; readonly retryAfter: string | undefined }
export type Post = (
  url: string,
  message: { readonly body: string; readonly headers: Readonly<Record<string, string>>; readonly signal: AbortSignal },
) => Promise<Posted>

/**
 * POST to an address that the rule allows, checked at the moment of connecting. Nothing is followed, and of the reply only the
 * head is read. A connection serves one message: none is left open that was checked by another rule.
 * @throws AddressRefused, or the error of the connection
 */
export function createCheckedPost(allows: AddressRule, lookup: LookupFunction = checkedLookup(allows)): Post {
  return async (url, { body, headers, signal }) => {
    const { protocol, hostname } = new URL(url)
    const bare = hostname.replace(/^\[|\]$/g, '')
    // Names are checked when they are looked up; an address is not looked up.
    if (isIP(bare) !== 0 && !allows(bare)) throw new AddressRefused()
    const request = protocol === 'https:' ? requestHttps : requestHttp
    return await new Promise<Posted>((resolve, reject) => {
      const sent = request(
        url,
        { method: 'POST', headers: { ...headers, 'content-length': Buffer.byteLength(body) }, lookup, signal, agent: false },
        (response) => {
          const { statusCode = 0, headers: answered } = response
          resolve({ status: statusCode, retryAfter: answered['retry-after'] })
          response.on('error', () => {}).destroy()
        },
      )
      sent.on('error', reject)
      sent.end(body)
    })
  }
}
