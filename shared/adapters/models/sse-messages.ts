export type SseMessage = { readonly event: string; readonly data: string }

/**
 * Server-sent events (WHATWG HTML, section 9.2.6) from pieces of text, each told as soon as its empty line is there. Comments and
 * fields that no model provider uses are passed over; lines end with LF or CR LF, for nobody ends them with CR alone. Linear in the text.
 */
export function createSseReader(tell: (message: SseMessage) => void) {
  let rest = ''
  let searched = 0
  let event = ''
  let data: string | undefined

  const take = (line: string): void => {
    if (line === '') {
      if (data !== undefined) tell({ event, data })
      event = ''
      data = undefined
      return
    }
    const value = (from: number) => line.slice(line[from] === ' ' ? from + 1 : from)
    if (line.startsWith('data:')) data = data === undefined ? value(5) : `${data}\n${value(5)}`
    else if (line.startsWith('event:')) event = value(6)
  }

  return {
    take(piece: string): void {
      rest += piece
      let start = 0
      for (let end = rest.indexOf('\n', searched); end >= 0; end = rest.indexOf('\n', start)) {
        take(rest.slice(start, rest[end - 1] === '\r' && end > start ? end - 1 : end))
        start = end + 1
      }
      rest = rest.slice(start)
      searched = rest.length
    },
    /** The text has ended: some servers leave out the last empty line. */
    end(): void {
      if (rest !== '') take(rest)
      rest = ''
      searched = 0
      take('')
    },
  }
}
