import { parentPort, workerData } from 'node:worker_threads'
import { type Literal, pumps } from './regular-expressions.ts'

/** Tells which pattern and piece it is at before it tries, so that whoever waits knows what it hung on. */
const { literals, characters, from } = workerData as { literals: Literal[]; characters: number; from: number }

const TAILS = ['', '!', '\u0000', '\n']
literals.slice(from).forEach((literal, offset) => {
  parentPort!.postMessage({ at: from + offset })
  const flags = literal.flags.replace('y', '')
  const expression = new RegExp(literal.pattern, flags.includes('g') ? flags : `${flags}g`)
  let worst = { ms: 0, piece: '' }
  for (const piece of pumps(literal)) {
    const tail = TAILS[piece.length % TAILS.length]!
    const food = piece.repeat(Math.ceil(characters / piece.length)) + tail
    const began = performance.now()
    food.replace(expression, '')
    const ms = performance.now() - began
    if (ms > worst.ms) worst = { ms, piece }
  }
  parentPort!.postMessage({ at: from + offset, worst })
})
parentPort!.postMessage({ done: true })
