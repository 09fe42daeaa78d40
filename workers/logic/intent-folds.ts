import { shuffle } from './intent-linear.ts'

/** `known` is false for a row whose intent the fold's training never sees: it stands in for a message out of scope. */
export type Fold = {
  readonly train: readonly number[]
  readonly test: readonly { readonly at: number; readonly known: boolean }[]
}

/** Above this, three folds measure as well as five and take half the time. */
const manyRows = 2_000
/** With fewer intents, holding some out would change the task more than it teaches. */
const minIntentsToHoldOut = 10

/**
 * Stratified folds over the rows. Where no row is out of scope (`outOfScope` is -1), each fold also keeps a share of the
 * intents away from training, so that the unknown can be learned from labelled examples alone.
 */
export function planFolds(labels: Int32Array, classes: number, outOfScope: number, random: () => number): Fold[] {
  const folds = labels.length > manyRows ? 3 : 5
  const order = Int32Array.from(labels.keys())
  shuffle(order, random)
  // Rows of one class follow each other, so that dealing them out in turn spreads every class evenly.
  order.sort((a, b) => labels[a]! - labels[b]!)
  const foldOfRow = new Int32Array(labels.length)
  for (const [nth, at] of order.entries()) foldOfRow[at] = nth % folds

  const holdOut = outOfScope < 0 && classes >= minIntentsToHoldOut
  const classOrder = Int32Array.from({ length: classes }, (_, label) => label)
  shuffle(classOrder, random)
  const foldOfClass = new Int32Array(classes).fill(-1)
  if (holdOut) for (const [nth, label] of classOrder.entries()) foldOfClass[label] = nth % folds

  return Array.from({ length: folds }, (_, fold) => {
    const train: number[] = []
    const test: { at: number; known: boolean }[] = []
    for (let at = 0; at < labels.length; at++) {
      const known = foldOfClass[labels[at]!] !== fold
      if (foldOfRow[at] === fold) test.push({ at, known })
      else if (known) train.push(at)
    }
    return { train, test }
  })
}
