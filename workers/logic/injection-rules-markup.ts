import type { InjectionCategory, InjectionRule } from './injection-rules-phrase.ts'

const rule = (category: InjectionCategory, name: string, weight: number, pattern: RegExp): InjectionRule => ({
  name,
  category,
  weight,
  pattern,
})

/** Structure that belongs to chat templates and transports, not to customers; on normalised, lower-case text with its lines. */
export const MARKUP: readonly InjectionRule[] = [
  rule(
    'delimiter',
    'chat-template-token',
    0.9,
    /<\|? ?(?:im_start|im_end|im_sep|endoftext|start_header_id|end_header_id|eot_id|begin_of_text|end_of_text|start_of_turn|end_of_turn)|<\| ?(?:system|user|assistant|end|developer) ?\|?>/,
  ),
  rule(
    'delimiter',
    'instruction-brackets',
    0.85,
    /\[\/?inst\]|<<\/?sys>>|\[\/?(?:system|sys|assistant)(?: (?:prompt|message|note|override))?\](?!\()/,
  ),
  rule(
    'delimiter',
    'role-tag',
    0.75,
    /<\/?(?:system|assistant|developer|instructions?|admin|sys|prompt)(?:[-_ ](?:prompt|message|mode|instructions?|override|note|reminder))?>/,
  ),
  rule(
    'delimiter',
    'role-heading',
    0.6,
    /(?:^|\n)[ \t]{0,8}#{2,6}[ \t]{0,3}(?:(?:new |end of )?(?:system|instructions?|assistant|developer|human|user|response)(?: (?:prompt|message|instructions?|input))?)[ \t]{0,3}(?::|$|\n)/,
  ),
  rule(
    'delimiter',
    'role-label',
    0.6,
    /(?:^|\n)[ \t>*_{[(]{0,8}(?:system|assistant|developer)(?: (?:message|prompt|note|override|announ\S{0,12}))?[*_\])]{0,3}[ \t]{0,3}:[ \t"]{0,4}(?:you |ignore|from now|the user|this sim|override|disregard|new |reveal|forget|all |answer|respond|always|never|do not)/,
  ),
  rule('delimiter', 'bracketed-system', 0.6, /[{[(<] ?(?:system|developer|admin)(?: (?:message|note|prompt|override|mode))? ?:/),
  rule('delimiter', 'json-role', 0.75, /["']role["']\s{0,3}:\s{0,3}["'](?:system|assistant|developer|tool)["']/),
  rule(
    'delimiter',
    'end-of-prompt',
    0.65,
    /(?:[-=*#<[]{2}|\b)[ \t]{0,3}(?:end|begin|beginning|start) of (?:the )?(?:system |user |previous |untrusted )?(?:prompt|instructions|user input|user query|context|system message)|user (?:input|query) (?:ends|starts) here|system announ.{0,3}cement/,
  ),
  rule(
    'exfiltration',
    'image-with-data',
    0.85,
    /!\[[^\]\n]{0,200}\]\(\s{0,3}https?:\/\/[^)\s]{0,400}[?=/&][^)\s]{0,100}(?:[{<[]|%7b|\$\{|secret|prompt|conversation|history|context|api_?key|password|stolen|exfil|user_?data)/,
  ),
  rule('exfiltration', 'image-with-query', 0.35, /!\[[^\]\n]{0,200}\]\(\s{0,3}https?:\/\/[^)\s?]{1,400}\?[^)\s=]{1,60}=/),
  rule(
    'exfiltration',
    'html-image-with-data',
    0.7,
    /<img\s[^>]{0,200}src\s{0,2}=\s{0,2}["']?https?:\/\/[^>"'\s]{0,300}\?[^>"'\s]{0,100}(?:[{<[]|secret|prompt|data|cookie|history|token)/,
  ),
  rule('exfiltration', 'script', 0.6, /<script[\s>]|javascript:[a-z(]|onerror\s{0,2}=/),
]
