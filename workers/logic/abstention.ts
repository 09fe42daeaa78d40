import type { Screened } from '#shared/domain/screened.ts'

type Words = readonly [unsure: string, person: string]

/** By ISO 639-1, of the languages that the detector tells reliably: "I don't have reliable information on that" and who comes instead. */
const WORDS: Readonly<Record<string, Words>> = {
  en: ['I don’t have reliable information on that.', 'I have passed your message on to a colleague, who will get back to you.'],
  de: [
    'Dazu habe ich keine verlässlichen Informationen.',
    'Ich habe Ihre Nachricht an eine Kollegin oder einen Kollegen weitergegeben; Sie bekommen von dort eine Antwort.',
  ],
  fr: ['Je n’ai pas d’informations fiables à ce sujet.', 'J’ai transmis votre message à un collègue, qui vous répondra.'],
  es: ['No tengo información fiable sobre eso.', 'He pasado su mensaje a una persona de nuestro equipo, que le responderá.'],
  it: [
    'Non ho informazioni affidabili su questo.',
    'Ho inoltrato il suo messaggio a una persona del nostro team, che le risponderà.',
  ],
  pt: [
    'Não tenho informações fiáveis sobre isso.',
    'Encaminhei a sua mensagem a uma pessoa da nossa equipa, que lhe responderá.',
  ],
  nl: ['Ik heb daar geen betrouwbare informatie over.', 'Ik heb uw bericht doorgegeven aan een collega, die u zal antwoorden.'],
  sv: [
    'Jag har ingen tillförlitlig information om det.',
    'Jag har skickat ditt meddelande vidare till en kollega, som återkommer till dig.',
  ],
  da: [
    'Jeg har ingen pålidelige oplysninger om det.',
    'Jeg har sendt din besked videre til en kollega, som vender tilbage til dig.',
  ],
  no: ['Jeg har ingen pålitelig informasjon om dette.', 'Jeg har sendt meldingen din videre til en kollega, som vil svare deg.'],
  fi: ['Minulla ei ole siitä luotettavaa tietoa.', 'Välitin viestisi kollegalle, joka vastaa sinulle.'],
  pl: ['Nie mam wiarygodnych informacji na ten temat.', 'Wiadomość została przekazana pracownikowi, który na nią odpowie.'],
  cs: ['O tom nemám spolehlivé informace.', 'Vaši zprávu jsem předal kolegovi, který vám odpoví.'],
  hu: ['Erről nincs megbízható információm.', 'Az üzenetét továbbítottam egy kollégának, aki válaszolni fog Önnek.'],
  ro: ['Nu am informații sigure despre acest lucru.', 'Am transmis mesajul dumneavoastră unui coleg, care vă va răspunde.'],
  tr: ['Bu konuda güvenilir bilgim yok.', 'Mesajınızı bir çalışma arkadaşıma ilettim; size geri dönüş yapacak.'],
  ru: ['У меня нет достоверной информации об этом.', 'Ваше сообщение передано сотруднику, который вам ответит.'],
  uk: ['У мене немає достовірної інформації про це.', 'Ваше повідомлення передано співробітнику, який вам відповість.'],
  el: ['Δεν έχω αξιόπιστες πληροφορίες για αυτό.', 'Προώθησα το μήνυμά σας σε συνάδελφο, που θα σας απαντήσει.'],
  ja: ['その件について確かな情報を持っていません。', '担当者に引き継ぎましたので、追ってご連絡いたします。'],
  zh: ['关于这个问题，我没有可靠的信息。', '我已将您的消息转给同事，他们会回复您。'],
  ko: ['이에 대해 신뢰할 수 있는 정보가 없습니다.', '담당자에게 메시지를 전달했으며, 곧 답변드리겠습니다.'],
  ar: ['ليست لدي معلومات موثوقة حول ذلك.', 'لقد أحلت رسالتك إلى أحد الزملاء، وسيرد عليك.'],
  vi: [
    'Tôi không có thông tin đáng tin cậy về vấn đề này.',
    'Tôi đã chuyển tin nhắn của bạn cho một đồng nghiệp, người đó sẽ trả lời bạn.',
  ],
}

export const ABSTENTION_LANGUAGES = Object.keys(WORDS)
/** Below this the language is a guess, and a wrong one is worse than English. */
const SURE_OF_LANGUAGE = 0.4

/**
 * What a customer is told when a person takes over: in the customer's language where it is known and we have words in it, else in
 * English.
 * @param unsure true where evidence was too weak; false where a person was to answer anyway, such as an emergency
 */
export function handoverMessage(
  screened: Pick<Screened, 'language' | 'languageConfidence'> | undefined,
  unsure: boolean,
): string {
  const known = screened && screened.languageConfidence >= SURE_OF_LANGUAGE && Object.hasOwn(WORDS, screened.language)
  const [first, person] = WORDS[known ? screened.language : 'en']!
  const space = /[。]$/.test(first) ? '' : ' '
  return unsure ? `${first}${space}${person}` : person
}
