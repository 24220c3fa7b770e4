"""The words of mail programs in the languages that they speak.

Sources: what Outlook, Apple Mail, Gmail, Yahoo and QQ write, the translations of Thunderbird and K-9 Mail.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping

FROM, SENT, DATE, TO, COPY, SUBJECT = "from", "sent", "date", "to", "copy", "subject"
"""The roles of lines in a header block. `SENT`: a date, in words that only mail programs use."""
_COLUMNS = FROM, SENT, DATE, TO, COPY, SUBJECT
_HEADERS = """
af | Van | Gestuur | Datum | Aan | Cc | Onderwerp
ar | من; المرسل | تم الإرسال; تاريخ الإرسال; مرسل; أرسلت; الإرسال | التاريخ | إلى; الى | نسخة; نسخة إلى | الموضوع; موضوع
az | Kimdən; Göndərən | Göndərildi; Göndərilib | Tarix | Kimə | Surət | Mövzu
be | Ад; Ад каго | Адпраўлена; Даслана | Дата | Каму | Копія | Тэма
bg | От; Подател | Изпратено; Изпратен; Изпратена | Дата | До; Получател | Копие; Як | Относно; Тема
bs | Od; Pošiljalac | Poslano; Poslato | Datum | Za; Prima | Kopija | Predmet; Tema
ca | De | Enviat; Enviat el; Enviada | Data | A; Per a | Cc; A/c | Assumpte; Tema
cs | Od; Odesílatel | Odesláno; Posláno | Datum | Komu; Příjemce | Kopie | Předmět; Věc
cy | Oddi wrth | Anfonwyd | Dyddiad | At | Cc | Pwnc
da | Fra; Afsender | Sendt | Dato | Til; Modtager | Cc; Kopi | Emne
de | Von; Absender | Gesendet; Gesendet am; Empfangen | Datum | An; Empfänger | Cc; Kopie; Kopie (CC) | Betreff; Thema
el | Από; Αποστολέας | Στάλθηκε; Εστάλη; Αποστολή | Ημερομηνία | Προς | Κοιν.; Κοιν; Κοινοποίηση | Θέμα
en | From; Sender | Sent; Received | Date | To | Cc; Bcc; Reply-To | Subject
eo | De | Sendita; Sendita je | Dato | Al | Kopio | Temo
es | De; Remitente | Enviado; Enviado el; Enviada; Enviado em | Fecha | Para; A; Destinatario | CC; CCO | Asunto
et | Saatja; Kellelt | Saadetud; Saatmisaeg | Kuupäev | Adressaat; Kellele; Saaja | Koopia | Teema; Pealkiri
eu | Nork; Bidaltzailea; Igorlea | Bidalita; Bidalia; Bidaltze-data | Data | Nori; Hartzailea | Kopia | Gaia
fa | از; فرستنده | ارسال شده; ارسال‌شده; ارسال; فرستاده شده | تاریخ | به; گیرنده | رونوشت; رونوشت به | موضوع
fi | Lähettäjä | Lähetetty; Lähetysaika | Päivämäärä; Päiväys; Pvm | Vastaanottaja | Kopio | Aihe
fil | Mula kay; Mula sa | Ipinadala | Petsa | Kay; Para kay; Para sa | Cc | Paksa
fr | De; Expéditeur | Envoyé; Envoyé le; Envoyée | Date | À; Pour; Destinataire | Cc; Copie; Copie à | Objet; Sujet
ga | Ó | Seolta | Dáta | Chuig; Go | Cc | Ábhar
gl | De; Dende | Enviado; Enviado o | Data | Para | Cc | Asunto
he | מאת; מ | נשלח; נשלחה; תאריך שליחה | תאריך | אל; ל | עותק; העתק | נושא
hi | प्रेषक; द्वारा; से | भेजा गया; प्रेषित; भेजा | दिनांक; तारीख | प्रति; प्राप्तकर्ता; को | प्रतिलिपि | विषय
hr | Od; Šalje; Pošiljatelj | Poslano; Datum slanja | Datum | Prima; Za; Primatelj | Kopija | Predmet; Naslov
hu | Feladó; Küldő | Elküldve; Küldve; Küldés ideje | Dátum | Címzett | Másolat; Másolatot kap | Tárgy
hy | Ումից; Ուղարկող | Ուղարկվել է; Ուղարկված է | Ամսաթիվ | Ում; Ստացող | Պատճեն | Թեմա; Առարկա
id | Dari; Pengirim | Dikirim; Terkirim; Dikirimkan | Tanggal | Kepada; Untuk; Ke | Tembusan | Perihal; Subjek; Subyek
is | Frá; Sendandi | Sent; Sendur; Sendi | Dagsetning | Til; Viðtakandi | Afrit | Efni; Viðfangsefni
it | Da; Mittente | Inviato; Inviato il; Inviata | Data | A; Per; Destinatario | Cc; Ccn | Oggetto
ja | 差出人; 送信者; 送信元 | 送信日時; 送信日; 送信済み; 送信時刻 | 日付; 日時 | 宛先; 送信先; 受信者 | CC | 件名; 題名
ka | ვისგან; გამომგზავნი; გამგზავნი | გაგზავნილია; გაგზავნილი | თარიღი | ვის; მიმღები | ასლი | თემა; საგანი
kk | Кімнен; Жіберуші | Жіберілді; Жіберілген; Жіберілген күні | Күні | Кімге | Көшірме; Көшірмесі | Тақырып; Тақырыбы
ko | 보낸 사람; 보낸사람; 발신자 | 보낸 날짜; 보낸날짜; 보냄; 전송됨 | 날짜 | 받는 사람; 받는사람; 수신자 | 참조 | 제목
lt | Nuo; Siuntėjas | Išsiųsta; Siųsta; Išsiuntimo data | Data | Kam; Gavėjas | Kopija | Tema
lv | No; Sūtītājs | Nosūtīts; Nosūtīta; Nosūtīja; Sūtīts | Datums | Kam; Adresāts; Saņēmējs | Kopija | Temats; Tēma
mk | Од | Испратено; Испратена | Датум | До; За | Копија | Предмет; Тема
ms | Daripada; Dari | Dihantar | Tarikh | Kepada | Sk; Salinan; Salinan Kepada | Subjek; Perkara
nb | Fra; Avsender | Sendt | Dato | Til; Mottaker | Kopi; Kopi til | Emne
nl | Van; Afzender | Verzonden; Verstuurd | Datum | Aan; Ontvanger | CC; Kopie | Onderwerp
nn | Frå | Sendt; Send | Dato | Til | Kopi | Emne
pl | Od; Nadawca | Wysłano; Wysłane; Wysłany | Data | Do; Adresat | DW; UDW; Kopia | Temat
pt | De; Remetente | Enviado; Enviada; Enviado em; Enviada em | Data | Para; Destinatário | Cc; Bcc | Assunto
ro | Expeditorul; Expeditor | | | Destinatar | |
ro | De la; De | Trimis; Trimis la | Dată; Data | Către; La; Destinatarul | Copie | Subiect; Subiectul
ru | От; От кого; Отправитель | Отправлено; Послано; Дата отправки | Дата | Кому; Получатель | Копия | Тема
sk | Od; Odosielateľ | Odoslané; Poslané | Dátum | Komu; Pre | Kópia | Predmet
sl | Od; Pošiljatelj | Poslano | Datum | Za; Prejemnik | Kp; Kopija | Zadeva
sq | Nga; Prej | Dërguar; Dërguar më; U dërgua | Data | Për; Drejt | Kopje | Subjekti; Subjekt
sr-Cyrl | Од; Шаље; Пошиљалац | Послато; Датум слања | Датум | За; Прима; Прималац | Копија | Тема; Наслов
sr-Latn | Od; Pošiljalac | Poslato | Datum | Za; Prima; Primalac | Kopija | Tema; Naslov
sv | Från; Avsändare | Skickat; Skickad | Datum | Till; Mottagare | Kopia; Kopia till | Ämne
th | จาก; ผู้ส่ง | ส่ง; ส่งเมื่อ; วันที่ส่ง | วันที่ | ถึง; ผู้รับ | สำเนา; สำเนาถึง | เรื่อง; หัวเรื่อง; ชื่อเรื่อง
tr | Kimden; Gönderen | Gönderildi; Gönderilen; Gönderme Tarihi; Gönderilme Tarihi | Tarih | Kime; Alıcı | Bilgi | Konu
uk | Від; Від кого; Відправник | Надіслано; Відправлено; Дата надсилання | Дата | Кому; Одержувач | Копія | Тема
uz | Kimdan | Yuborildi; Yuborilgan | Sana | Kimga | Nusxa | Mavzu
vi | Từ; Người gửi | Đã gửi; Gửi; Gửi lúc; Ngày gửi | Ngày | Đến; Tới; Người nhận | Đồng gửi | Chủ đề; Tiêu đề
zh-Hans | 发件人; 发信人 | 发送时间; 发送日期; 已发送; 发送; 发件时间 | 日期; 时间 | 收件人 | 抄送 | 主题; 标题
zh-Hant | 寄件者; 寄件人 | 寄件日期; 傳送時間; 傳送日期; 已傳送 | 日期; 時間 | 收件者; 收件人 | 副本 | 主旨; 主題
"""
"""For each language what programs write before the sender, the date (two columns), recipients, copies, the subject."""

WROTE = """
wrote; writes; schrieb; schreibt; geschrieben; a écrit; escribió; ha scritto; scrive; schreef; geschreven; escreveu
skrev; skriver; skreiv; kirjoitti; napisała?; pisze; napsala?; napísala?; napisala?; napisao; piše; yazdı; пишет
писала?; написала?; написав; пише; піше; напісаў; написа; έγραψε; a scris; ha escrit; escribiu; skrifaði; kirjutas
rakstīja; rašė; írta; idatzi zuen; idatzi du; menulis; membalas; đã viết; viết; shkroi; yozdi; жазды; жазған
ysgrifennodd; scríobh; isinulat ni; skreau; skribis; aliandika; Quoting; Zitat von; Citando; Citeren
"""
"""Verbs that follow or precede a name, as patterns."""
WROTE_UNSPACED = """
写道; 寫道; 写于; 写到; 書きました; 書き込みました; のメール; のメッセージ; 작성; 쓴 글; เขียน; लिखा; লিখেছেন
எழுதியது; రాశారు; ಬರೆದಿದ್ದಾರೆ; എഴുതി; લખ્યું; نوشت; كتب; كَتَب; تمت كتابة; כתב; נכתב על ידי; כותב; שלח; წერს; დაწერა
գրել է; បានសរសេរ
"""
"""The same in scripts without blanks, or whose letters Python does not count as words."""

FORWARDED = """
forward; fwd; weitergeleitet; transféré; transmis; réexpédié; reenvi; rinvi; inoltrat; doorgestuurd; doorgezonden
trochstjoerd; encaminhad; vidarebefordra; videresend; vidaresend; edelleenlähet; välitet; przekazan; przekazywan
przesłan; přeposl; přeposíl; preposl; preposiel; továbbít; redirecțion; redirecţion; пересыл; пересил; перенаправ
переслан; переадрес; препрат; проследен; прослеђен; proslijeđ; prosleđ; posredova; προωθ; iletilen; iletilmiş
yönlendiril; ileti başlangıcı; 转发; 轉寄; 轉發; 転送; 전달; chuyển tiếp; diteruskan; terusan; dimajukan
dikirim semula; dipanjangkan; הועבר; המועבר; מועבר; ممر; معاد توجي; إعادة توجي; محول; محوّل; ارسال مجدد; بازارسال
هدایت; فوروارد; ส่งต่อ; अग्रेषित; फ़ॉरवर्ड; áframsen; edastatud; pārsūtīt; persiųst; reunvi; birbidal; përcjell
перанакір; перасла; әрі қарай жіберілген; გადაგზავნილ; გადამისამართ; փոխանց; վերահասց; uzatilgan; renvià
"""
"""Parts of programs' words for a forwarded mail, in the line above it."""
ORIGINAL = """
original; ursprüngliche nachricht; d'origine; d’origine; oorspronk; origineel; ursprungligt; oprindelig; opprinnelig
opphavleg; alkuperäinen; oryginaln; původní; pôvodn; eredeti; исходн; оригинал; початков; зыходн; αρχικ; πρωτότυπ
izvorn; izvirn; özgün; orijinal; pesan asli; orisinal; mesej asal; thư gốc; tin nhắn gốc; 原始; 原邮件; 原郵件; 元の
元メ; 원본; מקור; الأصلي; الاصلي; اصلی; نخستین; ต้นฉบับ; मूल; algne; sākotnēj; origināl; jatorriz; orixinal
upprunaleg; reply message; asl xabar; түпнұсқа; თავდაპირველ; საწყის; բնօրինակ; origjinal; oarspronklik; wreiddiol
"""
"""Parts of programs' words for the mail that is answered, in the line above it."""

ABOVE_THIS_LINE = """
above this line; oberhalb dieser zeile; oberhalb dieser linie; über dieser zeile; über dieser linie; über diese zeile
au-dessus de cette ligne; au dessus de cette ligne; encima de esta línea; arriba de esta línea; acima desta linha
acima dessa linha; acima da linha; sopra questa riga; sopra questa linea; sopra a questa riga; boven deze regel
boven deze lijn; ovanför den här raden; ovanför denna rad; over denne linje; rivin yläpuolelle; viivan yläpuolelle
powyżej tej linii; powyżej tego wiersza; nad tą linią; nad tento řádek; nad tímto řádkem; nad tento riadok
nad týmto riadkom; e sor fölé; ezen sor fölé; a sor fölé; над этой строкой; выше этой строки; над этой линией
над цим рядком; вище цього рядка; bu satırın üst; bu satırın üzerin; bu çizginin üst; πάνω από αυτή τη γραμμή
πάνω από αυτήν τη γραμμή; deasupra acestei linii; deasupra acestui rând; מעל שורה זו; מעל השורה הזו; מעל לשורה זו
فوق هذا السطر; أعلى هذا السطر; この行より上; この行の上; この線より上; この線の上; 此行上方; 此行之上; 此行以上
此线上方; 此線上方; 此线以上; 此線以上; 이 줄 위; 이 행 위; 이 선 위; 이 라인 위; trên dòng này; เหนือบรรทัดนี้
di atas baris ini
di atas garis ini; над този ред; iznad ovog retka; iznad ove linije; nad to vrstico; virš šios eilutės; virs šīs rindas
"""
"""How help desks ask to answer above what they wrote."""
REPLY = """
answer; comment; kommentar; reply; replies
respon; antwort; répon; repon; respuesta; risposta; antwoord; svar; vasta; odpow; odpov; válasz; ответ; відпов
yanıt; cevap; απάντ; răspun; תגוב; תשוב; השב; رد; 返信; 回复; 回覆; 答复
답장; 회신; 답변; trả lời; ตอบ; balas; отговор; atsaky; atbild
"""
"""Parts of words for an answer: a request without dashes has one."""
POINTING = """
see below; see inline; see in-line; see my comments; see my answers; answers below; answer below; comments below
replies below; responses below; comments inline; answers inline; replies inline; reply inline; responses inline
inline below; answered inline; commented inline; siehe unten; s.u.; s. u.; unten im text; im text unten
antworten unten; antworten stehen unten; direkt im text; voir ci-dessous; réponses ci-dessous; dans le texte
ver abajo; respuestas abajo; más abajo; ver abaixo; respostas abaixo; vedi sotto; risposte sotto; zie onder
zie hieronder; se nedan; svar nedan; se nedenfor; svar nedenfor; viz níže; patrz poniżej; ks. alla; см. ниже
ниже в тексте; див. нижче; aşağıda cevap; aşağıda yanıt; lásd lent; vezi mai jos; δείτε παρακάτω; ראה למטה; انظر أدناه
インライン; 见下文; 見下文; 아래에 답; xem bên dưới
"""
"""How authors say that they have written into the mail below."""
COLOURS = """
in red; in blue; in green; in rot; in blau; in grün; en rouge; en bleu; en rojo; en azul; em vermelho; em azul
in rosso; in blu; in het rood; in het blauw; i rött; i blått; med rødt; i rødt; med blått; červeně; modře; na czerwono
na niebiesko; punaisella; sinisellä; красным; синим; червоним; синім; kırmızı; mavi; pirossal; kékkel; με κόκκινο
cu roșu; באדום; בכחול; بالأحمر; 赤字; 青字; 红字; 紅字; 红色; 紅色; 蓝色; 빨간; 파란; màu đỏ; màu xanh
"""
"""The same by a colour, where they speak of an answer."""

FORWARD_PREFIXES = """
fwd; fw; wg; tr; rv; i; enc; pd; doorst; vb; vl; vs; fs; redir; ilt; πρθ; προ; továbbítás; továbbítva; tov; yml
trs; пересл; переслано; пер; пд; преп; 转发; 转寄; 转; 轉寄; 轉發; 転送; 전달; הועבר; העברה; إعادة توجيه; توجيه
ส่งต่อ; videresend; videresendt; vidarebefordrat; pārs; pārsūtīts; persiųsta; edasi; přeposláno; preposlané
proslijeđeno; prosleđeno; posredovano; ct; chuyển tiếp; reenv; reenviado; weiterleitung; encaminhado; inoltro
inoltrato; doorgestuurd; przekazane; forward; forwarded
"""
"""Beginnings of subjects of forwarded mails."""
REPLY_PREFIXES = """
re; aw; antw; antwort; sv; r; rif; res; resp; rép; odp; od; odg; ynt; cev; cvp; yanıt; vá; válasz; vast; răsp; rasp
απ; σχετ; atb; ats; отв; ответ; на; відп; відповідь; одг; 回复; 回覆; 答复; 答覆; 回信; 返信; 回應; 回; 답장; 회신
답변; תגובה; השב; מענה; رد; رد على; پاسخ; ตอบ; ตอบกลับ; bls; balas; tl; trả lời; svar; reply
"""
"""Beginnings of subjects of answers."""


SENT_FROM = """
yahoo mail: search; hol dir outlook; holen sie sich outlook; outlook’u edinin; get bluemail;
sent from; sent via; sent with; get outlook for; get the outlook app; from my; von meinem; von meiner; gesendet von
gesendet mit; gesendet aus; diese nachricht wurde von; outlook für; envoyé de; envoyé depuis; envoyé à partir de
envoyé avec; télécharger outlook; obtenir outlook; enviado desde; enviado con; enviado de; enviado do; enviado através
enviado via; enviado pelo; enviada do; obtener outlook; obtén outlook; descarga outlook; obter o outlook
baixar o outlook; inviato da; inviato dal; inviato con; scarica outlook; ottieni outlook; verzonden vanaf
verzonden met; verzonden via; verstuurd vanaf; verstuurd met; outlook voor; skickat från; skickades från; skickat med
hämta outlook; sendt fra; sendt via; sendt med; hent outlook; få outlook; lähetetty; hanki outlook; wysłane z
wysłano z; wysłane za; pobierz program outlook; pobierz aplikację outlook; odesláno z; odesláno pomocí; získat outlook
stáhnout outlook; odoslané z; odoslané zo; získať outlook; küldve; elküldve az; az outlook beszerzése
trimis de pe; trimis din
trimis de la; obțineți outlook; poslano s; poslano z; poslano iz; poslano sa; poslato sa; poslato iz; послато са
dohvatite outlook; изпратено от; изпратено с; отправлено с; отправлено из; отправлено от; отправлено через
скачать outlook; надіслано з; надіслано через; відправлено з; адпраўлена; στάλθηκε από; αποστολή από; εστάλη από
λήψη του outlook; gönderildi; outlook'u edinin; נשלח מ; تم الإرسال من; أرسلت من; مرسل من; أرسل من; ارسال شده از
ارسال از; ส่งจาก; gửi từ; đã gửi từ; được gửi từ; dikirim dari; terkirim dari; dihantar dari; dapatkan outlook
发自我的; 发自; 发送自; 从我的; 來自我的; 從我的; 傳送自; 寄自; 获取 outlook; 取得 outlook; から送信; からの送信; を入手
에서 보냄; 에서 보냈습니다; 에서 보낸; enviat des; enviat amb; bidalia; saadetud; sūtīts no; nosūtīts no; išsiųsta iš
siųsta iš; sendita per; sent úr; sent með; dërguar nga; жіберілді
"""
"""How programs say which device or program a mail was sent from."""
DEVICES = """
iphon; ipad; ipod; ios; android; galaxy; samsung; huawei; xiaomi; redmi; oneplus; pixel; nokia; blackberry; windows
mac; apple; smartphone; mobile; mobil; mobiltelefon; mobiel; móvil; handy; tablet; telefon; téléphone; telefono
teléfono; telefoon; phone; device; gerät; outlook; yahoo; proton; gmail; mail; aol; gmx; web.de; k-9; fairemail; spark
мобильн; мобільн; airmail; thunderbird; bluemail; typeapp; mailbird; superhuman; missive; shortwave
fastmail; canary; newton; tutanota; e-mail; app; 手机; 手機; 스마트폰; айфон; телефон; телефона; κινητό; טלפון
هاتف; كمبيوتر; อุปกรณ์; điện thoại; ponsel
"""
"""Such a line has at least one of these words."""
CONFIDENTIAL = """
confidential; privileged; intended recipient; disclaimer; vertraulich; confidentiel; destinataire; confidencial
destinatario; riservat; vertrouwelijk; konfidentiell; fortrolig; luottamuksellin; poufn; důvěrn; bizalmas
confidențial; povjerljiv; конфиденциальн; конфіденційн; gizli; 机密; 機密; 機密情報; 기밀; سري; חסוי; before printing
bevor sie diese; please consider the environment; registered in; handelsregister; geschäftsführer; registergericht
sitz der gesellschaft; ust-id; vat; unsubscribe; mailing list; reply to this email; receiving this because
for viruses; virus-free; auf viren; вирус; antivirus
"""
"""Parts of what companies, lists and services put below signatures."""


def _words(text: str) -> frozenset[str]:
    return frozenset(folded(one) for line in text.strip().split("\n") for one in line.split(";") if one.strip())


def folded(word: str) -> str:
    """Return a word as words are compared here: composed, without case, without marks of direction."""
    if word.isascii():
        return word.casefold().strip()
    bare = word.replace("\u200e", "").replace("\u200f", "").replace("\u200c", "")
    # A Turkish capital I with a dot becomes two letters: an i, and a dot above.
    return unicodedata.normalize("NFC", bare).casefold().replace("i\u0307", "i").strip()


def alternatives(text: str) -> str:
    """Return the words of a list as alternatives of a pattern, longest first."""
    found = (one.strip() for line in text.strip().split("\n") for one in line.split(";"))
    return "|".join(sorted(filter(None, found), key=lambda one: (-len(one), one)))


def _roles(rows: Iterable[str]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for row in rows:
        for role, words in zip(_COLUMNS, row.split("|")[1:], strict=True):
            for word in filter(str.strip, words.split(";")):
                found.setdefault(folded(word), role)
    return found


ROLES = _roles(_HEADERS.strip().split("\n"))
"""{name of a header, folded: its role}."""
FORWARD_MARKS, ORIGINAL_MARKS = tuple(sorted(_words(FORWARDED))), tuple(sorted(_words(ORIGINAL)))
FORWARDS, ANSWERS = _words(FORWARD_PREFIXES), _words(REPLY_PREFIXES) - _words(FORWARD_PREFIXES)
SENT_FROM_MARKS, DEVICE_WORDS = tuple(sorted(_words(SENT_FROM))), _words(DEVICES)
CONFIDENTIAL_MARKS = tuple(sorted(_words(CONFIDENTIAL)))
ABOVE_MARKS, REPLY_MARKS = tuple(sorted(_words(ABOVE_THIS_LINE))), tuple(sorted(_words(REPLY)))
