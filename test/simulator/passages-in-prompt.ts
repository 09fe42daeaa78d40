export type PromptPassage = { readonly n: number; readonly text: string }

const QUESTION_TAGS = ['question', 'query', 'ticket', 'customer_message', 'customer-message', 'message']

/** The passages fenced in a prompt as `<passage n="1" …>…</passage>`, whatever other attributes they carry. */
export function passagesIn(prompt: string): PromptPassage[] {
  return elementsIn(prompt, 'passage').map(({ attributes, text }, position) => {
    const n = /\b(?:n|id|number)\s*=\s*["']?(\d{1,6})/.exec(attributes)?.[1]
    return { n: n === undefined ? position + 1 : Number(n), text: text.trim() }
  })
}

/** The numbered claims of an entailment prompt, one JSON object a line within `<claims …>`. */
export function claimsIn(prompt: string): { claim: number; passages: number[]; text: string }[] {
  const lines = elementsIn(prompt, 'claims').flatMap(({ text }) => text.trim().split('\n'))
  return lines.flatMap((line) => {
    try {
      return [JSON.parse(line)]
    } catch {
      return []
    }
  })
}

/** The question of a prompt: the last tagged one, or else the prompt without its passages. */
export function questionIn(prompt: string): string {
  for (const tag of QUESTION_TAGS) {
    const tagged = elementsIn(prompt, tag).at(-1)
    if (tagged?.text.trim()) return tagged.text.trim()
  }
  let rest = prompt
  for (const { whole } of elementsIn(prompt, 'passage')) rest = rest.replace(whole, () => '')
  return rest.trim()
}

/** The end may carry the mark of a fence, too: `</question 3f2a>`. */
function elementsIn(text: string, tag: string): { attributes: string; text: string; whole: string }[] {
  const elements: { attributes: string; text: string; whole: string }[] = []
  let from = 0
  for (;;) {
    const start = text.indexOf(`<${tag}`, from)
    const open = start < 0 ? -1 : text.indexOf('>', start)
    if (open < 0) return elements
    const attributes = text.slice(start + tag.length + 1, open)
    // `<passages>` is not `<passage>`: look again right behind it.
    if (attributes !== '' && !/^\s/.test(attributes)) {
      from = open + 1
      continue
    }
    const close = endOf(text, tag, open)
    const closed = close < 0 ? -1 : text.indexOf('>', close)
    if (closed < 0) return elements
    from = closed + 1
    elements.push({ attributes, text: text.slice(open + 1, close), whole: text.slice(start, from) })
  }
}

function endOf(text: string, tag: string, from: number): number {
  for (let at = text.indexOf(`</${tag}`, from); at >= 0; at = text.indexOf(`</${tag}`, at + 1)) {
    if (/^[\s>]/.test(text.slice(at + tag.length + 2, at + tag.length + 3))) return at
  }
  return -1
}
