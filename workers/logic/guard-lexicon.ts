/**
 * Words of many languages by what they mean to somebody who orders a machine about. A stem ends in `*`; no entry holds a space. Scripts
 * without spaces are searched for an entry anywhere in a run of letters. Folded as all text is before matching, so accents may be left out.
 */
export const GUARD_LEXICON: Readonly<Record<string, string>> = {
  ignore: `
    ignor* disregard* forget* overlook* neglect* bypass* overrid* overrul* discard* abandon* dismiss* disobey* skip* erase*
    wipe* cancel* vergiss* vergessen* missacht* uberspring* oubli* neglig* olvid* omit* descart* esquec* desconsider*
    dimentic* trascur* negeer* vergeet* zignoruj* zapomn* pomin* zapomen* ignorui* забуд* игнор* пренебре* отброс* забыт*
    ігнор* забудь* unut* gormezden* yoksay* تجاهل* انس* نادیده* فراموش* התעלם* תשכח* अनदेख* भूल* नज़रअंदाज* উপেক্ষা* ভুলে*
    忽略 无视 無視 忘记 忘記 忘掉 不要理会 忘れ 무시 잊어 잊고 เพิกเฉย ละเว้น ลืม quen* abaikan* lupakan* balewal* huwag* kalimutan* αγνοησ* ξεχασ*
    glom* ignorera* glem* unohda*`,
  prior: `
    previous* prior preceding earlier former foregoing before above past aforementioned beforehand vorherig* vorig* fruher*
    bisherig* obig* oben zuvor davor precedent* anterieur* avant dessus anterior* previ* arriba antes acima preceden* sopra
    prima vorige eerdere bovenstaande hierboven poprzedni* wczesniejsz* powyzsz* powyzej predchoz* предыдущ* прежн* выше
    раньше попередн* вище onceki* yukaridaki* yukari* السابق* اعلاه قبل قبلی بالا הקודמ* למעלה पिछल* पहले ऊपर পূর্ববর্তী*
    আগের* উপরের* 之前 以前 上面 上述 先前 前面 以上 上の 上記 前の 最初 이전 위의 위에 앞의 ก่อนหน้า ข้างบน ด้านบน truoc* tren sebelumnya diatas atas
    nakaraan* προηγουμεν* παραπανω tidigare ovan* tidligere`,
  rules: `
    instruction* directive* prompt* rule rules guideline* guidance command* programming restriction* constraint* safeguard*
    guardrail* polic* briefing brief directions orders preamble mandate anweisung* instruktion* vorgabe* richtlinie* regel*
    befehl* consigne* regle* instrucc* indicacion* regla* norma* instruc* diretriz* regra* orientac* istruzion* direttiv*
    regol* indicazion* opdracht* richtlijn* instrukcj* polecen* zasad* wytyczn* pravidl* pokyn* инструкц* указани* правил*
    команд* інструкц* правила* вказівк* talimat* kural* komut* yonerge* تعليمات* التعليمات* قواعد* القواعد* اوامر* الاوامر*
    توجيهات* دستور* הוראות* ההנחיות* הכללים* निर्देश* नियम* আদেশ* নির্দেশ* নিয়ম* 指令 指示 规则 規則 提示 命令 设定 设置 说明 ルール プロンプト 지시 명령
    지침 규칙 프롬프트 คำสั่ง กฎ huong* lenh quy* instruksi* aturan* perintah* tagubilin* utos* οδηγι* κανον* instruktioner* regler*`,
  system: `
    system* sys initial original* hidden secret confidential internal developer verborgen* geheim* ursprunglich* cache*
    secret* confidentiel* oculto* secreto* escondid* nascost* segret* tajn* ukryt* скрыт* секретн* тайн* системн* прихован*
    gizli* sistem* النظام السري* مخفي* סודי* מערכת* गुप्त* सिस्टम* গোপন* সিস্টেম* 系统 系統 秘密 隐藏 初始 システム 初期 시스템 비밀 초기 숨겨 ระบบ
    ลับ bi mat he rahasia* tersembunyi* lihim* κρυφ* συστημα* hemlig* dold*`,
  say: `
    say* said tell* print* output* write* wrote reply* respond* answer* return type types state echo* utter* shout*
    pronounce announce* confirm sag sage sagen schreib* antwort* druck* dis dites ecri* repond* di diga dime decir escrib*
    contest* imprim* escrev* diz scriv* rispond* stampa zeg schrijf* antwoord* powiedz* napisz* odpowi* rekni* napis* скажи*
    напиши* ответ* отвеч* выведи* скажі* soyle* yaz yazin yanit* cevap* قل اكتب* اجب* بگو* بنویس* תגיד* תכתוב* अजब बोल* लिख*
    कहो* জবাব* বল* লেখ* লিখ* 说 說 写 寫 回答 回复 输出 輸出 打印 言って 書いて 答え 出力 말해 답해 대답 출력 써줘 พูด เขียน ตอบ พิมพ์ noi viet tra katakan*
    tulis* jawab* sabihin* isulat* sagutin* πες γραψ* απαντησ* saga skriv* svara* svar* sano* kirjoita*`,
  show: `
    show* reveal* repeat* display* give gimme list recite* dump* paste* copy quote* spell* summari* disclose* share* expose*
    leak* provide* describe* explain* restate* cite read export* regurgitat* divulge* zeig* wiederhol* nenn* gib verrat*
    montr* affich* repet* donn* revel* muestr* mostr* repit* dame ensen* copia* mostre* compartilh* ripet* rivel* toon*
    herhaal* geef pokaz* powtorz* wymien* ujawn* ukaz* zopakuj* покаж* повтор* перечисл* раскро* назов* goster* tekrar* ver
    listele* اعرض* اظهر* كرر* اكشف* نشان* تکرار* הצג* חזור* תראה* दिखा* दोहरा* बता* দেখা* পুনরাবৃত্তি* 显示 顯示 重复 重複 告诉 展示 列出
    泄露 透露 見せ 繰り返 教え 表示 보여 반복 알려 แสดง บอก ทวน ทำซ้ำ hien* lap cho tiet lo tunjuk* tampilkan* ulangi* beri* ipakita* ulitin*
    δειξ* επαναλαβ* visa upprepa vis gentag nayta toista*`,
  secret: `
    password* passwort* passphrase* passcode* pasfraz* passord* credential* token tokens apikey key keys pin code codes
    codeword kennwort* codewort* mot passe motdepasse contrasena* clave* senha* chave* parola* chiave* wachtwoord* haslo*
    hasla* kluc* heslo* парол* ключ* код коды sifre* anahtar* المرور السر المفتاح رمز رمزعبور סיסמ* מפתח* पासवर्ड* पासफ्रेज*
    कुंजी* পাসওয়ার্ড* 密码 密碼 口令 密钥 密鑰 暗号 パスワード パスフレーズ 鍵 비밀번호 암호 키 รหัสผ่าน รหัส mat khau khoa sandi* kunci* κωδικ* losenord*
    adgangskode* salasana*`,
  you: `
    you your yours yourself u ur ya du dich dir dein* ihre ihr ihnen sie tu te toi ton ta tes vous votre vos tus su sus
    usted ti tuyo voce seu sua seus suas tuo tua tuoi tue vostr* je jij jouw uw twoj* twoje cie ciebie tobie ty tebe tvoj*
    твой твои тво* тебе тебя ты вы ваш* вам вас ти ви sen sana senin siz sizin انت لك תך אתה את שלך तुम आप अपन* तुम्हार*
    आपक* তুমি আপনি তোমার আপনার 你 您 あなた 君 お前 너 네가 당신 คุณ เธอ ban cua kamu anda kau mu ka mo ikaw inyo σου σας εσυ ditt dina
    dig dit dine sinun sinulle`,
  i: `
    i i'm im me my mine myself we our us ich mich mir mein* wir uns je moi mon ma mes nous yo mi mis nosotros eu meu minha
    io mio mia noi ik mijn mij ja moj* mnie muj* я мне мой моя мои меня мы нам ben bana benim biz انا لي אני שלי मैं मुझे
    मेर* আমি আমার 我 我们 私 僕 俺 나 내 제 저 ฉัน ผม toi saya aku ako ko μου εγω jag mig min`,
  machine: `
    ai bot bots chatbot* robot* assistant* machine model llm gpt* chatgpt claude gemini agent assistent* asistente*
    assistente* modell* modele modelo* modello* бот* помощник* ассистент* asistan* مساعد* روبوت* ربات* דגם* עוזר* सहायक*
    रोबोट* 助手 机器人 機器人 模型 アシスタント ロボット 어시스턴트 로봇 챗봇 ผู้ช่วย หุ่นยนต์ tro robot asisten* katulong* βοηθ*`,
  role: `
    role* persona* character* act acting pretend* roleplay* play playing simulat* imagin* become impersonat* behave*
    personality identity rolle* spiel* verhalt* tu tue fais agis comport* joue* actua* comporta* finge* finja* aja atue
    comporte* recita* fingi* comportati* gedraag* doe speel* udawaj* zachowuj* predstirej* chovej притвор* действуй* веди
    роль прикин* rol gibi davran* تظاهر* تصرف* دور* وانمود* תתנהג* תעמיד* अभिनय* भूमिका* नाटक* 假装 假裝 扮演 角色 模拟 ふり 演じ なりき 役 척
    역할 연기 แกล้ง สวมบทบาท gia vo dong vai berpura* berperan* magpanggap* προσποι* latsas spela lad rolle`,
  now: `
    now henceforth hereby onward* onwards jetzt sofort nun fortan ab maintenant desormais dorenavant ahora adelante agora
    doravante diante adesso ora poi nu vanaf teraz odtad ted nyni теперь сейчас отныне впредь тепер відтепер artik simdi
    bundan الان فصاعدا اکنون עכשיו מעכשיו अब 现在 從現在 从现在 今から これから 今後 지금 이제 앞으로 ต่อไปนี้ ตั้งแต่ bay gio tu sekarang mulai
    ngayon τωρα fran fra`,
  only: `
    only just simply exactly solely exclusively nothing except verbatim literally nur einfach genau ausschliesslich nichts
    wortlich seulement juste uniquement rien exactement solo solamente unicamente nada exactamente apenas somente so
    soltanto niente alleen precies niets tylko wylacznie dokladnie jen pouze только лишь просто ничего дословно лише тільки
    sadece yalnizca aynen فقط سوى רק בלבד केवल सिर्फ बस শুধু হুবহু 只 仅 僅 只能 だけ のみ 그대로 만 오직 เท่านั้น chi hanya saja lamang
    μονο bara endast bare kun vain`,
  all: `
    all every everything everyone any anything whatever whole entire* full complete alles alle jede* gesamte* ganze*
    vollstandig* tout tous toute toutes integral* entier* todo toda todos todas completo* entero tudo tutto tutti tutte
    tutta volledig* wszystk* caly cale vsechn* cely все всё весь всю полностью усе butun tum hepsi her كل جميع همه תמام הכל
    כל सभी सब पूर* সব সমস্ত 所有 全部 一切 完整 すべて 全て 全文 모든 전부 전체 ทั้งหมด toan bo tat ca semua seluruh lahat buong ολα ολες ολο
    alla allt hela alt kaikki`,
  free: `
    unrestricted unfiltered uncensored limitless unlimited unbound jailbreak* jailbroken restrictionless dan evil amoral
    immoral unethical unhinged ungefiltert* uneingeschrankt* grenzenlos* illimite* sansfiltre ilimitad* censura* libre livre
    illimitat* onbeperkt* nieograniczon* неогранич* свободн* sinirsiz* حر قيود محدود* असीमित* 无限制 不受限 無制限 制限 제한 자유 ไม่จำกัด`,
  grant: `
    granted grant access approved authorized authorised verified unlocked accepted pwned hacked admitted permitted zugang
    zugriff gewahrt erlaubt gehackt zutritt acces autorise accorde pirate acceso concedido autorizado permitido hackeado
    acesso liberado aprovado accesso consentito autorizzato toegang verleend dostep przyznany pristup povolen доступ разреш*
    предоставл* взлом* erisim verildi izin الوصول الدخول مسموح دسترسی גישה प्रवेश पहुंच হ্যাক অ্যাক্সেস 访问 允许 授权 通过 アクセス 許可
    접근 허용 승인 เข้าถึง อนุญาต truy cap akses diberikan pinayagan προσβαση tilltrade beviljad adgang`,
  words: `
    word* phrase* sentence* text* line lines paragraph* message* conversation* chat character* letter* token* wort worte
    worter satz satze nachricht* zeile* gesprach* mot mots texte* palabra* frase* texto* mensaje* palavra* mensagem* parola
    parole testo messaggio* frase woord* zin tekst* bericht* slowo slowa zdani* wiadomos* slovo vet* слов* фраз* текст*
    сообщени* предложени* речення kelime* cumle* metin* metni* mesaj* كلمة* كلمات* النص* نص رسالة* جمله* متن* מילה* הטקסט*
    משפט* शब्द* वाक्य* पाठ* संदेश* লেখা* বার্তা* 文字 内容 內容 句子 文本 消息 词 文章 言葉 メッセージ 글 문장 단어 메시지 내용 ข้อความ คำ van ban tu cau
    teks* kata* pesan* salita* teksto* λεξ* κειμεν* μηνυμα* texten ordet ordene teksten`,
  user: `
    user* users customer* client* nutzer* benutzer* kunde* utilisateur* usuari* cliente* utente* utenti gebruiker*
    uzytkowni* uzivatel* пользовател* клиент* користувач* kullanici* المستخدم* مستخدم* کاربر* המשתמש* उपयोगकर्ता*
    ব্যবহারকারী* 用户 用戶 ユーザー 使用者 사용자 ผู้ใช้ nguoi dung pengguna* gumagamit* χρηστη* anvandar* bruger*`,
  personal: `
    email e-mail mail address* birth* birthday born birthdate phone* telephone ssn salary name* surname initials lives live
    living resid* residence hometown located location geburt* wohn* lebt adresse* anniversaire naissance habit* vit
    nacimiento vive direccion correo nascimento mora endereco nascita abita indirizzo woont geboorte* adres* mieszka* urodz*
    bydli* живет живёт проживает родил* рождения адрес* почт* yasiyor yasa* dogum* posta* يعيش ميلاد* بريد* البريد* عنوان*
    زندگی* रहता* रहती* रहते* जन्म* ईमेल* পতা* ইমেল* বাস* থাকে* 住 住在 生日 出生 邮件 邮箱 电子邮件 地址 住ん メール 誕生 住所 살고 사는 거주 생일 이메일 주소
    อาศัย อีเมล วันเกิด song sinh thu dien tinggal lahir surel nakatira kaarawan ζει γεννησ*`,
  harm: `
    phish* malware* virus* ransomware hack* exploit* steal* weapon* bomb* poison* drug* kill* murder* suicide fraud* scam*
    launder* counterfeit* illegal* malicious keylogger trojan* botnet ddos inject* sql shell reverse rootkit backdoor*
    taschung* betrug* waffe* bombe* hameconnage* arme* estafa* bomba* golpe* truffa* oplichting* bron broni фишинг* взлом*
    бомб* оруж* kimlik avi silah* تصيد* قنبلة* اختراق* फ़िशिंग* फिशिंग* बम* ফিশিং* 钓鱼 炸弹 黑客 病毒 フィッシング 爆弾 피싱 폭탄 해킹 ฟิชชิ่ง
    ระเบิด lua dao bom pengelabuan*`,
  encode: `
    base64 base rot13 hex hexadecimal binary morse cipher caesar encode* decode* encrypt* decrypt* reverse* backward*
    backwards leetspeak piglatin latin anagram* unscramble* concatenat* interleave* kodier* dekodier* verschlussel*
    entschlussel* ruckwarts umgekehrt* encod* decod* chiffr* codific* decodific* invers* descifr* kod* szyfr* кодир*
    декодир* шифр* обратн* наоборот kodla* coz* ters* ترميز* فك عكسي* شفر* एन्कोड* डिकोड* उलट* এনকোড* 编码 解码 反转 倒序 加密 エンコード
    デコード 逆順 逆 인코딩 디코딩 거꾸로 역순 เข้ารหัส ถอดรหัส ย้อนกลับ ma hoa giai dao nguoc kode* terbalik*`,
  suppose: `
    hypothetical* suppose* assuming assume scenario* fiction* story novel movie film dystopi* universe world game
    angenommen* stell hypothetisch* supposons imaginons imagine* hypothese* supongamos imagina* hipotetic* suponha*
    supponiamo immagin* stel zalozmy wyobraz* predstav* представ* предполож* гипотет* уяви* varsay* hayal* تخيل* لنفترض*
    افتراض* فرض* תאר* נניח* कल्पना* मान* ধরুন* কল্পনা* 假设 假設 想象 想像 仮定 もし 상상 가정 สมมติ จินตนาการ gia su tuong bayangkan*
    misalkan* kunwari* φαντασ* υποθεσ*`,
  maker: `
    developer* creator* programmer* administrator* admin boss master owner ceo supervisor manager police officer government
    president engineer* staff entwickler* schopfer* chef besitzer* polizist* polizei developpeur* createur* patron policier*
    desarrollador* creador* jefe* policia* desenvolvedor* criador* chefe* dono sviluppator* capo ontwikkelaar* baas politie*
    programist* szef* tworc* policjant* vyvojar* разработчик* создател* начальник* администратор* полиц* розробник*
    gelistirici* patron* polis* yonetici* مطور* المطور* مدير* شرطي* سازنده* מפתחים* मालिक* डेवलपर* पुलिस* ডেভেলপার* 开发者 開發者
    管理员 老板 警察 主人 開発者 管理者 개발자 관리자 경찰 주인 ผู้พัฒนา ตำรวจ nha phat trien pengembang* polisi* bos`,
  translate: `
    translat* ubersetz* tradui* traduc* traduz* vertaal* przetlumacz* preloz* перевед* переклад* cevir* ترجم* ترجمه* תרגם*
    अनुवाद* অনুবাদ* 翻译 翻譯 訳し 翻訳 번역 แปล dich terjemah* isalin* μεταφρασ* oversatt* oversaet*`,
  order: `
    order* parcel* package* deliver* invoice* refund* account* bill* payment* pay paid card* bank* subscription* ship*
    return* warranty ticket* appointment* booking* flight* hotel* app phone wifi router printer device bestellung* paket*
    rechnung* konto lieferung* commande* colis facture* compte livraison* pedido* paquete* factura* cuenta* envio*
    encomenda* fatura* conta entrega* ordine* pacco fattura* conto bestelling* pakket* factuur* rekening* zamowieni* paczk*
    faktur* objednavk* balik* заказ* посылк* счет* доставк* замовлен* siparis* hesap* kargo* الطلب* طلبي* الفاتورة* حساب*
    سفارش* חשבון* הזמנה* ऑर्डर* खाता* बिल* অর্ডার* 订单 訂單 包裹 发票 账户 退款 注文 荷物 請求 返品 주문 배송 환불 계좌 คำสั่งซื้อ พัสดุ don hang hoa
    pesanan* tagihan*`,
  ignored: `
    ignored disregarded forgot forgotten overlooked neglected bypassed skipped discarded abandoned overrode overridden dismissed erased
    wiped cancelled canceled followed read threw lost ignoriert weggeworfen gelesen befolgt jete perdu ignorado
    olvidado tire perdi ignorei esqueci perdi ignorato dimenticato perso genegeerd vergeten забыл забыла проигнорировал unuttum
    忘れました 忘れた 잊어버렸 잊었 忘了`,
  paper: `
    leaflet* manual* booklet* brochure* handbook* packaging label* carton box sticker* terms contract* warrant* recipe* guide
    anleitung* heft karton* beipackzettel* vertrag* emploi notice* boite carton contrat* folleto* caja contrato* garantia* libretto*
    scatola foglietto* contratto* handleiding* doos folheto* caixa коробк* договор* 说明书 説明書 取扱 설명서 계약`,
}
