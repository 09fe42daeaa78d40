/** What a run holds at its end, with hostile text wherever a stranger’s words come in, and RAW where it must never be shown. */
import { HOSTILE, secondsAgo } from './moment.ts'

export const PASSAGES = [
  {
    n: 1,
    chunkId: 'doc_returns:0',
    documentId: 'doc_returns',
    title: 'Returns and refunds',
    url: 'https://help.larkspur.example/returns',
    section: ['Returns', 'Refunds'],
    text: 'You may return a sensor within 30 days of delivery. Refunds reach your card within 5 working days after we received the parcel.',
    start: 120,
    end: 250,
    scores: { dense: 0.71, sparse: 12.4, fused: 0.033, rerank: 0.91 },
  },
  {
    n: 2,
    chunkId: 'doc_labels:2',
    documentId: 'doc_labels',
    title: `Return labels ${HOSTILE}`,
    url: 'javascript:alert(1)',
    section: ['Labels'],
    text: 'The return label is in the app under Orders › Return. It costs nothing inside the EU.',
    start: 0,
    end: 90,
    scores: { fused: 0.021 },
  },
]
const CLAIMS = [
  { text: 'Thank you for writing to us.', supported: true, score: 1, citations: [], reason: '', kind: 'courtesy' },
  {
    text: 'Refunds reach your card within 5 working days after we received the parcel.',
    supported: true,
    score: 1,
    citations: [1],
    evidence: { n: 1, start: 53, end: 130, text: 'Refunds reach your card within 5 working days after we received the parcel.' },
    reason: '',
    kind: 'claim',
  },
  {
    text: 'You will also get a voucher of 15 €.',
    supported: false,
    score: 0.1,
    citations: [2],
    reason: 'the amount "15 €" stands in none of the cited passages',
    kind: 'claim',
  },
]
export const SCREENED = {
  subject: `Where is my refund? ${HOSTILE}`,
  text: `Hello, I sent the parcel back two weeks ago. My address is [EMAIL_1]. When do I get my money?\n${HOSTILE}`,
  language: 'en',
  languageConfidence: 0.99,
  placeholders: [{ token: '[EMAIL_1]', type: 'email', value: 'ada.secret@customer.example' }],
  injection: { score: 0.1, rules: [] },
  reasons: [],
  truncated: false,
}
export const TRIAGE = {
  intent: 'refund_status',
  confidence: 0.93,
  decidedBy: 'local',
  severity: 'P2',
  sentiment: 'neutral',
  legalThreat: false,
  wantsPerson: false,
  entities: [],
  query: 'When do refunds arrive?',
  complexity: 0.2,
  reasons: [],
}
export const DRAFT = {
  answerable: true,
  sentences: CLAIMS.map(({ text, citations }) => ({ text, citations })),
  followUps: [],
  model: 'gpt-6-luna',
  by: 'model',
  prompt: { id: 'generate', version: 3, hash: 'abc' },
}
export const VERDICT = {
  decision: 'deliver',
  claims: CLAIMS,
  cut: [2],
  outputChecks: [{ check: 'no personal data', passed: true, detail: '' }],
  confidence: 0.88,
  reasons: [],
}
export const ANSWER = {
  text: 'Thank you for writing to us. Refunds reach your card within 5 working days after we received the parcel. [1]',
  citations: [
    {
      n: 1,
      documentId: 'doc_returns',
      chunkId: 'doc_returns:0',
      title: 'Returns and refunds',
      url: PASSAGES[0]!.url!,
      quote: PASSAGES[0]!.text,
    },
  ],
  confidence: 0.88,
  followUps: [],
  by: 'model',
}
export const TICKET = {
  id: 'tkt_answered',
  tenantId: 'default',
  conversationId: 'cnv_1',
  subject: 'RAW subject ada.secret@customer.example',
  body: 'RAW body ada.secret@customer.example',
  channel: 'email',
  requester: { id: 'cust-7', email: 'ada.secret@customer.example', name: 'Ada' },
  tier: 'standard',
  lane: 'interactive',
  receivedAt: secondsAgo(300).toISOString(),
}
export const FACTS = {
  ticket: TICKET,
  screened: SCREENED,
  triage: TRIAGE,
  passages: { passages: PASSAGES, evidence: 0.8, degraded: false, knowledgeVersion: '3' },
}
