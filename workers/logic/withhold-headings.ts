import { LRUCache } from 'lru-cache'
import type { Passage } from '#shared/domain/passage.ts'
import { REMOVED_SENTENCE, screenDocument } from './guard-document.ts'
import { scoreMessage } from './guard-message.ts'

/** A heading as bad as this, read as a message, is withheld for that alone. */
const CERTAIN_FROM = 0.9
/** With this much suspicion as a line of its document besides, a message's own bar is enough. */
const OUT_OF_PLACE_FROM = 0.3

/**
 * The passage with each title or heading that gives orders replaced by a mark; itself where none does. They are judged as
 * messages, which they resemble, and as the first line of their text. Either judge alone takes honest titles for orders: the one
 * those that command ("Ignore a conversation"), the other those that ask.
 * @param blockAt from which score on a message would be blocked
 */
export function withoutOrders(passage: Passage, blockAt: number): Passage {
  const screen = (heading: string): string => {
    const line = heading.replace(/\s+/g, ' ').trim()
    if (line === '') return heading
    const score = scoreOf(line)
    const withheld = score >= CERTAIN_FROM || (score >= blockAt && isOutOfPlace(line, passage.text))
    return withheld ? REMOVED_SENTENCE : heading
  }
  const title = screen(passage.title)
  const section = passage.section.map(screen)
  const same = title === passage.title && section.every((heading, at) => heading === passage.section[at])
  return same ? passage : { ...passage, title, section }
}

/** The headings of popular documents come with ticket after ticket. Longer ones than these are no headings, and rare. */
const MAX_KEPT_CHARACTERS = 300
const scores = new LRUCache<string, number>({ max: 2_000 })
function scoreOf(line: string): number {
  const score = scores.get(line) ?? scoreMessage(line).score
  if (line.length <= MAX_KEPT_CHARACTERS) scores.set(line, score)
  return score
}

const isOutOfPlace = (line: string, text: string): boolean =>
  screenDocument(`${line}\n${text}`, OUT_OF_PLACE_FROM).spans.some(({ start }) => start < line.length)
