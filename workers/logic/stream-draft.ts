import { DraftSentence } from '#shared/domain/draft.ts'

export type DraftReader = {
  /** @returns the sentences that this piece has completed */
  take(piece: string): DraftSentence[]
  /** What has arrived of the sentence that is being written. */
  partial(): string
  /** Known as soon as the draft says so; it does so before its sentences. */
  answerable(): boolean
}

type Where = { depth: number; inString: boolean; escaped: boolean; stringStart: number; key: string; last: string }

/**
 * Reads a draft (JSON of `ModelDraft`) while it is being written: one look at every character, whatever the pieces are. Text that
 * is no such JSON completes no sentence; whether the whole is sound is for the model's adapter to say.
 */
export function createDraftReader(): DraftReader {
  let text = ''
  let at = 0
  const where: Where = { depth: 0, inString: false, escaped: false, stringStart: 0, key: '', last: '' }
  let list: 'before' | 'inside' | 'behind' = 'before'
  let sentenceStart = -1
  let textStart = -1
  let head = ''

  const open = (char: string): void => {
    if (list === 'before' && char === '[' && where.depth === 1 && where.key === 'sentences') {
      list = 'inside'
      head = text.slice(0, at)
    } else if (list === 'inside' && char === '{' && where.depth === 2) sentenceStart = at
    where.depth++
  }
  const close = (done: DraftSentence[]): void => {
    where.depth--
    if (list !== 'inside') return
    if (where.depth === 1) list = 'behind'
    if (where.depth !== 2 || sentenceStart < 0) return
    const sentence = sentenceIn(text.slice(sentenceStart, at + 1))
    if (sentence) done.push(sentence)
    sentenceStart = -1
    textStart = -1
  }
  const quote = (): void => {
    where.inString = !where.inString
    if (where.inString) {
      where.stringStart = at + 1
      if (list === 'inside' && where.depth === 3 && where.key === 'text') textStart = at + 1
    } else where.last = text.slice(where.stringStart, at)
  }

  return {
    take(piece) {
      const done: DraftSentence[] = []
      text += piece
      for (; at < text.length; at++) {
        const char = text[at]!
        if (where.inString) {
          if (where.escaped) where.escaped = false
          else if (char === '\\') where.escaped = true
          else if (char === '"') quote()
        } else if (char === '"') quote()
        else if (char === ':') where.key = where.last
        else if (char === ',') where.key = ''
        else if (char === '{' || char === '[') open(char)
        else if (char === '}' || char === ']') close(done)
      }
      return done
    },
    partial: () => (textStart < 0 || !where.inString ? '' : unescaped(text.slice(textStart))),
    answerable: () => /"answerable"\s{0,9}:\s{0,9}true/.test(head),
  }
}

function sentenceIn(json: string): DraftSentence | undefined {
  try {
    return DraftSentence.safeParse(JSON.parse(json)).data
  } catch {
    return undefined
  }
}

/** Of a JSON string that is not complete yet: without an escape that has only begun. */
function unescaped(raw: string): string {
  const sound = raw.replace(/\\(?:u[\da-fA-F]{0,3})?$/, '')
  try {
    return (JSON.parse(`"${sound}"`) as string).replace(/[\ud800-\udbff]$/, '')
  } catch {
    return ''
  }
}
