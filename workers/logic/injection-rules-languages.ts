import type { InjectionCategory, InjectionRule } from './injection-rules-phrase.ts'
import { phraseRule as rule } from './injection-rules-phrase.ts'

/*
 * The basics of the English rules in other languages, on folded text (ü is u, ß is ss, ç is c). Words for "order" in the sense of
 * a purchase (Auftrag, commande, pedido, encomenda) count only with "all" and "previous", or not at all.
 */

/** Scripts without spaces, or with words that end in many ways: no phrase borders. */
const plain = (category: InjectionCategory, name: string, weight: number, pattern: RegExp): InjectionRule => ({
  name,
  category,
  weight,
  pattern,
})

export const LANGUAGES: readonly InjectionRule[] = [
  rule(
    'override',
    'ignore-instructions-de',
    0.85,
    '(?:ignorier(?:e|t|en)?|vergiss|vergesst|vergessen|missacht(?:e|en)|ubergeh(?:e|en)|uberspring(?:e|en)|verwirf|verwerfen)(?: sie| bitte| einfach| nun| jetzt){0,3} (?:(?:alle|die|deine|ihre|dir|ihnen|samtliche|jegliche|gegebenen) ){1,3}(?:(?:bisherigen|vorherigen|vorigen|obigen|fruheren|vorangegangenen|vorausgegangenen|vorhergehenden|anderen|gegebenen|urspronglichen|deine|ihre) ){0,3}(?:anweisung(?:en)?|anordnung(?:en)?|instruktion(?:en)?|befehle?|auftrage|aufgaben|regeln|vorgaben|informationen|richtlinien|einschrankungen|anfragen|dokumente|texte)',
  ),
  rule(
    'override',
    'forget-everything-de',
    0.8,
    '(?:vergiss|vergessen sie|ignoriere|ignorieren sie) (?:einfach |bitte |nun )?(?:alles|all das|was) ?(?:[,:] ?(?:und )?(?:schreib|sag|gib|antwort)|davor|vorher|zuvor|bisher|oben|was (?:du|ich|sie|oben|davor|vorher)|du weisst|andere)',
  ),
  rule(
    'override',
    'new-tasks-de',
    0.7,
    '(?:nun|jetzt) (?:folgen|kommen|gelten) (?:die |deine |ihre )?(?:neuen?|andere|weitere) (?:anweisungen|instruktionen|regeln|aufgaben)|(?:alle|die) (?:vorherigen|bisherigen) (?:informationen|anweisungen|aufgaben|angaben) (?:hinter sich|aus dem kopf|beiseite)',
  ),
  rule(
    'override',
    'previous-is-void-de',
    0.8,
    '(?:alle|alles|samtliche) (?:bisherigen|vorherigen|obigen|fruheren|bisherige|zuvor|bisher)~~(?:irrelevant|ungultig|unwichtig|hinfallig|egal|nicht mehr)',
  ),
  rule(
    'extraction',
    'reveal-prompt-de',
    0.75,
    '(?:zeig(?:e|en)?|nenn(?:e|en)?|verrat(?:e|en)?|gib|geben|druck(?:e|en)?|wiederhol(?:e|en)?|schreib(?:e|en)?|wie lauten?|was (?:ist|sind|steht in)|offenbar(?:e|en)?)(?: mir| sie| uns| bitte| aus| alle| nochmal| jetzt| genau){0,4} (?:deine[nrs]?|ihre[nrs]?|den|die|das|alle|obige[nrs]?|dein) ?(?:gesamten |vollstandigen |kompletten |ursprunglichen |ersten |geheimen )?(?:system ?prompts?|systemnachricht|systemanweisung(?:en)?|prompt ?texte?|prompts?|anweisungen|instruktionen)(?! (?:fur|zu|zum|zur|uber|wie|auf|im|in))',
  ),
  rule(
    'jailbreak',
    'from-now-on-de',
    0.75,
    '(?:ab jetzt|von nun an|ab sofort|von jetzt an|jetzt) (?:bist du|sind sie|handelst du|agierst du|antwortest du|spielst du|verhaltst du) (?!zu|zustandig)',
  ),
  rule(
    'jailbreak',
    'act-as-de',
    0.75,
    '(?:ich (?:mochte|will)) (?:dass )(?:du|sie) (?:als|wie|ein|so tust)|(?:du (?:sollst|musst)) (?:als|dich als)~~(?:fungieren|agieren|ausgeben|handeln)|(?:tu|tue|tun sie) so als|spiel(?:e|en sie)? die rolle',
  ),
  rule(
    'tool-abuse',
    'say-only-this-de',
    0.55,
    '(?:sag|sage|sagen sie|schreib|schreibe|antworte|antworten sie|gib) (?:mir |einfach |jetzt |nur |bitte |ausschliesslich |mit ){1,4}(?:zugriff|zugang|ja|nein|den satz|die worte|das wort)',
  ),

  rule(
    'override',
    'ignore-instructions-fr',
    0.85,
    '(?:ignor(?:e|ez|er)|oubli(?:e|ez|er)|ne (?:tiens|tenez) pas compte|fais abstraction|faites abstraction|neglige[rz]?)(?: de| d)? (?:(?:toutes?|tous|tout|les|des|tes|vos|ces|de|la|l) ){1,4}(?:precedentes? )?(?:instructions?|consignes?|directives?|regles?|ordres|commandes systeme|informations?)(?: (?:precedente?s?|anterieure?s?|ci dessus|donnees?|recues?|que)|(?= et)|$|[.!])',
  ),
  rule(
    'override',
    'forget-everything-fr',
    0.8,
    '(?:oublie|oubliez|ignore|ignorez) tout (?:ce (?:que|qui)|avant|le reste|ci dessus)',
  ),
  rule(
    'extraction',
    'reveal-prompt-fr',
    0.75,
    '(?:montre|montrez|affiche|affichez|donne|donnez|revele|revelez|repete|repetez|ecris|ecrivez|imprime|quel(?:le)?s? (?:est|sont))(?: moi| nous| toutes?| integralement| tout){0,3} (?:ton|tes|votre|vos|le|les|l) ?(?:prompts?|invite|instructions? (?:systeme|initiales?|secretes?|cachees?)|message systeme|consignes? (?:systeme|initiales?))',
  ),
  rule(
    'jailbreak',
    'from-now-on-fr',
    0.75,
    '(?:a partir de maintenant|desormais|dorenavant) (?:tu (?:es|seras|vas|dois|agis|reponds)|vous (?:etes|serez|allez agir|devez repondre|agissez)|ton nom|reponds)',
  ),
  rule(
    'jailbreak',
    'act-as-fr',
    0.65,
    '(?:agis|agissez|comporte toi|comportez vous|fais comme|faites comme) (?:comme|en tant qu|en tant que|si tu|si vous)|(?:fais|faites) semblant d|je veux que tu (?:agisses|fasses|joues|sois)',
  ),

  rule(
    'override',
    'ignore-instructions-es',
    0.85,
    '(?:ignor(?:a|e|en|ar)|olvid(?:a|e|en|ar|ate)|omit(?:a|e)|desatiend(?:e|a)|descart(?:a|e)|haz caso omiso|no (?:sigas|hagas caso))(?: de| a)? (?:(?:todas?|todos?|las|los|tus|sus|de|cualquier|estas|esas) ){1,4}(?:anteriores |previas )?(?:instrucci(?:on|ones)|ordenes|directrices|reglas|indicaciones|directivas|restricciones|comandos)',
  ),
  rule(
    'override',
    'forget-everything-es',
    0.8,
    '(?:olvida|olvide|ignora|ignore) (?:todo|todas?|todos?) (?:lo (?:anterior|que|dicho|de arriba)|anterior|esto)',
  ),
  rule(
    'extraction',
    'reveal-prompt-es',
    0.75,
    '(?:muestra|muestrame|dime|dame|revela|revelame|repite|escribe|imprime|ensename|cual(?:es)? (?:es|son)|comparte)(?: me| todo| todas| exactamente){0,2} (?:tu|tus|su|sus|el|las|los|la) ?(?:prompts?|instrucciones? (?:del sistema|iniciales|secretas|ocultas|originales)|mensaje del? sistema|indicaciones (?:del sistema|iniciales))',
  ),
  rule(
    'jailbreak',
    'from-now-on-es',
    0.75,
    '(?:a partir de ahora|desde ahora|de ahora en adelante|a partir de este momento) (?:eres|seras|actua|actuas|actuaras|responde|responderas|debes (?:actuar|responder)|vas a (?:actuar|ser|responder)|tu (?:nombre|rol)|finge)',
  ),
  rule(
    'jailbreak',
    'act-as-es',
    0.6,
    '(?:actua|comportate|haz) como (?:si|un|una|el|la|mi)|(?:finge|simula|imagina) (?:que eres|ser)|quiero que (?:actues|finjas|seas|hagas de)',
  ),

  rule(
    'override',
    'ignore-instructions-pt',
    0.85,
    '(?:ignor(?:e|a|em|ar)|esquec(?:a|am|er|e)|desconsider(?:e|a|ar)|descart(?:e|a|ar)|nao siga)(?: de)? (?:(?:todas?|todos?|as|os|suas?|tuas?|seus|de|quaisquer|essas|estas) ){1,4}(?:anteriores |previas )?(?:instruco?(?:es|ao)|ordens|diretrizes|regras|orientacoes|comandos|diretivas|restricoes)',
  ),
  rule(
    'override',
    'forget-everything-pt',
    0.8,
    '(?:esqueca|esquece|ignore|desconsidere) tudo (?:o que|que|acima|isso|anterior|antes)',
  ),
  rule(
    'extraction',
    'reveal-prompt-pt',
    0.75,
    '(?:mostre|mostra|diga|me diga|revele|repita|escreva|imprima|qual (?:e|sao)|quais sao|compartilhe|exiba)(?: me| todo| todas){0,2} (?:o|a|os|as|seu|sua|seus|suas|teu|tuas) ?(?:seu |suas )?(?:prompts?|instrucoes (?:do sistema|iniciais|secretas|ocultas|originais)|mensagem do sistema)',
  ),
  rule(
    'jailbreak',
    'from-now-on-pt',
    0.75,
    '(?:a partir de agora|de agora em diante|doravante|daqui em diante) (?:voce (?:e|sera|deve (?:agir|responder)|vai (?:agir|ser|responder)|age)|tu es|aja|responda|seu (?:nome|papel)|finja)',
  ),
  rule(
    'jailbreak',
    'act-as-pt',
    0.6,
    '(?:aja|atue|comporte se|haja) como (?:se|um|uma|o|a)|(?:finja|simule|imagine) (?:que (?:voce e|e)|ser)|quero que (?:voce )?(?:aja|atue|finja|seja)',
  ),

  rule(
    'override',
    'ignore-instructions-it',
    0.85,
    '(?:ignor(?:a|ate|i|are)|dimentic(?:a|ate|hi|are)|trascura(?:te)?|non (?:seguire|considerare))(?: di)? (?:(?:tutte|tutti|le|gli|i|tue|vostre|queste) ){1,4}(?:precedenti )?(?:istruzion[ei]|indicazioni|direttive|regole|ordini precedenti|comandi|linee guida)',
  ),
  rule(
    'override',
    'ignore-instructions-nl',
    0.85,
    '(?:negeer|vergeet)(?: alstublieft| aub| nu){0,2} (?:(?:alle|de|je|jouw|uw|al|deze) ){1,4}(?:vorige |eerdere |bovenstaande |voorgaande )?(?:instructies|opdrachten|regels|aanwijzingen|richtlijnen|prompts?)',
  ),
  plain(
    'override',
    'ignore-instructions-ru',
    0.85,
    /(?:игнорир|забуд|проигнорир|отбрось)\p{L}{0,8} (?:\p{L}{2,12} ){0,3}(?:инструкци|указани|правил|команд|распоряжени)/u,
  ),
  plain(
    'override',
    'ignore-instructions-tr',
    0.85,
    /(?:onceki|yukaridaki|tum|butun)[^.!?]{0,30}(?:talimat|komut|yonerge|kural)[^.!?]{0,20}(?:yok say|gormezden gel|unut|dikkate alma)/u,
  ),
  plain(
    'override',
    'ignore-instructions-zh',
    0.85,
    /(?:忽略|无视|無視|忘记|忘記|忘掉)[^。!?！？\n]{0,12}(?:指令|指示|规则|規則|提示|命令|设定)/u,
  ),
  plain('override', 'ignore-instructions-ja', 0.85, /(?:指示|命令|ルール|プロンプト|指令)[^。!?！？\n]{0,6}(?:無視|忘れ)/u),
  plain('override', 'ignore-instructions-ko', 0.85, /(?:지시|명령|지침|규칙|프롬프트)[^.!?\n]{0,10}(?:무시|잊)/u),
  plain(
    'override',
    'ignore-instructions-ar',
    0.85,
    /(?:تجاهل|انس)\p{L}{0,3} (?:\p{L}{1,8} ){0,2}(?:التعليمات|الاوامر|القواعد|التوجيهات)/u,
  ),
  plain('extraction', 'reveal-prompt-cjk', 0.75, /(?:系统提示|系統提示|系统指令|システムプロンプト|시스템 ?프롬프트)/u),
]
