import { plural } from './format.ts'

type Notice = { readonly kind: 'good' | 'bad'; readonly text: string }

/** What a change tells after its redirect; only these words can be shown, whatever stands in the address. */
export function noticeFor({ done, n = 0 }: { done?: string | undefined; n?: number | undefined }): Notice | undefined {
  switch (done) {
    case 'claimed':
      return { kind: 'good', text: 'The case is yours.' }
    case 'answered':
      return { kind: 'good', text: 'The answer is on its way to the customer.' }
    case 'dismissed':
      return { kind: 'good', text: 'The case is closed without an answer.' }
    case 'held':
      return { kind: 'bad', text: 'Somebody else holds this case. Nothing was changed.' }
    case 'late':
      return { kind: 'bad', text: 'The case was decided, or has moved on, in the meantime. Nothing was changed.' }
    case 'redriven':
      return { kind: 'good', text: `${plural(n, 'dead letter')} sent round again.` }
    case 'not-redriven':
      return {
        kind: 'bad',
        text: `${plural(n, 'dead letter')} could not be sent round again: redriven before, or its run has moved on.`,
      }
    case 'none-chosen':
      return { kind: 'bad', text: 'Choose at least one dead letter.' }
    default:
      return undefined
  }
}
