/** Markup that is safe to send; only the `html` tag makes it, so nothing gets into a page unescaped. */
export class Html {
  readonly #markup: string
  private constructor(markup: string) {
    this.#markup = markup
  }
  toString(): string {
    return this.#markup
  }
  static tag(strings: TemplateStringsArray, ...values: readonly Value[]): Html {
    let markup = strings[0]!
    for (const [i, value] of values.entries()) markup += render(value) + strings[i + 1]!
    return new Html(markup)
  }
}

type Value = Html | string | number | false | null | undefined | readonly Value[]

/** Escapes every value for text and for attributes in double quotes; arrays are joined, `false`, null and undefined vanish. */
export const html = Html.tag

function render(value: Value): string {
  if (value instanceof Html) return value.toString()
  if (Array.isArray(value)) return value.map(render).join('')
  if (value === false || value === null || value === undefined) return ''
  return String(value).replace(/[&<>"']/g, (character) => ENTITIES[character]!)
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** Addresses come from documents and tickets: only the web's own are linked. */
export function webAddress(url: string | undefined): string | undefined {
  if (!url || !URL.canParse(url)) return undefined
  const { protocol, href } = new URL(url)
  return protocol === 'https:' || protocol === 'http:' ? href : undefined
}
