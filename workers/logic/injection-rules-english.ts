import type { InjectionRule } from './injection-rules-phrase.ts'
import { anyOf, phraseRule as rule } from './injection-rules-phrase.ts'

/*
 * Weights: 0.7 and more where customers do not speak like that; less where they sometimes do ("please ignore my previous message",
 * "how do I enable developer mode on my tablet?"), so that it takes two such phrases to block.
 */

/** Customers ask whether they may ignore something; attackers tell the machine to. */
const NOT_ASKED_BEFORE =
  '(?<!(?:(?:can|should|could|may|must|did|do|if|when|or) (?:i|we|they)|how to|safe to) (?:just |simply |safely |also )?)'
const IGNORE = anyOf(
  'ignore|disregard|forget|overlook|neglect|bypass|override|overrule|discard|drop|skip|abandon|set aside|throw away|pay no attention to|do not follow|dont follow|stop following|disobey',
)
/** The word is looked for first: looking back from everywhere is what costs time. */
const TOLD_TO_IGNORE = `(?=${IGNORE})${NOT_ASKED_BEFORE}${IGNORE}`
const ALL =
  '(?:(?:about|please|all|any|every|each|of|the|my|your|our|these|those|this|that|its|his|openais?|other|and|or|both|you) ){0,5}'
const PREVIOUS = anyOf(
  'previous|previously|prior|above|preceding|earlier|former|past|foregoing|existing|current|initial|original|old|given|aforementioned|system|developer',
)
const INSTRUCTIONS = anyOf(
  'instructions?|directions?|directives?|prompts?|rules?|guidelines?|guidance|commands?|programming|restrictions?|constraints?|training|safeguards?|guardrails?|safety measures|requirements',
)
const SAY = anyOf(
  'say|print|output|reply|respond|answer|write|return|tell|type|state|display|give|show|repeat|do|act|reveal|start|pretend|summari[sz]e|translate|generate|provide',
)
const REVEAL = anyOf(
  'reveal|show|print|output|display|tell|give|repeat|write|share|expose|leak|dump|return|recite|provide|disclose|paste|copy|list|spell|echo|summari[sz]e|translate|encode|send|read|state|quote|describe|explain|what is|what are|what was|what were|whats|what s',
)
const OF_IT =
  '(?:(?:me|us|out|back|to|with|all|of|exactly|verbatim|the|your|you|full|entire|complete|exact|original|initial|hidden|secret|internal|first|current|own|whole|above|previous|text|content|contents|word for word|in) ){0,7}'

export const ENGLISH: readonly InjectionRule[] = [
  rule(
    'override',
    'ignore-previous-instructions',
    0.9,
    `${TOLD_TO_IGNORE} ${ALL}${PREVIOUS} ${ALL}(?:${PREVIOUS} )?~?${INSTRUCTIONS}`,
  ),
  rule(
    'override',
    'ignore-all-instructions',
    0.8,
    `${TOLD_TO_IGNORE} ${ALL}(?:all|any|every|your|openais?)(?: (?:of|the|your|these|safety|content|ethical|moral|usual|other)){0,3} ${INSTRUCTIONS}`,
  ),
  rule(
    'override',
    'ignore-instructions-given',
    0.8,
    `${TOLD_TO_IGNORE} ${ALL}(?:${INSTRUCTIONS}|information|text|content) (?:that )?(?:above|before|given|you (?:were|have been|got|received)|i gave|so far|previously|provided)`,
  ),
  rule(
    'override',
    'forget-everything-known',
    0.85,
    '(?:forget|ignore|disregard|erase|delete|drop) (?:about )?(?:everything|all|anything|whatever|what) (?:that )?(?:you (?:know|knew|learned|read|heard|were|was|have|ve|are)|(?:has been |was |is )?(?:above|before this|prior to this|preceding)|up to now|until now|so far)',
  ),
  rule(
    'override',
    'forget-what-was-said',
    0.45,
    '(?:forget|ignore|disregard) (?:about )?(?:everything|all|anything|whatever|what) (?:that )?(?:i|we|was|has been|is) ?(?:have |ve |just )?(?:said|told|wrote|written|mentioned|talked|discussed|stated|before)',
  ),
  rule(
    'override',
    'forget-all-tasks',
    0.75,
    `(?:forget|ignore|disregard|abandon|drop) (?:about )?(?:all|any|everything|every|the|your) (?:of )?(?:your |the |my )?(?:${PREVIOUS} )(?:tasks?|assignments?|information|data|texts?|contents?|context|statements|questions|documents?|conversations?|input|knowledge|things)`,
  ),
  rule(
    'override',
    'ignore-above',
    0.5,
    '(?:ignore|disregard|forget) (?:all |the |everything |anything |what is |whats |text )*(?:above|foregoing|preceding|provided)',
  ),
  rule(
    'override',
    'ignore-and-say',
    0.75,
    `(?:ignore|disregard|forget) (?:all |the |everything |about |above |previous |prior |that |this |it |documents |of ){1,5}(?:and|then|but|instead) ~${SAY}`,
  ),
  rule(
    'override',
    'new-instructions',
    0.65,
    '(?:your|here are|here is|these are|follow) (?:your |the |my |these )?(?:new|next|real|actual|true|updated|only) (?:and only )?(?:task|tasks|instructions?|orders|assignment|role|objective|prompt|directives?|rules|goal|purpose|mission|identity|persona)',
  ),
  rule(
    'override',
    'do-not-follow-rules',
    0.7,
    '(?:do not|dont|never|stop|without|instead of|rather than|no longer) (?:have to |need to )?(?:follow|obey|adhere to|abide by|comply with|listen to|following|obeying|respecting|applying) (?:any |all |the |your |openais? |previous |prior |ethical |content |usual |moral |safety |of |these |those ){1,5}(?:instructions|rules|guidelines|policies|policy|directives|restrictions|prompt|ethics)',
  ),
  rule(
    'override',
    'previous-is-void',
    0.8,
    '(?:all|everything|any) (?:of )?(?:the |your |my )?(?:previous|prior|above|preceding|earlier) ~(?:is|are|was|were|now) (?:now |all |completely |no longer )?(?:irrelevant|invalid|void|unimportant|cancelled|canceled|not important|obsolete|valid|null|wrong|false|outdated)',
  ),
  rule(
    'override',
    'forget-everything',
    0.6,
    '(?<!(?:i|to|you|we|they|always) )(?:forget|ignore|disregard) (?:absolutely |about )?everything(?: else)?(?! (?:i|we|is|was|has|that|about my|in my|on my|else i))',
  ),
  rule(
    'override',
    'forget-everything-and-do',
    0.5,
    `(?:forget|ignore|disregard) (?:about )?everything(?: else)?(?: before(?: that)?)?[,;.:!-]? ?(?:and |now |just |then |instead ){0,2}(?:only )?${SAY}`,
  ),
  rule(
    'override',
    'change-instructions',
    0.7,
    '(?:change|replace|update|rewrite|alter|modify) your (?:own |current |system )?(?:instructions?|prompt|rules|programming|directives|guidelines)|your (?:instructions?|rules|prompt) (?:are|is) (?:now|changed|hereby)',
  ),
  rule(
    'override',
    'answer-with-this-instead',
    0.7,
    `(?:do not|dont|don't) (?:answer|look|respond|use|consider) ~~(?:but |and |just |only |instead |rather ){1,3}(?:just |only )?${SAY}`,
  ),
  rule(
    'override',
    'override-mode',
    0.75,
    '(?:(?:system|admin|administrator|developer|safety|training data|security|instruction|policy|emergency|root|law enforcement) (?:mode )?override|(?:enter|entering|activate|activating|initiate|initiating|engage|in) ~override mode)(?! (?:button|switch|key|setting|option))',
  ),

  rule(
    'extraction',
    'reveal-system-prompt',
    0.8,
    `${REVEAL} ${OF_IT}(?:your |hidden |full |entire |exact |complete |initial |original |secret |above |verbatim |whole )(?:full |entire |exact |complete |initial |original |secret |hidden )?(?:system|initial|original|hidden|base|developer|secret|internal|pre|first|core|root|starting) ?(?:prompts?|messages?|instructions?|directives?|rules|configuration|guidelines)`,
  ),
  rule('extraction', 'reveal-prompt', 0.6, `${REVEAL} ${OF_IT}(?:system|initial|hidden|developer) (?:prompts?|instructions?)`),
  rule(
    'extraction',
    'reveal-your-prompt',
    0.75,
    `${REVEAL} ${OF_IT}your (?:own |current |exact |full |entire )?(?:pre ?)?prompts?(?! (?:reply|response|attention|help|service|action|delivery|payment|assistance|answer))`,
  ),
  rule(
    'extraction',
    'reveal-your-instructions',
    0.6,
    `${REVEAL} ${OF_IT}your (?:own |current |exact |full |entire )?(?:instructions?|directives|programming|system message|context window|configuration)(?! (?:for|on|about|to|regarding|how|in|of|with|from|sheet|manual|page|video))`,
  ),
  rule(
    'extraction',
    'repeat-what-is-above',
    0.8,
    '(?:repeat|print|output|write|copy|recite|echo|show|display|return|say|translate|summari[sz]e|spell ?check|encode|quote|reproduce|paste|type|tell me) (?:me |back |out |again |verbatim |exactly |down |to me |word for word )*(?:everything|all|the (?:entire |exact |full |whole |first |previous )?(?:texts?|words|sentences?|contents?|paragraphs?|messages?|instructions?|conversation|lines?|prompt|context)|whatever|what|any (?:text|instructions)|all (?:of )?(?:the |your )?(?:texts?|words|content|instructions|messages|prompts?)) (?:(?:that|which|is|was|are|were|has been|you see|you saw|you were told|you received|you have|you read|written|said|given|stated|shown|appears?|comes?|came|provided|in this conversation|directly|immediately|right|text) ){0,5}(?:above|before (?:this|my|the)|prior to|preceding|at the (?:top|start|beginning)|in (?:your|the) (?:system|initial|context|prompt)|up to (?:here|this|now)|until (?:here|this|now)|to you (?:before|so far|initially)|verbatim)',
  ),
  rule(
    'extraction',
    'repeat-instructions',
    0.7,
    '(?:repeat|print|recite|echo|dump|output|reproduce|reveal|leak) (?:me |back |out |again |verbatim |all )*(?:the |these |those |all )?(?:above |previous |initial |preceding |given )?(?:instructions?|prompts?|directives?)(?: (?:given|above|verbatim|so far|you)|(?= (?:in|as|to|exactly|word)))',
  ),
  rule(
    'extraction',
    'first-words-of-prompt',
    0.8,
    '(?:first|last|initial|opening|next) ?(?:few|\\d{1,4}|one|two|three|five|ten|twenty|fifty|hundred)? ?(?:words?|sentences?|lines?|characters|tokens|paragraphs?|letters) (?:of|in|from) (?:your|the|this|our) (?:system|initial|prompt|instructions?|context|conversation|chat)',
  ),
  rule(
    'extraction',
    'instructions-you-were-given',
    0.75,
    `(?:what|which|${REVEAL}) ~(?:instructions?|rules|prompts?|guidelines|commands|directives|orders|text) (?:that |which )?(?:you (?:were|have been|are|got|received)|were you|have you been|did you|are you) (?:originally |initially |first )?(?:given|told|provided|programmed|following|get|receive|initiali[sz]ed|bound|instructed|operating|running|under|with|at)`,
  ),
  rule(
    'extraction',
    'prompt-starts-with-you-are',
    0.8,
    '(?:starting|starts|begin|beginning|begins|from) (?:with|at|from)? ?(?:the )?(?:words?|phrase|sentence|line)? ?you are (?:chatgpt|gpt|a|an|the)',
  ),
  rule(
    'extraction',
    'prompt-in-encoding',
    0.7,
    '(?:prompts?|instructions?|passwords?|secrets?|keys?) ~(?:in|as|to|using|into|with) ~(?:base ?\\d\\d|rot ?13|hex|hexadecimal|binary|morse|pig ?latin|json|yaml|python code|markdown code|leet ?speak)',
  ),
  rule(
    'extraction',
    'secret-of-the-machine',
    0.75,
    "(?:what is|what s|whats|what would|tell me|tell us|give me|gimme|reveal|share|need|provide|show me|say|spell|print|write|send me|hint|about|know) (?:me |us |out |again |be |a |to |of |with )*(?:your|the secret|the system's|the systems) (?:secret |master |admin |login |root |own |system )?(?:passwords?|passphrase|passcode|secret key|secret word|secret code|api keys?|credentials|access codes?)(?! (?:policy|policies|requirements?|rules?|reset|manager|page|link|email|format|length|recovery|protection|generator|field|box|form))",
  ),
  rule(
    'extraction',
    'what-your-password-is',
    0.7,
    '(?:tell|ask|say|reveal|explain|know|give) (?:me |us )?(?:what |if |whether |about )?your (?:secret |master |admin )?(?:passwords?|passphrase|passcode|secret key|api key)(?! (?:policy|policies|requirements?|rules?|reset|manager|page|link|email|format|recovery|field|box|form))',
  ),
  rule(
    'extraction',
    'data-of-others',
    0.4,
    "(?:other|another|the|all|any|each|every) (?:users?|customers?|clients?|persons?|people|employees?|account holders?)(?:'s|s'|s)? (?:full |home |private |personal |current |saved ){0,2}(?:passwords?|addresse?s?|ssns?|social security|phone numbers?|emails?|bank balance|salary|salaries|credit cards?|date of birth|location|private data|personal data|orders|tickets|conversations?|account numbers?)",
  ),
]
