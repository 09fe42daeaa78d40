import { Readability } from '@mozilla/readability'
import { parseHTML } from 'linkedom'
import type { Extraction } from '#shared/ports/text-extractor.ts'
import { MAX_CHARACTERS, rejected, sound } from './extraction-limits.ts'
import { htmlToMarkdown } from './html-to-markdown.ts'

/** Nothing in here is text for readers; what is hidden from them could be written for the model alone. */
const NOT_TEXT = `script, style, noscript, template, iframe, object, embed, svg, canvas, audio, video, link, meta, button, input, select,
  textarea, [hidden], [aria-hidden="true"], [style*="display:none"], [style*="display: none"], [style*="visibility:hidden"]`
const AROUND = 'nav, header, footer, aside, [role="navigation"], [role="banner"], [role="contentinfo"], [role="search"]'
/** The converters recurse; people nest some dozens deep. */
const MAX_DEPTH = 400
/** When the article that was found holds less than this share of the page's words, it was the wrong one: help pages are often lists. */
const MIN_ARTICLE_SHARE = 0.5

/** The article of a page as Markdown, without navigation, scripts and what is hidden. */
export function extractHtml(html: string): Extraction {
  if (html.length > 4 * MAX_CHARACTERS) return rejected('document-too-large', 'the page is larger than 20 million characters')
  const { document } = parseHTML(/<(?:html|body)[\s>]/i.test(html) ? html : `<!doctype html><html><body>${html}</body></html>`)
  if (depthOf(document.documentElement as unknown as TreeNode) > MAX_DEPTH)
    return rejected('document-too-complex', `the page nests elements more than ${MAX_DEPTH} deep`)
  const title = titleOf(document)
  const language = /^[a-z]{2,3}(?=-|$)/.exec(document.documentElement.getAttribute('lang')?.toLowerCase() ?? '')?.[0]
  const modified = document.querySelector('meta[property="article:modified_time"]')?.getAttribute('content')
  for (const element of document.querySelectorAll(NOT_TEXT)) element.remove()
  const markdown = sound(htmlToMarkdown(articleOf(document)))
  return { kind: 'text', text: markdown, structure: 'markdown', title, language, modifiedAt: momentOf(modified) }
}

type Page = ReturnType<typeof parseHTML>['document']
type TreeNode = { firstChild: TreeNode | null; nextSibling: TreeNode | null; parentNode: TreeNode | null }

/** Without recursion, which is what is to be protected. */
function depthOf(root: TreeNode): number {
  let depth = 0
  let deepest = 0
  for (let node: TreeNode = root; ; ) {
    if (node.firstChild) {
      node = node.firstChild
      deepest = Math.max(deepest, ++depth)
      continue
    }
    while (node !== root && !node.nextSibling) {
      node = node.parentNode!
      depth--
    }
    if (node === root) return deepest
    node = node.nextSibling!
  }
}

function articleOf(document: Page): string {
  const body = document.body
  if (!body) return ''
  const main = document.querySelectorAll('main, [role="main"]')
  if (main.length === 1) return main[0]!.innerHTML
  const plain = body.cloneNode(true) as typeof body
  for (const element of plain.querySelectorAll(AROUND)) if (!element.querySelector('h1')) element.remove()
  // It changes the document it reads, so the copy was made before.
  const article = new Readability(document, { charThreshold: 200, maxElemsToParse: 200_000 }).parse()
  const share = lettersIn(article?.textContent ?? '') / Math.max(1, lettersIn(plain.textContent ?? ''))
  return article?.content && share >= MIN_ARTICLE_SHARE ? article.content : plain.innerHTML
}

const lettersIn = (text: string) => text.replace(/\s+/g, '').length

function titleOf(document: Page): string | undefined {
  const candidates = [
    document.querySelector('meta[property="og:title"]')?.getAttribute('content'),
    document.querySelectorAll('h1').length === 1 ? document.querySelector('h1')?.textContent : undefined,
    document.querySelector('title')?.textContent,
  ]
  const title = candidates
    .map((text) =>
      sound(text ?? '')
        .replace(/\s+/g, ' ')
        .trim(),
    )
    .find((text) => text !== '')
  return title?.slice(0, 300)
}

function momentOf(text: string | null | undefined): string | undefined {
  const moment = new Date(text ?? Number.NaN)
  return Number.isNaN(moment.getTime()) ? undefined : moment.toISOString()
}
