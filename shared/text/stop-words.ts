/**
 * Words that say nothing about the subject, folded as `tokenize` folds them (lower case, no accents, no apostrophes).
 * Small on purpose: a word that could be the only clue in some question (`not`, `off`, `on`) costs little to keep as a
 * candidate because BM25 gives it next to no weight, but "no"/"not" never decide a search and are left out.
 */
const ENGLISH = `a about above after again all also am an and any are arent as at be because been before being below between both
but by can cant cannot could couldnt did didnt do does doesnt doing dont down during each either else even ever few for from
further get gets getting got had hadnt has hasnt have havent having he hello her here hers hey hi him his how however i id if
ill im in into is isnt it its itself ive just kindly let lets like may me might mine more most much must my myself neither no nor
not now of off on once one only or other our ours ourselves out over own per please quite rather really same shall she should
shouldnt since so some still such than thank thanks that thats the their theirs them themselves then there theres these they
theyre this those though through thus to too under until up upon us very via was wasnt we were werent what whats when whenever
where whether which while who whom whose why will with within without wont would wouldnt yes yet you youd youll your youre yours
yourself youve`

const GERMAN = `aber alle als also am an auch auf aus bei bin bis bitte da damit dann das dass dein dem den der des dich die dies
diese diesem diesen dieser doch dort du durch ein eine einem einen einer eines er es etwas euch euer fur habe haben hallo hat
ich ihm ihn ihnen ihr ihre im in ist ja jede kann kein keine konnen man mein meine mich mir mit muss nach nicht noch nun nur ob
oder ohne schon sehr sein seine sich sie sind so soll und uns unser unter vom von vor wann warum was weil wenn wer werden wie
wieder wir wird wo wurde zu zum zur uber`

const FRENCH = `ai alors au aucun aussi autre aux avec avoir bonjour ce cela ces cet cette comme comment dans de des donc du elle
elles en est et etre eu fait il ils je la le les leur lui ma mais me merci mes moi mon ne nos notre nous on ont ou par pas peut
plus pour pourquoi puis quand que quel quelle quels qui sa sans se ses si son sont sur ta te tes toi ton tous tout tres tu un une
vos votre vous y`

const SPANISH = `al algo ante antes aqui asi aun cada como con cual cuando de del desde donde el ella ellos en entre era es esa ese
eso esta estan este esto estos fue gracias ha hace hacer han hasta hay hola la las le les lo los mas me mi mis muy nada ni no nos
nosotros o para pero por porque puede puedo que quien se ser si sin sobre son su sus tambien te tengo tiene todo tu un una uno
unos usted y ya yo`

const PORTUGUESE = `ao aos as ate com como da das de dele do dos e ela ele eles em entre era essa esse esta este eu foi isso isto ja
lhe mais mas me mesmo meu minha muito na nao nas nem no nos nossa nosso num numa o obrigado ola os ou para pela pelo pode por
porque posso qual quando que quem sao se sem ser seu sua tambem te tem tenho um uma voce voces`

const split = (words: string): string[] => words.split(/\s+/)
const EVERYWHERE: ReadonlySet<string> = new Set(split(ENGLISH))
const BY_LANGUAGE: Readonly<Record<string, ReadonlySet<string>>> = {
  en: EVERYWHERE,
  de: new Set(split(GERMAN)),
  fr: new Set(split(FRENCH)),
  es: new Set(split(SPANISH)),
  pt: new Set(split(PORTUGUESE)),
}
/** Without knowing the language: words that are stop words somewhere and hardly mean anything elsewhere. */
const SHARED: ReadonlySet<string> = new Set(
  Object.values(BY_LANGUAGE)
    .flatMap((words) => [...words])
    .filter(
      (word) => !['die', 'man', 'plus', 'sobre', 'era', 'son', 'fait', 'ton', 'sin', 'as', 'mine', 'ma', 'mas'].includes(word),
    ),
)

/** @param language ISO 639-1; without one, the words of all five languages count, save those that mean something in English */
export function isStopWord(word: string, language?: string): boolean {
  const list = language === undefined ? SHARED : (BY_LANGUAGE[language] ?? SHARED)
  return list.has(word)
}
