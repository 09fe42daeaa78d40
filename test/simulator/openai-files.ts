import type { Exchange } from './exchange.ts'
import type { World } from './world.ts'

export type SimulatedFile = { readonly id: string; readonly name: string; readonly bytes: Buffer; readonly createdAtMs: number }
export type Files = ReturnType<typeof createFiles>

/** The Files API, as far as batches need it: upload as multipart form, metadata, content, deletion. */
export function createFiles(world: World, nowMs: () => number) {
  const files = new Map<string, SimulatedFile>()
  const view = ({ id, name, bytes, createdAtMs }: SimulatedFile) => ({
    id,
    object: 'file',
    bytes: bytes.length,
    created_at: Math.floor(createdAtMs / 1_000),
    filename: name,
    purpose: id.startsWith('file-out') ? 'batch_output' : 'batch',
    status: 'processed',
  })
  const missing = (exchange: Exchange, id: string) =>
    exchange.json(404, {
      error: { message: `No such File object: ${id}`, type: 'invalid_request_error', param: 'id', code: null },
    })

  return {
    get: (id: string) => files.get(id),
    add(name: string, bytes: Buffer, prefix = 'file-sim'): string {
      const id = world.nextId(prefix)
      files.set(id, { id, name, bytes, createdAtMs: nowMs() })
      return id
    },
    upload(exchange: Exchange, body: Buffer) {
      const boundary = /boundary="?([^";]+)/.exec(exchange.request.headers['content-type'] ?? '')?.[1]
      const file = boundary === undefined ? undefined : filePart(body, boundary)
      if (!file)
        return exchange.json(400, {
          error: { message: "'file' is a required property", type: 'invalid_request_error', param: null, code: null },
        })
      exchange.json(200, view(files.get(this.add(file.name, file.bytes))!))
    },
    list: (exchange: Exchange) =>
      exchange.json(200, { object: 'list', data: [...files.values()].toReversed().map(view), has_more: false }),
    read: (exchange: Exchange, id: string) => (files.has(id) ? exchange.json(200, view(files.get(id)!)) : missing(exchange, id)),
    content(exchange: Exchange, id: string) {
      const file = files.get(id)
      if (!file) return missing(exchange, id)
      exchange.response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(file.bytes)
    },
    remove(exchange: Exchange, id: string) {
      const deleted = files.delete(id)
      if (!deleted) return missing(exchange, id)
      exchange.json(200, { id, object: 'file', deleted })
    },
  }
}

/** The part that has a file name. */
function filePart(body: Buffer, boundary: string): { name: string; bytes: Buffer } | undefined {
  const delimiter = Buffer.from(`--${boundary}`)
  for (let at = body.indexOf(delimiter); at >= 0; ) {
    const start = at + delimiter.length
    const next = body.indexOf(delimiter, start)
    if (next < 0) return undefined
    const headEnd = body.indexOf('\r\n\r\n', start)
    const head = body.subarray(start, headEnd).toString('utf8')
    const name = /filename="([^"]*)"/.exec(head)?.[1]
    if (name !== undefined) return { name, bytes: body.subarray(headEnd + 4, next - 2) }
    at = next
  }
  return undefined
}
