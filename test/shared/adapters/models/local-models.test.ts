import { mkdirSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { createOnnxEmbedder } from '#shared/adapters/models/embedder.onnx.ts'
import { createOnnxReranker } from '#shared/adapters/models/reranker.onnx.ts'
import type { Candidate } from '#shared/ports/reranker.ts'
import { sampleChunk } from '#test/fakes/sample-chunk.ts'

/**
 * No real model runs here: neither the package nor a model is in the repository. What is tested is what we ask of the package,
 * by a stand-in with its surface, and what we say when it is not there.
 */

const root = await mkdtemp(join(tmpdir(), 'answerline-model-'))
afterAll(() => rm(root, { recursive: true }))
const signal = AbortSignal.timeout(30_000)

function modelFolder(name: string, files: Readonly<Record<string, string>> = {}): string {
  const folder = join(root, name)
  mkdirSync(join(folder, 'onnx'), { recursive: true })
  mkdirSync(join(folder, '1_Pooling'), { recursive: true })
  const all = {
    'config.json': '{}',
    'tokenizer.json': '{}',
    'tokenizer_config.json': '{}',
    'onnx/model_quantized.onnx': name,
    ...files,
  }
  for (const [file, content] of Object.entries(all)) writeFileSync(join(folder, file), content)
  return folder
}

type Asked = { model: string; options: object; texts: string[]; pooling: object }

/** Vectors of four numbers that tell how often a, e, i, o stand in a text. */
function standIn(asked: Asked[]) {
  const env = { allowRemoteModels: true, localModelPath: '' }
  return {
    env,
    pipeline: async (_task: string, model: string, options: object) => async (texts: string[], pooling: object) => {
      asked.push({ model, options, texts, pooling })
      const rows = texts.map((text) => [...'aeio'].map((letter) => text.split(letter).length + 1))
      return { dims: [texts.length, 4], data: Float32Array.from(rows.flat()) }
    },
    AutoTokenizer: {
      from_pretrained:
        async () =>
        (texts: string[], { text_pair }: { text_pair: string[] }) => ({ pairs: texts.map((text, i) => [text, text_pair[i]]) }),
    },
    AutoModelForSequenceClassification: {
      from_pretrained: async () => async (inputs: { pairs: [string, string][] }) => ({
        logits: {
          dims: [inputs.pairs.length, 1],
          data: Float32Array.from(inputs.pairs.map(([q, p]) => (p.includes(q) ? 3 : -3))),
        },
      }),
    },
  }
}
const loads = (module: object) => async () => module
const missing = async () => {
  throw Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' })
}

describe('a local embedder', () => {
  test('asks for the folder only, with prefixes and pooling of the model, and gives unit vectors', async () => {
    const asked: Asked[] = []
    const module = standIn(asked)
    const folder = modelFolder('multilingual-e5-small', { '1_Pooling/config.json': '{"pooling_mode_cls_token": true}' })
    const embedder = await createOnnxEmbedder(folder, { load: loads(module) })
    expect(embedder.dimensions).toBe(4)
    expect(embedder.id).toMatch(/^local-multilingual-e5-small-4-[0-9a-f]{8}$/)
    expect(module.env).toEqual({ allowRemoteModels: false, localModelPath: root })
    const [vector] = await embedder.embed(['hello'], 'query', signal)
    expect(Math.hypot(...vector!)).toBeCloseTo(1, 5)
    await embedder.embed(['hello'], 'document', signal)
    expect(asked.slice(1).map(({ texts }) => texts)).toEqual([['query: hello'], ['passage: hello']])
    expect(asked[0]).toMatchObject({
      model: 'multilingual-e5-small',
      options: { local_files_only: true, dtype: 'q8' },
      pooling: { pooling: 'cls', normalize: true },
    })
    expect(await embedder.embed([], 'query', signal)).toEqual([])
    expect(await embedder.embed(Array(40).fill('x'), 'document', signal)).toHaveLength(40)
  })

  test('is another one when its model is', async () => {
    const make = (name: string) =>
      createOnnxEmbedder(modelFolder('same-name', { 'onnx/model_quantized.onnx': name }), { load: loads(standIn([])) })
    expect((await make('one')).id).not.toBe((await make('two')).id)
  })

  test('shortens vectors only of models that were trained for it', async () => {
    const short = await createOnnxEmbedder(modelFolder('nomic-embed-text-v1.5'), { dimensions: 2, load: loads(standIn([])) })
    const [vector] = await short.embed(['a e'], 'document', signal)
    expect(short.dimensions).toBe(2)
    expect(Math.hypot(...vector!)).toBeCloseTo(1, 5)
    await expect(
      createOnnxEmbedder(modelFolder('multilingual-e5-base'), { dimensions: 2, load: loads(standIn([])) }),
    ).rejects.toThrow('cannot be shortened')
  })

  test('says what is missing: the folder, a file of it, the package', async () => {
    await expect(createOnnxEmbedder(join(root, 'nowhere'))).rejects.toThrow(/EMBEDDING_MODEL=local:.*there is no folder/)
    const empty = join(root, 'empty')
    mkdirSync(empty)
    await expect(createOnnxEmbedder(empty)).rejects.toThrow('lacks config.json')
    await expect(createOnnxEmbedder(modelFolder('whole'), { load: missing })).rejects.toThrow(
      /@huggingface\/transformers, which is not installed.*npm install @huggingface\/transformers@4/,
    )
    const broken = async () => {
      throw new Error('libonnxruntime.so is missing')
    }
    await expect(createOnnxEmbedder(modelFolder('whole'), { load: broken })).rejects.toThrow('libonnxruntime.so is missing')
  })
})

describe('a local reranker', () => {
  const candidate = (text: string): Candidate => ({ chunk: sampleChunk({ documentId: 'd', text, title: 'T' }), fused: 1 })

  test('reads question and passage together and gives 0 to 1', async () => {
    const reranker = await createOnnxReranker(modelFolder('cross-encoder'), loads(standIn([])))
    const scores = await reranker.rerank('amber', [candidate('the amber light'), candidate('an invoice')], signal)
    expect(scores[0]).toBeGreaterThan(0.9)
    expect(scores[1]).toBeLessThan(0.1)
    expect(await reranker.rerank('amber', Array(20).fill(candidate('amber')), signal)).toHaveLength(20)
  })

  test('says what is missing', async () => {
    await expect(createOnnxReranker(modelFolder('cross-encoder'), missing)).rejects.toThrow(/RERANK_MODEL=local:.*not installed/)
  })
})
