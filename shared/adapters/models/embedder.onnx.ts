import { createHash } from 'node:crypto'
import { createReadStream, existsSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import * as z from 'zod'
import type { Embedder } from '#shared/ports/embedder.ts'
import { prefixed, profileOf, unitLength } from './embedding-models.ts'
import { type ImportModule, openLocalModel } from './transformers.ts'

const BATCH = 16
/** What sentence-transformers leaves beside a model about how its token vectors become one. */
const Pooling = z.looseObject({
  pooling_mode_cls_token: z.boolean().optional(),
  pooling_mode_lasttoken: z.boolean().optional(),
})

/**
 * Embeds with an ONNX model in a folder, in this process, without a network. The id holds a digest of the model, so that another
 * model in the same folder is another embedder.
 * @param dimensions shorter vectors than the model's own, for models that were trained for it
 * @throws Error that says what is missing
 */
export async function createOnnxEmbedder(
  folder: string,
  { dimensions, load }: { readonly dimensions?: number | undefined; readonly load?: ImportModule } = {},
): Promise<Embedder> {
  const { transformers, name, options } = await openLocalModel(folder, `EMBEDDING_MODEL=local:${folder}`, load)
  const profile = profileOf(basename(folder))
  if (dimensions !== undefined && !profile.matryoshka)
    throw new Error(`EMBEDDING_MODEL=local:${folder}@${dimensions}: vectors of this model cannot be shortened`)
  const pooling = poolingOf(folder)
  const extract = await transformers.pipeline('feature-extraction', name, options)
  const embedBatch = async (texts: readonly string[]): Promise<Float32Array[]> => {
    const { dims, data } = await extract(texts, { pooling, normalize: true })
    const length = dims.at(-1) ?? 0
    return texts.map((_, i) => unitLength(Array.prototype.slice.call(data, i * length, (i + 1) * length), dimensions))
  }
  const [probe] = await embedBatch(['probe'])
  const digest = await digestOf(join(folder, 'onnx', options.dtype === 'q8' ? 'model_quantized.onnx' : 'model.onnx'))
  return {
    id: `local-${name}-${probe!.length}-${digest}`,
    dimensions: probe!.length,
    async embed(texts, kind, signal) {
      const vectors: Float32Array[] = []
      for (let at = 0; at < texts.length; at += BATCH) {
        signal.throwIfAborted()
        vectors.push(...(await embedBatch(prefixed(texts.slice(at, at + BATCH), kind, profile))))
      }
      return vectors
    },
  }
}

function poolingOf(folder: string): 'mean' | 'cls' | 'last_token' {
  const path = join(folder, '1_Pooling', 'config.json')
  if (!existsSync(path)) return 'mean'
  const config = Pooling.parse(JSON.parse(readFileSync(path, 'utf8')))
  if (config.pooling_mode_lasttoken) return 'last_token'
  return config.pooling_mode_cls_token ? 'cls' : 'mean'
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer)
  return hash.digest('hex').slice(0, 8)
}
