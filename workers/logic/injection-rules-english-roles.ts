import type { InjectionRule } from './injection-rules-phrase.ts'
import { phraseRule as rule } from './injection-rules-phrase.ts'

/** English: making the machine somebody else, or making it say or do something; weights as in injection-rules-english.ts. */
export const ENGLISH_ROLES: readonly InjectionRule[] = [
  rule(
    'jailbreak',
    'named-jailbreak',
    0.85,
    '(?:do anything now|dan mode|dan can do|known as dan|you are dan|called dan|act as dan|as dan |jailbreak mode|jailbroken|jailbreak (?:yourself|prompt)|developer mode (?:output|response|policy|enabled responses)|(?:dan|stan|dude|mongo tom|evil) (?:which|who|that|has) (?:stands|broken)|evil ?(?:bot|gpt|confidant)|always intelligent and machiavellian|anti ?gpt|based ?gpt|better ?gpt|opposite mode|(?:god|dan|jailbreak|unrestricted|evil|chaos|uncensored) mode)',
  ),
  rule(
    'jailbreak',
    'mode-switch',
    0.7,
    '(?:simulate|you are (?:now )?in|you re (?:now )?in|switch (?:yourself )?(?:in)?to|respond in|answer in|you (?:now )?have|with|in) (?:the |a |full )?(?:developer|dev|debug|admin|root|sudo|maintenance|god|test|training|unlocked) mode (?:enabled|activated|active|on|engaged|now|output|where|and (?:tell|show|reveal|print|ignore|answer|give))',
  ),
  rule(
    'jailbreak',
    'mode-mentioned',
    0.35,
    '(?:enable|activate|enter|simulate|switch to|entering|initiating|activating) (?:an? |the |your )?(?:developer|debug|admin|root|sudo|maintenance|training|system|knowledge|safety|override)~(?:mode|reset|check|protocol)',
  ),
  rule(
    'jailbreak',
    'from-now-on-you-are',
    0.8,
    '(?:from now on|from this (?:moment|point) (?:on|forward|onwards?)|starting now|henceforth|for the rest of (?:this|our) (?:conversation|chat)|as of now|for the remainder of this (?:conversation|chat)|from here on) (?:out )?(?:i want |i need )?you(?: to)? ?(?:are|re|will be|become|act|must act|shall be|play|pretend|speak|be|will act|will play|will roleplay|will pretend|will respond|will answer|answer|respond|should answer|should respond|must respond|must answer|only (?:answer|respond|speak|reply|say)|always (?:answer|respond|speak|reply|say)|have no|can do)(?! (?:my (?:favou?rite|go|preferred)|charging|charged|going to (?:charge|send|email|deliver)|getting|billing))',
  ),
  rule(
    'jailbreak',
    'from-now-on-do',
    0.7,
    '(?:from now on|from this (?:moment|point) (?:on|forward|onwards?)|henceforth|for the rest of (?:this|our) (?:conversation|chat)) (?:please )?(?:your (?:name|role|new|only|job|task|purpose|identity)|act|respond|answer|reply|speak|pretend|talk|ignore|whenever (?:i|a user)|(?:always|only|just|never) (?:answer|respond|say|reply|speak|output|refer|call)|every (?:answer|reply|response)|all (?:your )?(?:answers|replies|responses))',
  ),
  rule(
    'jailbreak',
    'you-are-now',
    0.7,
    "(?:you are|you re|youre|you're|u r) (?:now (?:an? |the |my |in |called |named |known |free |acting |playing |going to |unrestricted|unfiltered|operating|speaking |impersonating |[a-z]{2,12}gpt)|no longer (?:an? (?:ai|assistant|chatbot|bot|language|customer|support|helpful)|bound|restricted|chatgpt|limited|required|constrained|subject)|going to (?:act|pretend|play|simulate|roleplay|role play|be my|impersonate)|about to (?:immerse|take on|play|act|become|enter)|to (?:act as|pretend|play the|roleplay|impersonate)|hereby)",
  ),
  rule(
    'jailbreak',
    'want-you-to-act-as',
    0.75,
    '(?:(?:i want|i need|i would like|i d like|i order|i command|i ask) (?:for )?you (?:now )?to|your (?:task|job|role) is to|you should|you must|you will) (?:now )?(?:act (?:as|like)|pretend|play the|simulate|become|roleplay|role play|impersonate|behave (?:as|like)|respond as|answer as|speak as|take on the)(?![a-z])',
  ),
  rule(
    'jailbreak',
    'now-you-are',
    0.6,
    '(?:now|okay|ok|so) you are (?:an? |the |my |[a-z]{2,15} (?:the |who |and ))(?!(?:only|best|worst|charging|telling|asking|saying))',
  ),
  rule(
    'jailbreak',
    'format-of-all-answers',
    0.4,
    '(?:prefix|start|begin|end|finish) (?:all|each|every|any) (?:of )?(?:your )?(?:answers?|responses?|repl(?:y|ies)|sentences?|messages?)|(?:for|in|to) (?:each|every|all) (?:of (?:my|your) )?(?:responses?|answers?|prompts?|questions?) ~(?:output|answer|respond|give|write|reply)',
  ),
  rule(
    'jailbreak',
    'act-as',
    0.4,
    '(?:act|behave|respond|answer|reply|speak|pose|function|operate|roleplay|role play|talk|write) (?:like|as) (?:if you|though you|an? |my |the |another |someone )',
  ),
  rule(
    'jailbreak',
    'take-a-role',
    0.5,
    '(?:take on|assume|adopt|play|immerse yourself (?:in|into)|step into|in) (?:the |a |an |my |your )(?:new )?(?:role|persona|identity|character|personality) (?:of|as|named|called|where)|stay in character|staying in character|break character|breaking character|remain in character|out of character',
  ),
  rule(
    'jailbreak',
    'pretend',
    0.5,
    "(?:pretend|let's pretend|lets pretend|let us pretend|simulate|impersonate|roleplay|role play) (?:that |like |as |being |to be )?(?:you|to be|an? |there are no|the |as )",
  ),
  rule(
    'jailbreak',
    'imagine-you-are',
    0.3,
    '(?:imagine|suppose|hypothetically|in a (?:hypothetical|fictional|fictitious|simulated)|you are (?:an? |the )(?:fictional|unfiltered|evil|amoral|renowned|all knowing|special)|this is (?:a|an) (?:simulation|hypothetical|experiment|game))',
  ),
  rule(
    'jailbreak',
    'machine-without-ethics',
    0.6,
    '(?:free (?:of|from)|without|no|not bound by|not restricted by|not limited (?:to|by)|not have to (?:abide by|follow|obey)|doesnt (?:have|follow)|does not (?:have|follow|obey|respect|care about)|ignor(?:es|ing)|regardless of|unbound by|bypass(?:es|ing)?|violat(?:e|es|ing)|disregards?|broken free of) (?:(?:all|any|the|its|your|his|her|their|openais?|typical|usual|set|of|such|moral|and|or|ethical|content|legal|safety|programmed|these|those|other|every) ){0,6}(?:ethics|morals|morality|censorship|ethical (?:rules|guidelines|standards|constraints|principles|programming)|moral (?:rules|guidelines|principles)|content polic(?:y|ies)|openais? (?:polic(?:y|ies)|rules|guidelines|content)|guardrails|safety (?:filters|guidelines)|confines of (?:ai|typical))',
  ),
  rule(
    'jailbreak',
    'without-restrictions',
    0.35,
    '(?:free (?:of|from)|without|not bound by|not restricted by|not limited by|do not have to (?:abide by|follow)|does not follow|doesnt follow|bypass(?:es|ing)?|ignor(?:es|ing)|violat(?:e|es|ing)|no) (?:(?:all|any|the|its|your|their|of|such|and|or|programmed|these|those|moral|ethical|other) ){0,5}(?:rules|restrictions|filters?|limitations|guidelines|constraints|boundaries|limits|morals|ethics)',
  ),
  rule(
    'jailbreak',
    'unfiltered-machine',
    0.65,
    '(?:unfiltered|uncensored|unrestricted|unhinged|amoral|immoral|unethical|boundless|rogue|evil|unaligned|unbiased|limitless)(?: and [a-z]{3,12}| [a-z]{3,12})? (?:ai|chatbot|bot|assistant|language model|model|responses?|answers?|gpt|chatgpt|persona|character|version of (?:yourself|you|chatgpt))',
  ),
  rule(
    'jailbreak',
    'never-refuse',
    0.5,
    "(?:never|do not|dont|don't|cannot|cant|can't|can not|must not|will not|wont|should not|not) (?:ever |allowed to )?(?:refuse|decline|deny (?:any|a|my)|reject (?:any|a|my)|say (?:that )?you (?:cannot|can not|cant|can't)|apologi[sz]e|add (?:any )?(?:warnings?|disclaimers?)|warn|morali[sz]e|mention (?:that )?you(?:re| are| r) an? (?:ai|language)|remind me)",
  ),
  rule(
    'jailbreak',
    'must-obey',
    0.6,
    '(?:you (?:have to|must|will|need to|shall|are required to|always)) (?:now |always |only |strictly |therefore )?(?:obey|comply|do (?:as i|whatever i|everything i|what i)|answer (?:all|any|every|everything|each|whatever)|follow (?:all my|my every|my (?:orders|commands|instructions)))',
  ),
  rule(
    'jailbreak',
    'double-answer',
    0.75,
    '(?:two|2|both) (?:different |separate |distinct )?(?:responses?|answers?|ways|paragraphs|outputs?)~(?:one|first|normal|to every|as)|(?:responses?|answers?|outputs?|prompts?|messages?) ~(?:prefix(?:ed)?|preface[ds]?|start(?:ed|ing)?|mark(?:ed)?) (?:it |them |each )?with (?:the )?[\\["(]|(?:normal|standard|classic|usual|default) (?:chatgpt|gpt|ai) (?:response|answer|self)',
  ),
  rule(
    'jailbreak',
    'speaks-to-a-language-model',
    0.3,
    '(?:chatgpt|openai|language model|gpt ?[345]|anthropic|large language|as an ai|an ai (?:model|developed|assistant|that|named)|ai model|your training data|artificial intelligence (?:language|named|that))',
  ),
  rule(
    'jailbreak',
    'claimed-authority',
    0.55,
    '(?:i am|im|i m|this is|as|its) (?:god|your (?:boss|creator|developers?|master|admin|administrator|programmer|owner|maker|supervisor|engineer)|the (?:system administrator|developer of|creator of|ceo of openai|openai team)|openai|(?:an? )?(?:authori[sz]ed|openai|anthropic|system|certified) (?:developer|administrator|admin|engineer|personnel|red team))',
  ),

  rule(
    'tool-abuse',
    'say-access-granted',
    0.85,
    `(?:say|saying|print|output|reply|respond|answer|write|return|tell me|type|state|display|shout|confirm|announce|repeat|echo)(?: with| back| exactly| only| just| simply| me| to me| that| by| the (?:exact )?(?:words?|phrase|text|following|string|message|sentence))* (?:i have been |i am |i was |you have been |you are |haha |lol )?(?:access (?:is )?granted|pwned|hacked|password accepted|authentication successful|admin access (?:granted|enabled)|permission granted|access approved|authorization (?:granted|confirmed|accepted)|jailbroken|identity (?:confirmed|verified)|login successful|override accepted)`,
  ),
  rule(
    'tool-abuse',
    'say-only-this',
    0.5,
    '(?:only|just|simply|exclusively) (?:say|respond|reply|answer|output|print|write|return) (?:back )?(?:with )?(?:the )?(?:word|words|phrase|sentence|letter|text|following|yes|no|true|ok|one word)|(?:say|respond|reply|answer|output|print|return) (?:with )?(?:only|just|exclusively|exactly|nothing but|nothing except) (?:with )?(?:the )?(?:word|words|phrase|sentence|letter|text|following|yes|no|true|ok|this|terminal)|and nothing else|no other (?:text|words|output)|do not write explanations',
  ),
  rule(
    'tool-abuse',
    'skip-verification',
    0.5,
    '(?:approve|issue|grant|process|authori[sz]e|release|unlock|close|mark) (?:me |my |the |this |a |an |full |all ){0,4}~(?:without|skipping|bypassing|regardless of|no matter) (?:any |the |further |all |asking )?(?:verification|checks?|approval|review|authori[sz]ation|identity|confirmation|human)',
  ),
  rule(
    'tool-abuse',
    'destructive-command',
    0.6,
    'drop table (?:users|customers|orders|if)|rm -rf /|truncate table|delete from (?:users|customers|orders|accounts)',
  ),

  rule(
    'exfiltration',
    'send-data-out',
    0.7,
    "(?:send|post|email|forward|upload|transmit|exfiltrate|append|leak|submit|copy|encode) (?:(?:all|the|your|this|entire|full|any|our|of|every|them|it|users?|customers?|user's|customer's|employee|previous) ){0,6}(?:conversation|chat history|chat logs?|system prompt|data|credentials|passwords?|records|customer (?:list|data|records)|user (?:data|list)|secrets?|api keys?|messages|context|personal information) ~(?:to|at|in) (?:https? ?:? ?/|www\\.|[a-z0-9._-]{1,40}@|this (?:url|server|webhook|endpoint)|my (?:server|webhook|endpoint)|the (?:url|server|webhook|attacker)|an? (?:url|image|link|external))",
  ),
]
