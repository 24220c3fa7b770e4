"""What mail programs write around quoted and forwarded mails, in 27 languages, as mails of theirs show it.

One block for each language: `re`, `fw` (prefixes of subjects); `outlook`: the names of From, Sent, To and Subject, and
a date; `gmail`, `apple`, `thunderbird`, `yahoo`: the line above a quote; `begins`: what Apple Mail writes above a
forwarded mail, with the names of From, Subject, Date and To; `forwarded`: the same of Thunderbird (Subject, Date, From,
To); `passed`: the line of Yahoo; `ask`, `say`: somebody's words. N: the name, M: the address, T: the time.
"""

from __future__ import annotations

from collections.abc import Mapping

_BLOCKS = """
en
re RE
fw FW
outlook From|Sent|To|Subject|Thursday, November 26, 2026 T AM
gmail On Thu, Nov 26, 2026 at T AM N <M> wrote:
apple On 26 Nov 2026, at T, N <M> wrote:
thunderbird On 11/26/26 T, N wrote:
yahoo On Thursday, November 26, 2026 at T:00 AM GMT+1, N <M> wrote:
begins Begin forwarded message:|From|Subject|Date|To
forwarded -------- Forwarded Message --------|Subject|Date|From|To
passed ----- Forwarded Message -----
ask Could you send the offer by Friday?
say Of course, you will have it tomorrow.

de
re AW
fw WG
outlook Von|Gesendet|An|Betreff|Donnerstag, 26. November 2026 T
gmail Am Do., 26. Nov. 2026 um T Uhr schrieb N <M>:
apple Am 26.11.2026 um T schrieb N <M>:
thunderbird Am 26.11.26 um T schrieb N:
yahoo Am Donnerstag, 26. November 2026 um T:00 MEZ hat N <M> Folgendes geschrieben:
begins Anfang der weitergeleiteten Nachricht:|Von|Betreff|Datum|An
forwarded -------- Weitergeleitete Nachricht --------|Betreff|Datum|Von|An
passed ----- Weitergeleitete Nachricht -----
ask Können Sie das Angebot bis Freitag schicken?
say Gern, Sie haben es morgen früh.

fr
re RE
fw TR
outlook De |Envoyé |À |Objet |jeudi 26 novembre 2026 T
gmail Le jeu. 26 nov. 2026 à T, N <M> a écrit :
apple Le 26 nov. 2026 à T, N <M> a écrit :
thunderbird Le 26/11/2026 à T, N a écrit :
yahoo Le jeudi 26 novembre 2026 à T:00 UTC+1, N <M> a écrit :
begins Début du message transféré :|De|Objet|Date|À
forwarded -------- Message transféré --------|Sujet |Date |De |Pour
passed ----- Message transmis -----
ask Pouvez-vous envoyer le devis avant vendredi ?
say Bien sûr, vous l'aurez demain matin.

es
re RE
fw RV
outlook De|Enviado|Para|Asunto|jueves, 26 de noviembre de 2026 T
gmail El jue, 26 nov 2026 a las T, N (<M>) escribió:
apple El 26 nov 2026, a las T, N <M> escribió:
thunderbird El 26/11/26 a las T, N escribió:
yahoo El jueves, 26 de noviembre de 2026, T:00 CET, N <M> escribió:
begins Inicio del mensaje reenviado:|De|Asunto|Fecha|Para
forwarded -------- Mensaje reenviado --------|Asunto|Fecha|De|Para
passed ----- Mensaje reenviado -----
ask ¿Puede enviar la oferta antes del viernes?
say Claro, la tendrá mañana por la mañana.

it
re R
fw I
outlook Da|Inviato|A|Oggetto|giovedì 26 novembre 2026 T
gmail Il giorno gio 26 nov 2026 alle ore T N <M> ha scritto:
apple Il giorno 26 nov 2026, alle ore T, N <M> ha scritto:
thunderbird Il 26/11/26 T, N ha scritto:
yahoo Il giovedì 26 novembre 2026 alle ore T:00 CET, N <M> ha scritto:
begins Inizio messaggio inoltrato:|Da|Oggetto|Data|A
forwarded -------- Messaggio Inoltrato --------|Oggetto|Data|Mittente|A
passed ----- Messaggio inoltrato -----
ask Può mandare l'offerta entro venerdì?
say Certo, la avrà domani mattina.

pt
re RES
fw ENC
outlook De|Enviada em|Para|Assunto|quinta-feira, 26 de novembro de 2026 T
gmail Em qui., 26 de nov. de 2026 às T, N <M> escreveu:
apple Em 26 de nov. de 2026, à(s) T, N <M> escreveu:
thunderbird Em 26/11/2026 T, N escreveu:
yahoo Em quinta-feira, 26 de novembro de 2026 às T:00 BRT, N <M> escreveu:
begins Início da mensagem encaminhada:|De|Assunto|Data|Para
forwarded -------- Mensagem encaminhada --------|Assunto|Data|De|Para
passed ----- Mensagem encaminhada -----
ask Pode enviar a proposta até sexta-feira?
say Claro, vai recebê-la amanhã cedo.

nl
re Antw
fw Doorst
outlook Van|Verzonden|Aan|Onderwerp|donderdag 26 november 2026 T
gmail Op do 26 nov 2026 om T schreef N <M>:
apple Op 26 nov 2026, om T heeft N <M> het volgende geschreven:
thunderbird Op 26-11-2026 om T schreef N:
yahoo Op donderdag 26 november 2026 om T:00 CET schreef N <M>:
begins Begin doorgestuurd bericht:|Van|Onderwerp|Datum|Aan
forwarded -------- Doorgestuurd bericht --------|Onderwerp|Datum|Van|Aan
passed ----- Doorgestuurd bericht -----
ask Kunt u de offerte voor vrijdag sturen?
say Zeker, u hebt hem morgenochtend.

sv
re SV
fw VB
outlook Från|Skickat|Till|Ämne|den 26 november 2026 T
gmail Den tors 26 nov. 2026 kl T skrev N <M>:
apple 26 nov. 2026 kl. T skrev N <M>:
thunderbird Den 2026-11-26 kl. T, skrev N:
yahoo Den torsdag 26 november 2026 T:00 CET, N <M> skrev:
begins Vidarebefordrat mejl:|Från|Ämne|Datum|Till
forwarded -------- Vidarebefordrat meddelande --------|Ämne|Datum|Från|Till
passed ----- Vidarebefordrat meddelande -----
ask Kan ni skicka offerten före fredag?
say Absolut, ni får den i morgon.

da
re SV
fw VS
outlook Fra|Sendt|Til|Emne|26. november 2026 T
gmail Den tor. 26. nov. 2026 kl. T skrev N <M>:
apple Den 26. nov. 2026 kl. T skrev N <M>:
thunderbird Den 26.11.2026 kl. T skrev N:
yahoo Den torsdag den 26. november 2026 T:00 CET skrev N <M>:
begins Start på videresendt besked:|Fra|Emne|Dato|Til
forwarded -------- Videresendt meddelelse --------|Emne|Dato|Fra|Til
passed ----- Videresendt meddelelse -----
ask Kan I sende tilbuddet inden fredag?
say Selvfølgelig, I får det i morgen.

nb
re SV
fw VS
outlook Fra|Sendt|Til|Emne|torsdag 26. november 2026 T
gmail tor. 26. nov. 2026 kl. T skrev N <M>:
apple 26. nov. 2026 kl. T skrev N <M>:
thunderbird Den 26.11.2026 T, skrev N:
yahoo torsdag 26. november 2026 T:00 CET skrev N <M> følgende:
begins Videresendt melding:|Fra|Emne|Dato|Til
forwarded -------- Videresendt melding --------|Emne|Dato|Fra|Til
passed ----- Videresendt melding -----
ask Kan dere sende tilbudet innen fredag?
say Selvsagt, dere får det i morgen.

fi
re VS
fw VL
outlook Lähettäjä|Lähetetty|Vastaanottaja|Aihe|torstai 26. marraskuuta 2026 T
gmail to 26. marrask. 2026 klo T N (M) kirjoitti:
apple N <M> kirjoitti 26.11.2026 kello T:
thunderbird N kirjoitti 26.11.2026 klo T:
yahoo torstai 26. marraskuuta 2026 klo T:00 UTC+2 N <M> kirjoitti:
begins Välitetty viesti alkaa:|Lähettäjä|Aihe|Päivämäärä|Vastaanottaja
forwarded -------- Välitetty viesti / Fwd.Msg --------|Aihe|Päiväys|Lähettäjä|Vastaanottaja
passed ----- Edelleenlähetetty viesti -----
ask Voitteko lähettää tarjouksen perjantaihin mennessä?
say Totta kai, saatte sen huomenna.

pl
re Odp
fw PD
outlook Od|Wysłano|Do|Temat|czwartek, 26 listopada 2026 T
gmail czw., 26 lis 2026 o T N <M> napisał(a):
apple Wiadomość napisana przez N <M> w dniu 26 lis 2026, o godz. T:
thunderbird W dniu 26.11.2026 o T, N pisze:
yahoo W dniu czwartek, 26 listopada 2026 T:00 CET N <M> napisał(a):
begins Początek przekazywanej wiadomości:|Od|Temat|Data|Do
forwarded --- Treść przekazanej wiadomości ---|Temat|Data|Nadawca|Adresat
passed ----- Przekazana wiadomość -----
ask Czy możecie wysłać ofertę do piątku?
say Oczywiście, będzie jutro rano.

cs
re RE
fw FW
outlook Od|Odesláno|Komu|Předmět|čtvrtek 26. listopadu 2026 T
gmail čt 26. 11. 2026 v T odesílatel N <M> napsal:
apple 26. 11. 2026 v T, N <M>:
thunderbird Dne 26. 11. 26 v T N napsal(a):
yahoo Dne čtvrtek 26. listopadu 2026 T:00 SEČ, N <M> napsal(a):
begins Začátek přeposílané zprávy:|Od|Předmět|Datum|Komu
forwarded -------- Přeposlaná zpráva --------|Předmět|Datum|Od|Komu
passed ----- Přeposlaná zpráva -----
ask Můžete poslat nabídku do pátku?
say Jistě, dostanete ji zítra ráno.

sk
re RE
fw FW
outlook Od|Odoslané|Komu|Predmet|štvrtok 26. novembra 2026 T
gmail št 26. 11. 2026 o T N <M> napísal(a):
apple 26. 11. 2026, o T, N <M> napísal(a):
thunderbird Dňa 26. 11. 2026 o T N napísal(a):
yahoo Dňa štvrtok 26. novembra 2026, T:00 SEČ, N <M> napísal(a):
begins Začiatok preposlanej správy:|Od|Predmet|Dátum|Pre
forwarded -------- Preposlaná správa --- Forwarded Message --------|Predmet|Dátum|Od|Pre
passed ----- Preposlaná správa -----
ask Môžete poslať ponuku do piatku?
say Samozrejme, dostanete ju zajtra.

hu
re Vá
fw Továbbítás
outlook Feladó|Elküldve|Címzett|Tárgy|2026. november 26., csütörtök T
gmail N <M> ezt írta (időpont: 2026. nov. 26., Cs, T):
apple 2026. 11. 26. dátummal, T időpontban N <M> írta:
thunderbird 2026. 11. 26. T keltezéssel, N írta:
yahoo 2026. november 26. csütörtök T:00 CET, N <M> ezt írta:
begins Továbbított levél kezdete:|Feladó|Tárgy|Dátum|Címzett
forwarded -------- Továbbított üzenet --------|Tárgy|Dátum|Feladó|Címzett
passed ----- Továbbított üzenet -----
ask El tudják küldeni az ajánlatot péntekig?
say Természetesen, holnap reggel megkapják.

ro
re RE
fw Redir.
outlook De la|Trimis|Către|Subiect|joi, 26 noiembrie 2026 T
gmail În joi, 26 nov. 2026 la T, N <M> a scris:
apple Pe 26 nov. 2026, la T, N <M> a scris:
thunderbird La 26.11.2026 T, N a scris:
yahoo joi, 26 noiembrie 2026 la T:00 EET, N <M> a scris:
begins Începe mesajul redirecționat:|Expeditorul|Subiectul|Dată|Destinatarul
forwarded -------- Mesaj redirecționat --------|Subiect|Dată|de la|Către
passed ----- Mesaj redirecționat -----
ask Puteți trimite oferta până vineri?
say Desigur, o veți avea mâine.

hr
re RE
fw FW
outlook Od|Poslano|Prima|Predmet|četvrtak, 26. studenoga 2026. T
gmail čet, 26. stu 2026. u T N <M> napisao je:
apple Dana 26. stu 2026., u T, N <M> napisao je:
thunderbird 26.11.2026. u T, N piše:
yahoo U četvrtak, 26. studenoga 2026. u T:00 CET, N <M> je napisao/la:
begins Započni proslijeđenu poruku:|Šalje|Predmet|Datum|Prima
forwarded -------- Proslijeđena poruka --------|Naslov|Datum|Šalje|Prima
passed ----- Proslijeđena poruka -----
ask Možete li poslati ponudu do petka?
say Naravno, dobit ćete je sutra.

ru
re RE
fw FW
outlook От|Отправлено|Кому|Тема|26 ноября 2026 г. T
gmail чт, 26 нояб. 2026 г. в T, N <M>:
apple 26 нояб. 2026 г., в T, N <M> написал(а):
thunderbird 26.11.2026 T, N пишет:
yahoo четверг, 26 ноября 2026 г. в T:00 GMT+3, N <M> написал(-а):
begins Начало переадресованного сообщения:|Отправитель|Тема|Дата|Кому
forwarded -------- Перенаправленное сообщение --------|Тема|Дата|От|Кому
passed ----- Пересылаемое сообщение -----
ask Вы могли бы прислать предложение до пятницы?
say Конечно, завтра утром пришлю.

uk
re RE
fw FW
outlook Від|Надіслано|Кому|Тема|26 листопада 2026 р. T
gmail чт, 26 лист. 2026 р. о T N <M> пише:
apple 26 лист. 2026 р. о T N <M> пише:
thunderbird 26.11.2026 T, N пише:
yahoo четвер, 26 листопада 2026 р. о T:00 EET, N <M> пише:
begins Початок листа, що пересилається:|Від кого|Тема|Дата|Кому
forwarded -------- Переслане повідомлення --------|Тема|Дата|Від|Кому
passed ----- Перенаправлене повідомлення -----
ask Чи можете надіслати пропозицію до п'ятниці?
say Звісно, матимете її завтра.

el
re ΑΠ
fw ΠΡΘ
outlook Από|Στάλθηκε|Προς|Θέμα|Πέμπτη, 26 Νοεμβρίου 2026 T
gmail Στις Πέμ 26 Νοε 2026 στις T π.μ., ο χρήστης N <M> έγραψε:
apple Στις 26 Νοε 2026, στις T, ο χρήστης N <M> έγραψε:
thunderbird Στις 26/11/26 T, ο/η N έγραψε:
yahoo Στις Πέμπτη 26 Νοεμβρίου 2026 στις T:00 π.μ. EET, ο χρήστης N <M> έγραψε:
begins Έναρξη προωθημένου μηνύματος:|Από|Θέμα|Ημερομηνία|Προς
forwarded -------- Προωθημένο μήνυμα --------|Θέμα|Ημερομηνία|Από|Προς
passed ----- Προωθημένο μήνυμα -----
ask Μπορείτε να στείλετε την προσφορά ως την Παρασκευή;
say Βεβαίως, θα την έχετε αύριο.

tr
re YNT
fw İLT
outlook Kimden|Gönderildi|Kime|Konu|26 Kasım 2026 Perşembe T
gmail N <M>, 26 Kas 2026 Per, T tarihinde şunu yazdı:
apple N <M> şunları yazdı (26 Kas 2026 T):
thunderbird 26.11.2026 T tarihinde N yazdı:
yahoo 26 Kasım 2026 Perşembe T:00 GMT+3 tarihinde N <M> şunu yazdı:
begins İleti başlangıcı:|Kimden|Konu|Tarih|Kime
forwarded -------- İletilen İleti --------|Konu|Tarih|Kimden|Kime
passed ----- İletilmiş Mesaj -----
ask Teklifi cumaya kadar gönderebilir misiniz?
say Elbette, yarın sabah elinizde olur.

he
re RE
fw FW
outlook מאת|נשלח|אל|נושא|יום חמישי 26 נובמבר 2026 T
gmail \u202bבתאריך יום ה׳, 26 בנוב׳ 2026 ב-T מאת \u202aN\u202c\u200f <\u202aM\u202c\u200f>:\u202c
apple ב-26 בנוב׳ 2026, בשעה T, \u200fN <M> כתב/ה:
thunderbird נכתב על ידי N, ב־26.11.2026 בשעה T:
yahoo ביום חמישי 26 בנובמבר 2026 בשעה T:00 GMT+2, N <M> כתב:
begins תחילת ההודעה שהועברה:|מאת|נושא|תאריך|אל
forwarded -------- הודעה שהועברה --------|נושא|תאריך|מאת|אל
passed ----- הודעה שהועברה -----
ask האם תוכלו לשלוח את ההצעה עד יום שישי?
say בוודאי, תקבלו אותה מחר בבוקר.

ja
re RE
fw 転送
outlook 差出人|送信日時|宛先|件名|2026年11月26日木曜日 T
gmail 2026年11月26日(木) T N <M>:
apple 2026/11/26 T、N <M>のメール:
thunderbird On 2026/11/26 T, N wrote:
yahoo 2026年11月26日木曜日 T:00 JST、N <M>さんは書きました:
begins 転送されたメッセージ：|差出人|件名|日付|宛先
forwarded -------- Forwarded Message --------|Subject|Date|From|To
passed ----- 転送されたメッセージ -----
ask 金曜日までに見積書を送っていただけますか。
say はい、明日の朝にお送りします。

ko
re 회신
fw 전달
outlook 보낸 사람|보낸 날짜|받는 사람|제목|2026년 11월 26일 목요일 오전 T
gmail 2026년 11월 26일 (목) 오전 T, N <M>님이 작성:
apple 2026. 11. 26. 오전 T, N <M> 작성:
thunderbird 26. 11. 26. T에 N 이(가) 쓴 글:
yahoo 2026년 11월 26일 목요일 오전 T:00 GMT+9, N <M>님이 작성:
begins 전달된 메시지:|보낸 사람|제목|날짜|받는 사람
forwarded -------- 전달된 메시지 --------|제목|날짜|보낸 사람|받는 사람
passed ----- 전달된 메시지 -----
ask 금요일까지 견적서를 보내 주실 수 있나요?
say 네, 내일 아침에 보내 드리겠습니다.

zh-Hans
re 回复
fw 转发
outlook 发件人|发送时间|收件人|主题|2026年11月26日 T
gmail N <M> 于2026年11月26日周四 T写道：
apple 2026年11月26日 T，N <M> 写道：
thunderbird 在 2026/11/26 T, N 写道:
yahoo 2026年11月26日星期四 GMT+8 T:00, N <M> 写道：
begins 开始转发的邮件：|发件人|主题|日期|收件人
forwarded -------- 转发的消息 --------|主题|日期|发件人|收件人
passed ----- 转发的邮件 -----
ask 请问您能在周五之前发报价单吗？
say 好的，明天早上发给您。

zh-Hant
re 回覆
fw 轉寄
outlook 寄件者|寄件日期|收件者|主旨|2026年11月26日 上午 T
gmail N <M> 於 2026年11月26日 週四 上午T寫道：
apple N <M> 於 2026年11月26日 上午T 寫道：
thunderbird N 於 2026/11/26 T 寫道:
yahoo 2026年11月26日 星期四 上午T:00 [GMT+8]，N <M> 寫道：
begins 開始轉寄郵件：|寄件人|主旨|日期|收件人
forwarded -------- 轉寄郵件 --------|主旨|日期|寄件者|收件者
passed ----- 轉寄郵件 -----
ask 請問您能在週五前寄報價單嗎？
say 好的，明天早上寄給您。

vi
re TL
fw CT
outlook Từ|Đã gửi|Đến|Chủ đề|26 Tháng Mười Một 2026 T SA
gmail Vào Th 5, 26 thg 11, 2026 vào lúc T N <M> đã viết:
apple Vào T, 26 thg 11, 2026, N <M> đã viết:
thunderbird Vào lúc T 26/11/2026, N đã viết:
yahoo Vào Thứ Năm, 26 tháng 11, 2026 vào lúc T:00 GMT+7, N <M> đã viết:
begins Bắt đầu thư được chuyển tiếp:|Từ|Chủ đề|Ngày|Tới
forwarded -------- Tin nhắn đã được chuyển tiếp --------|Chủ đề|Ngày|Từ|Đến
passed ----- Tin nhắn đã chuyển tiếp -----
ask Anh có thể gửi báo giá trước thứ Sáu không?
say Vâng, sáng mai anh sẽ nhận được.
"""


def _block(text: str) -> Mapping[str, str]:
    return dict(line.split(" ", 1) for line in text.split("\n")[1:])


WRITTEN: Mapping[str, Mapping[str, str]] = {
    text.partition("\n")[0]: _block(text.lstrip("\n")) for text in _BLOCKS.strip("\n").split("\n\n")
}
"""{language: {what: how}}."""
