/**
 * Dot products of one query with many rows of 16-bit numbers, eight products an instruction: a WebAssembly SIMD function written out by
 * hand, because plain JavaScript needs many times as long (docs/decisions/0012-embedded-search.md has the figures). Sums are of 32 bits:
 * rows and query must be shorter than 2^15 (by their Euclidean norm), then no sum of some of the products overflows.
 *
 * In WebAssembly text:
 *
 *   (func (export "dots") (param $query i32) (param $row i32) (param $count i32) (param $rowBytes i32) (param $out i32)
 *         (local $at i32) (local $end i32) (local $a v128) (local $b v128) (local $c v128) (local $d v128)
 *     loop over $count rows: loop over $rowBytes in steps of 64: $a..$d += i32x4.dot_i16x8_s(query[at], row[at]); then store the sum of all lanes)
 */
/** What we use of WebAssembly; the Node types we compile with do not name it. */
export type LinearMemory = { readonly buffer: ArrayBuffer; grow(pages: number): number }
type Engine = {
  readonly Memory: new (limits: { initial: number; maximum: number }) => LinearMemory
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object, imports: object) => { readonly exports: Readonly<Record<string, unknown>> }
}
const { WebAssembly } = globalThis as unknown as { readonly WebAssembly: Engine }

export const PAGE_BYTES = 65_536
/** Grows up to 4 GiB; what it has taken it keeps. */
export const newMemory = (): LinearMemory => new WebAssembly.Memory({ initial: 1, maximum: 65_536 })

type Dots = (queryAt: number, rowsAt: number, count: number, rowBytes: number, outAt: number) => void

/** Rows are padded with zeros to a multiple of this: one turn of the inner loop. */
export const NUMBERS_PER_TURN = 32

const I32 = 0x7f
const V128 = 0x7b
const [QUERY, ROW, COUNT, ROW_BYTES, OUT, AT, END, A, B, C, D] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
const get = (local: number) => [0x20, local]
const set = (local: number) => [0x21, local]
const i32 = (value: number) => [0x41, ...signedLeb(value)]
const ADD = [0x6a]
const SUB = [0x6b]
const BLOCK = [0x02, 0x40]
const LOOP = [0x03, 0x40]
const FINISH = [0x0b]
const v128Load = (offset: number) => [0xfd, 0x00, 0x02, offset]
const V128_ZERO = [0xfd, 0x0c, ...new Array<number>(16).fill(0)]
const I32X4_ADD = [0xfd, 0xae, 0x01]
const I32X4_DOT_I16X8 = [0xfd, 0xba, 0x01]
const lane = (n: number) => [0xfd, 0x1b, n]

const step = (local: number, by: number) => [...get(local), ...i32(by), ...ADD, ...set(local)]
const accumulate = (sum: number, offset: number) => [
  ...get(sum),
  ...[...get(AT), ...v128Load(offset)],
  ...[...get(ROW), ...v128Load(offset)],
  ...I32X4_DOT_I16X8,
  ...I32X4_ADD,
  ...set(sum),
]
const total = [...get(A), ...get(B), ...I32X4_ADD, ...get(C), ...get(D), ...I32X4_ADD, ...I32X4_ADD, ...set(A)]

const BODY = [
  ...[2, 2, I32, 4, V128],
  ...BLOCK,
  ...LOOP,
  ...[...get(COUNT), 0x45, 0x0d, 1],
  ...[...get(QUERY), ...set(AT), ...get(QUERY), ...get(ROW_BYTES), ...ADD, ...set(END)],
  ...[A, B, C, D].flatMap((sum) => [...V128_ZERO, ...set(sum)]),
  ...LOOP,
  ...[A, B, C, D].flatMap((sum, i) => accumulate(sum, 16 * i)),
  ...step(ROW, 64),
  ...step(AT, 64),
  ...[...get(AT), ...get(END), 0x49, 0x0d, 0],
  ...FINISH,
  ...total,
  ...[...get(OUT), ...get(A), ...lane(0), ...get(A), ...lane(1), ...ADD],
  ...[...get(A), ...lane(2), ...get(A), ...lane(3), ...ADD, ...ADD, 0x36, 0x02, 0],
  ...step(OUT, 4),
  ...[...get(COUNT), ...i32(1), ...SUB, ...set(COUNT), 0x0c, 0],
  ...FINISH,
  ...FINISH,
  ...FINISH,
]

const name = (text: string) => [text.length, ...Buffer.from(text)]
const section = (id: number, content: number[]) => [id, ...leb(content.length), ...content]
const MODULE = Uint8Array.from([
  ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...section(1, [1, 0x60, 5, I32, I32, I32, I32, I32, 0]),
  ...section(2, [1, ...name('js'), ...name('memory'), 2, 0, 1]),
  ...section(3, [1, 0]),
  ...section(7, [1, ...name('dots'), 0, 0]),
  ...section(10, [1, ...leb(BODY.length), ...BODY]),
])

/** @returns the function, working on `memory`; addresses are byte offsets into it */
export function dotsOver(memory: LinearMemory): Dots {
  const instance = new WebAssembly.Instance(new WebAssembly.Module(MODULE), { js: { memory } })
  return instance.exports['dots'] as Dots
}

function leb(value: number): number[] {
  const bytes: number[] = []
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return [...bytes, rest]
    bytes.push((rest & 0x7f) | 0x80)
  }
}

function signedLeb(value: number): number[] {
  return value < 64 ? [value] : [(value & 0x7f) | 0x80, value >> 7]
}
