import { existsSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

type Tensor = { readonly dims: readonly number[]; readonly data: ArrayLike<number> }
type Options = { readonly local_files_only: true; readonly dtype: 'q8' | 'fp32' }
/** What we use of `@huggingface/transformers` 4. */
export type Transformers = {
  readonly env: { allowRemoteModels: boolean; localModelPath: string }
  pipeline(
    task: 'feature-extraction',
    model: string,
    options: Options,
  ): Promise<
    (texts: readonly string[], options: { pooling: 'mean' | 'cls' | 'last_token'; normalize: boolean }) => Promise<Tensor>
  >
  readonly AutoTokenizer: {
    from_pretrained(
      model: string,
      options: Pick<Options, 'local_files_only'>,
    ): Promise<(texts: readonly string[], options: { text_pair: readonly string[]; padding: true; truncation: true }) => unknown>
  }
  readonly AutoModelForSequenceClassification: {
    from_pretrained(model: string, options: Options): Promise<(inputs: unknown) => Promise<{ readonly logits: Tensor }>>
  }
}
export type ImportModule = (name: string) => Promise<unknown>

const PACKAGE = '@huggingface/transformers'
// By a variable, so that neither the compiler nor a bundler looks for what is optional.
const importModule: ImportModule = (name) => import(name)

export type LocalModel = { readonly transformers: Transformers; readonly name: string; readonly options: Options }

/**
 * A model in a folder, for the optional package that runs it. Nothing is ever downloaded.
 * @param setting as the operator wrote it, for messages
 * @throws Error that says what to install, or which file is missing
 */
export async function openLocalModel(folder: string, setting: string, load = importModule): Promise<LocalModel> {
  if (!existsSync(folder)) throw new Error(`${setting}: there is no folder ${folder}`)
  for (const file of ['config.json', 'tokenizer.json', 'tokenizer_config.json'])
    if (!existsSync(join(folder, file)))
      throw new Error(`${setting}: ${folder} lacks ${file}; it must hold a model exported to ONNX`)
  const quantized = existsSync(join(folder, 'onnx', 'model_quantized.onnx'))
  if (!quantized && !existsSync(join(folder, 'onnx', 'model.onnx')))
    throw new Error(`${setting}: ${folder} holds neither onnx/model_quantized.onnx nor onnx/model.onnx`)
  const transformers = await importTransformers(setting, load)
  transformers.env.allowRemoteModels = false
  transformers.env.localModelPath = dirname(folder)
  return { transformers, name: basename(folder), options: { local_files_only: true, dtype: quantized ? 'q8' : 'fp32' } }
}

async function importTransformers(setting: string, load: ImportModule): Promise<Transformers> {
  try {
    return (await load(PACKAGE)) as Transformers
  } catch (error) {
    const { code, message } = error as { code?: unknown; message?: unknown }
    if (code !== 'ERR_MODULE_NOT_FOUND')
      throw new Error(`${setting}: ${PACKAGE} cannot be loaded: ${String(message)}`, { cause: error })
    throw new Error(
      `${setting}: local models need the package ${PACKAGE}, which is not installed (it is large); run: npm install ${PACKAGE}@4.3.1`,
      { cause: error },
    )
  }
}
