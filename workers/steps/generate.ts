import { type Draft, ModelDraft } from '#shared/domain/draft.ts'
import type { Passage } from '#shared/domain/passage.ts'
import { decideTier } from '#shared/domain/routing.ts'
import type { Screened } from '#shared/domain/screened.ts'
import type { Verdict } from '#shared/domain/verdict.ts'
import type { LlmReply, LlmRequest } from '#shared/ports/llm.ts'
import { promptOrder } from '#shared/text/prompt-order.ts'
import { detectLanguage } from '#workers/logic/detect-language.ts'
import { examplesFor } from '#workers/logic/example-bank.ts'
import { promptFence } from '#workers/logic/prompt-fence.ts'
import { promptRequest } from '#workers/logic/prompt-request.ts'
import type { Prompt, Step, StepContext } from '#workers/step.ts'

const SURE_OF_LANGUAGE = 0.6

/** Asks for a draft whose every sentence cites its passages. What comes back is not shown to anyone before `verify` has seen it. */
export const generate: Step<'support-ticket', 'generate', 'llm' | 'prompts' | 'examples'> = async (
  facts,
  { llm, prompts, examples: bank },
  context,
) => {
  const { screened, triage, passages, draft: earlier, verdict } = facts
  const prompt = prompts['draft-answer']
  const repair = context.visit > 1 && earlier && verdict ? repairNote(verdict, promptFence(context.runId, context.visit)) : ''
  // Whoever may be giving orders sees what any stranger sees: no examples, and `knowingHistory` adds no conversation.
  const trusted = screened.guard !== 'suspicious'
  const examples = trusted ? await examplesFor(triage.query, promptFence(context.runId, context.visit), bank, context) : ''
  const request = requestFor(prompt, screened, triage.query, passages.passages, { repair, examples }, context)
  const decision = decideTier(
    {
      task: 'generate',
      usual: prompt.tier,
      complexity: triage.complexity,
      signals: triage.complexitySignals,
      customerTier: context.call.customerTier,
      failed: repair === '' ? undefined : (earlier?.routing?.tier ?? prompt.tier),
    },
    context.tenant.config.models,
  )
  const reply = await llm.generate({ ...request, tier: decision.tier }, { signal: context.signal })
  const { provider, passedOver, lowered } = reply
  const routing = {
    ...afterBudget(decision, lowered),
    provider,
    complexity: triage.complexity,
    ...(passedOver && { passedOver: [...passedOver] }),
  }
  const draft = { ...toDraft(reply, prompt), routing }
  return { outcome: canSpeak(draft, screened, passages.passages) ? 'drafted' : 'declined', facts: { draft } }
}

/** The tier that the budget paid for, and which limit kept it from the one that was decided. */
function afterBudget({ tier, reasons }: ReturnType<typeof decideTier>, lowered: LlmReply['lowered']) {
  if (!lowered) return { tier, reasons }
  return { tier: lowered.to === 'extractive' ? tier : lowered.to, reasons: [...reasons, `budget: ${lowered.reason}`] }
}

function requestFor(
  prompt: Prompt,
  screened: Screened,
  question: string,
  passages: readonly Passage[],
  parts: { readonly repair: string; readonly examples: string },
  context: StepContext,
): LlmRequest<ModelDraft> {
  const fence = promptFence(context.runId, context.visit)
  const asked = [screened.subject, screened.text].filter(Boolean).join('\n')
  const user = prompt.user({
    fence,
    language: screened.language === 'und' ? 'en' : screened.language,
    passages: promptOrder(passages, context.tenant.config.knowledge.passageOrder).map(quoted).join('\n'),
    question: asked,
    ...parts,
  })
  return {
    ...promptRequest(prompt, user, context),
    task: 'generate',
    schema: { name: 'draft', type: ModelDraft },
    material: { question, passages },
  }
}

const quoted = (passage: Passage) =>
  `<passage n="${passage.n}" title="${attribute(passage.title)}" section="${attribute(passage.section.join(' > '))}">\n${passage.text}\n</passage>`
const attribute = (text: string) => text.replaceAll('"', "'").replaceAll('\n', ' ')

/** What was wrong, behind the fence: the earlier draft is the model's own words, and those may be a customer's orders by now. */
function repairNote(verdict: Verdict, fence: string): string {
  const claims = verdict.claims.filter((claim) => !claim.supported).map((claim) => `- "${claim.text}": ${claim.reason}`)
  const checks = verdict.outputChecks.filter(({ passed }) => !passed).map(({ check, detail }) => `- ${check}: ${detail}`)
  const found = [...claims, ...checks]
  // Of a draft that only greets no claim is wrong; what is wrong is that there is none.
  const mistakes = (found.length > 0 ? found : verdict.reasons.map((reason) => `- ${reason}`)).join('\n')
  return `\nAn earlier draft was not accepted. Write the reply anew without these mistakes:\n<mistakes ${fence}>\n${mistakes}\n</mistakes ${fence}>\n`
}

const toDraft = (reply: LlmReply<ModelDraft>, prompt: Prompt): Draft => ({
  ...reply.value,
  model: reply.model,
  by: reply.model.startsWith('extractive') ? 'extractive' : 'model',
  prompt: { id: prompt.id, version: prompt.version, hash: prompt.hash },
})

/** Quotations in a language that the customer did not write in are no fair answer; a model translates, quoting cannot. */
export function canSpeak(
  draft: Draft,
  screened: Pick<Screened, 'language' | 'languageConfidence'>,
  passages: readonly Pick<Passage, 'text'>[],
): boolean {
  if (!draft.answerable || draft.sentences.length === 0) return false
  if (draft.by === 'model' || screened.language === 'und' || screened.languageConfidence < SURE_OF_LANGUAGE) return true
  const source = detectLanguage(
    passages
      .map(({ text }) => text)
      .join('\n')
      .slice(0, 3_000),
  )
  return source.language === 'und' || source.language === screened.language
}
