import { createRequire } from 'node:module'
import { parseHTML } from 'linkedom'
import TurndownService from 'turndown'

type Rule = (service: TurndownService) => void
// The plugin has no types of its own. Its table rules ask for `table.rows`, which linkedom has not: ours are below.
const { strikethrough, taskListItems } = createRequire(import.meta.url)('@joplin/turndown-plugin-gfm') as Record<string, Rule>

/** Markdown of a body's HTML, scripts and styles already taken out. Tables stay tables. */
export function htmlToMarkdown(bodyHtml: string): string {
  const { document } = parseHTML(`<!doctype html><html><body>${bodyHtml}</body></html>`)
  return converter()
    .turndown(document.body as never)
    .replace(/\n{3,}/g, '\n\n')
    .trim()
}

function converter(): TurndownService {
  const service = new TurndownService({ headingStyle: 'atx', codeBlockStyle: 'fenced', bulletListMarker: '-', hr: '---' })
  service.use([strikethrough!, taskListItems!])
  service.addRule('image', { filter: 'img', replacement: () => '' })
  service.addRule('link', {
    filter: (node) => node.nodeName === 'A' && !/^(?:https?:|mailto:|\/|#)/i.test(node.getAttribute('href') ?? ''),
    replacement: (content) => content,
  })
  service.addRule('cell', { filter: ['th', 'td'], replacement: (content) => ` ${oneLine(content)} |` })
  service.addRule('row', { filter: 'tr', replacement: (content) => (content.trim() === '' ? '' : `|${content}\n`) })
  service.addRule('rows', { filter: ['thead', 'tbody', 'tfoot'], replacement: (content) => content })
  service.addRule('table', { filter: 'table', replacement: (content) => `\n\n${asTable(content)}\n\n` })
  return service
}

const oneLine = (content: string) =>
  content
    .trim()
    .replace(/(?<!\s)\s*\n\s*/g, ' ')
    .replaceAll('|', '\\|')

/** The first row is the head: Markdown knows no table without one. What stands between rows (a caption) goes above. */
function asTable(content: string): string {
  const lines = content.split('\n').map((line) => line.trim())
  const rows = lines.filter((line) => line.startsWith('|'))
  const others = lines.filter((line) => line !== '' && !line.startsWith('|'))
  if (rows.length === 0) return others.join('\n')
  const columns = (rows[0]!.match(/(?<!\\)\|/g)?.length ?? 2) - 1
  const table = [rows[0]!, `|${' --- |'.repeat(columns)}`, ...rows.slice(1)].join('\n')
  return others.length === 0 ? table : `${others.join('\n')}\n\n${table}`
}
