import { Answer, Handover, Recalled, Receipt, Ruling } from '#shared/domain/answer.ts'
import { Draft } from '#shared/domain/draft.ts'
import { Passages } from '#shared/domain/passage.ts'
import { Trouble } from '#shared/domain/run.ts'
import { Screened } from '#shared/domain/screened.ts'
import { Ticket } from '#shared/domain/ticket.ts'
import { Triage } from '#shared/domain/triage.ts'
import { Verdict } from '#shared/domain/verdict.ts'
import { definePipeline } from './define.ts'
import { patient, quick } from './retry.ts'

/**
 * From a customer's message to one reply. `answer` is written by `verify`, by a cache hit on an answer that was verified, or by
 * a person, and `deliver` reads nothing else: no path delivers a draft.
 */
export const supportTicket = definePipeline({
  name: 'support-ticket',
  version: 1,
  facts: {
    ticket: Ticket,
    screened: Screened,
    recalled: Recalled,
    triage: Triage,
    passages: Passages,
    draft: Draft,
    verdict: Verdict,
    answer: Answer,
    handover: Handover,
    ruling: Ruling,
    trouble: Trouble,
    receipt: Receipt,
  },
  given: 'ticket',
  start: 'screen',
  rescue: { to: 'escalate', atMost: 2, writes: 'trouble' },
  deadline: { interactive: '2m', standard: '1h', offline: '2d' },
  steps: {
    screen: {
      reads: ['ticket'],
      retry: quick,
      deadline: '5s',
      on: { clean: { writes: ['screened'], to: 'recall' }, blocked: { writes: ['screened'], to: 'escalate' } },
    },
    recall: {
      reads: ['ticket', 'screened'],
      retry: quick,
      deadline: '5s',
      on: { hit: { writes: ['recalled', 'answer', 'verdict'], to: 'deliver' }, miss: { writes: ['recalled'], to: 'classify' } },
    },
    classify: {
      reads: ['ticket', 'screened'],
      retry: patient,
      deadline: '15s',
      on: {
        answerable: { writes: ['triage'], to: 'retrieve' },
        sensitive: { writes: ['triage'], to: 'escalate' },
        spam: { writes: ['triage'], to: 'closed' },
      },
    },
    retrieve: {
      reads: ['ticket', 'screened', 'triage'],
      retry: quick,
      deadline: '10s',
      on: { found: { writes: ['passages'], to: 'generate' }, nothing: { writes: ['passages'], to: 'escalate' } },
    },
    generate: {
      reads: ['ticket', 'screened', 'triage', 'passages'],
      mayRead: ['draft', 'verdict'],
      retry: patient,
      deadline: '45s',
      on: { drafted: { writes: ['draft'], to: 'verify' }, declined: { writes: ['draft'], to: 'escalate' } },
    },
    verify: {
      reads: ['screened', 'passages', 'draft'],
      retry: patient,
      deadline: '30s',
      on: {
        faithful: { writes: ['verdict', 'answer'], to: 'deliver' },
        repairable: { writes: ['verdict'], to: 'generate', atMost: 1, afterwards: 'escalate' },
        unfaithful: { writes: ['verdict'], to: 'escalate' },
      },
    },
    escalate: {
      by: 'person',
      reads: ['ticket'],
      mayRead: ['screened', 'triage', 'passages', 'draft', 'verdict', 'trouble'],
      writes: ['handover'],
      retry: quick,
      deadline: '10s',
      on: {
        answered: { writes: ['ruling', 'answer'], to: 'deliver' },
        dismissed: { writes: ['ruling'], to: 'closed' },
        expired: { to: 'closed' },
      },
    },
    deliver: {
      reads: ['ticket', 'answer'],
      mayRead: ['screened', 'recalled', 'verdict', 'draft'],
      irrevocable: true,
      retry: patient,
      deadline: '15s',
      on: { delivered: { writes: ['receipt'], to: 'answered' } },
    },
  },
  ends: ['answered', 'closed'],
})
