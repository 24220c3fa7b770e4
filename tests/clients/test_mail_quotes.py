"""What in a mail is not its own: quoted mails and signatures, as the mail programs of several languages write them."""

from __future__ import annotations

from typing import Any

import pytest

from clients.mail.html import tidy, visible_text
from clients.mail.quotes import without_quotes, without_signature
from clients.mail.quoting.attributions import is_attribution
from clients.mail.quoting.envelope import forwards
from clients.mail.quoting.words import ROLES
from clients.mail.text import MailView
from tests.mail.raw_mails import read_raw

OUTLOOK = "From: Ann <ann@example.org>\nSent: Monday, 2 March 2026 09:00\nTo: Bob\nSubject: Offer\n\nHello Bob"
GERMAN = "Von: Ann <ann@example.org>\nGesendet: Montag, 2. März 2026\nAn: Bob\nBetreff: Angebot\n\nHallo Bob"


@pytest.mark.parametrize(
    ("text", "own"),
    [
        pytest.param("Yes.\n\nOn Mon, 2 Mar 2026 at 09:00, Ann <a@b.example> wrote:\n> Shall we?", "Yes.", id="Gmail"),
        pytest.param(
            "Yes.\n\nOn Mon, 2 Mar 2026 at 09:00, Ann\n<a@b.example> wrote:\n\n> Shall\n>\n> we?", "Yes.", id="folded"
        ),
        pytest.param("Ja.\n\nAm 02.03.26 um 09:00 schrieb Ann:\n> Gehen wir?", "Ja.", id="German"),
        pytest.param("Oui.\n\nLe lun. 2 mars 2026 à 09:00, Ann a écrit :\n> On y va ?", "Oui.", id="French"),
        pytest.param("Sí.\n\nEl lun, 2 mar 2026, Ann escribió:\n> ¿Vamos?", "Sí.", id="Spanish"),
        pytest.param("Да.\n\n2 марта 2026 Анна написала:\n> Идём?", "Да.", id="Russian"),
        pytest.param("Да.\n\nпн, 2 мар. 2026 г. в 09:00, Анна <a@b.example>:\n> Идём?", "Да.", id="Gmail, Russian"),
        pytest.param("はい。\n\n2026年3月2日(月) 9:00 Ann <a@b.example>:\n\n> 行く？", "はい。", id="Gmail, Japanese"),
        pytest.param("Ask one of 2: Ann <a@b.example>:\n\nyes", None, id="own words about an address"),
        pytest.param(
            "Well.\n\nOrder 3 more from Ann <a@b.example>:\n\n> Only 2026 ones?",
            "Well.\n\nOrder 3 more from Ann <a@b.example>:",
            id="own words above a quote",
        ),
        pytest.param("好。\n\n2026年3月2日 Ann 写道：\n> 走吗？", "好。", id="Chinese"),
        pytest.param("Yes.\n\nOn 2 March 2026 Ann wrote:\n\nShall we?\nNow?", "Yes.", id="without marks"),
        pytest.param("Yes.\n\n-----Original Message-----\nFrom: Ann\nShall we?", "Yes.", id="Outlook, old"),
        pytest.param(f"Yes.\n\n{OUTLOOK}", "Yes.", id="Outlook"),
        pytest.param(f"Ja.\n\n________________________________\n{GERMAN}", "Ja.", id="Outlook, German"),
        pytest.param("Yes.\n\n**From:** Ann\n**Sent:** Monday\n**To:** Bob\n\nHello", "Yes.", id="from HTML"),
        pytest.param(f"Yes.\n\n---\n\n{OUTLOOK}", "Yes.", id="below a rule"),
        pytest.param("> Shall we?\n\nYes.\n\n> And Ann?\n\nAnn, too.", "Yes.\n\nAnn, too.", id="answers between"),
        pytest.param("Ann wrote: that is nice.\nI think so, too:\nyes", None, id="own words about writing"),
        pytest.param("Dates:\n\nFrom: Monday\nwe are away", None, id="own words that look like a header"),
        pytest.param("> Only a quote", None, id="nothing but a quote"),
        pytest.param(f"For you\n\n---------- Forwarded message ---------\n{OUTLOOK}", None, id="forwarded"),
        pytest.param(OUTLOOK, None, id="forwarded without a word"),
        pytest.param("Begin forwarded message:\n\n> Hello", None, id="forwarded by a phone"),
        pytest.param("", None, id="nothing"),
    ],
)
def test_quoted_mails_are_cut_and_what_was_forwarded_stays(text: str, own: str | None) -> None:
    assert without_quotes(text) == (text if own is None else own)


def test_the_line_above_a_quote_goes_from_html_too() -> None:
    sender = 'пн, 5 янв. 2026 г. в 15:04, Ann &lt;<a href="mailto:a@b.example">a@b.example</a>&gt;:'
    html = f"<div>Да</div><div class=gmail_quote><div>{sender}<br></div><blockquote>old</blockquote></div>"
    assert without_quotes(tidy(visible_text(html))) == "Да"


@pytest.mark.parametrize(
    ("text", "own"),
    [
        pytest.param("Yes.\n\n--\nAnn\nExample Ltd", "Yes.", id="two hyphens"),
        pytest.param("Yes.\n\n-- \nAnn", "Yes.", id="with the blank of the rule"),
        pytest.param("Yes.\n\nSent from my iPhone", "Yes.", id="a phone"),
        pytest.param("Ja.\n\nVon meinem iPhone gesendet", "Ja.", id="a German phone"),
        pytest.param("Yes.\n\n--\nAnn\n\n> Shall we?", "Yes.\n\n> Shall we?", id="above a quote"),
        pytest.param("Yes.\n--\n" + "line\n" * 30 + "end", None, id="too long for a signature"),
        pytest.param("--\nAnn", None, id="nothing but a signature"),
        pytest.param("a -- b", None, id="hyphens in a line"),
    ],
)
def test_signatures_are_cut(text: str, own: str | None) -> None:
    assert without_signature(text) == (text if own is None else own)


def test_both_are_cut_on_request_and_the_full_text_is_kept() -> None:
    text = "Yes.\n\n--\nAnn\n\nOn 2 March 2026 Bob wrote:\n> Shall we?"
    raw = f"Subject: x\n\n{text}".encode()
    cut = read_raw(raw, MailView(quotes=True, signature=True))
    assert (cut["text"], cut["full_text"], cut["text_truncated"]) == ("Yes.", text, False)
    whole = read_raw(raw)
    assert (whole["text"], whole["full_text"]) == (text, None)


def test_many_lines_are_looked_at_once() -> None:
    text = "On 2 March 2026 Ann wrote:\n" * 3 + "\n" * 100_000 + "a wrote 2026:\n" * 20_000
    assert without_signature(without_quotes(text))


HEADER = "\n\nFrom: {}\nSent: Thursday, 26 November 2026 09:00\nTo: Ann <ann@example.org>\nSubject: Invoice 17\n\n"
BOB, ALICE = HEADER.format("Bob <bob@example.net>"), HEADER.format("Alice <alice@example.com>")
PAY = "Please pay 120 EUR by 4 December, at the latest by the 7th."


def read_of(text: str, subject: str = "Invoice 17", *, kind: str = "plain") -> dict[str, Any]:
    """Read a mail of Ann to Alice, its quotes and signature cut."""
    head = f"From: Ann Lee <ann@example.org>\nTo: Alice <alice@example.com>\nSubject: {subject}\nMIME-Version: 1.0\n"
    typed = f"Content-Type: text/{kind}; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n"
    return read_raw(f"{head}{typed}{text}".encode(), MailView(quotes=True, signature=True))


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        pytest.param("WG: Rechnung 17", f"FYI{BOB}{PAY}", id="German prefix"),
        pytest.param("FW: Invoice 17", f"fyi\n\n-----Original Message-----{BOB}{PAY}", id="Outlook, old"),
        pytest.param("[EXT] I: Fattura", f"Per te{ALICE}{PAY}", id="of the recipient's own mail, Italian"),
        pytest.param("轉寄: Invoice", f"{PAY} {PAY} {PAY}{BOB}Pay!", id="Chinese, with a long text of its own"),
        pytest.param("Invoice 17", f"{PAY} {PAY}{BOB}Pay!", id="by somebody else, without a prefix"),
        pytest.param(
            "Invoice 17", f"FYI{HEADER.format('Bob Hill')}{PAY}", id="without addresses, longer than its own text"
        ),
        pytest.param("Re: Invoice", f"FYI\n\n------- Forwarded Message -------{BOB}{PAY}", id="forwarded in an answer"),
        pytest.param(
            "Invoice",
            f"FYI\n\n> ---- Original Message ----\n> From: Bob <b@c.example>\n> To: a@b.example\n> Date: x\n>\n> {PAY}",
            id="IONOS",
        ),
        pytest.param("Fwd: Invoice", f"FYI\n\n> Begin forwarded message:\n>\n> {PAY}", id="Apple Mail"),
        pytest.param(
            "Invoice", f"> Inizio messaggio inoltrato:\n>\n> Da: Bob <bob@example.net>\n> {PAY}", id="Apple, Italian"
        ),
        pytest.param("FW: Invoice", f"FYI{BOB}Yes{ALICE}{PAY}", id="a conversation"),
        pytest.param(
            "Trip",
            "Your trip:\n\nFrom: Berlin Hbf\nTo: Wien Hbf\nDate: 3 December 2026\nSubject: Seat 42\n\nPay.",
            id="an itinerary",
        ),
        pytest.param(
            "Re: Trip",
            "Ihre Reise:\n\nVon: Berlin\nAn: Wien\nDatum: 3.12.2026 14:30\n\nBitte zahlen.",
            id="an itinerary in an answer",
        ),
        pytest.param(
            "Parcel", "It is on its way:\n\nFrom: Warehouse 3\nSent: 3 December\nTo: Ann Lee\n\nBye", id="a parcel"
        ),
        pytest.param(
            "Web",
            f"New enquiry:\n\nFrom: Kim <kim@example.net>\nTo: alice@example.com\nSubject: Chairs\n\n{PAY}",
            id="a form",
        ),
        pytest.param("Rent", "As the law says:\n\n> The tenant pays by the 3rd.\n\nPlease pay.", id="a citation"),
        pytest.param("Rent", "Peter schrieb:\n> Wir kommen um 10.\n\nDas ist zu früh.", id="cited by hand"),
        pytest.param("Rent", "See this.\n\nCarol wrote:\n> At 10.\n\nDan wrote:\n> At 11.", id="two cited by hand"),
        pytest.param("Rent", "Look at this.\n\n> Be liberal.\n\nNice, no?", id="cited without a word"),
        pytest.param(
            "Rent",
            "See what she says.\n\nOn 26 Nov 2026 at 9:07 Bob <bob@example.net> wrote:\n> At 10.\n\nSo?",
            id="a third person cited by a program",
        ),
        pytest.param("Re: Offer", f"See my answers below in red.{ALICE}When?\nOn Friday.", id="answers in the mail"),
        pytest.param("AW: x", f"Antworten unten im Text.{ALICE}Wann?\nAm Freitag.", id="answers in it, German"),
        pytest.param("Re: Offer", f"Hi,{ALICE}When?\n[Ann Lee] On Friday.", id="answers by name in the mail"),
        pytest.param("Re: Layout", "Please draw the box above this line.\n\nBye", id="no line of a help desk"),
        pytest.param(
            "Re: Order",
            "Example Support\n\n##- Please type your reply above this line -##\n\nYour order is on its way.",
            id="a mail of a help desk",
        ),
        pytest.param("FW: Invoice", f"Pay.{BOB}{PAY}\n\n--\nBob", id="with the signature of the other"),
    ],
)
def test_what_is_forwarded_or_cited_is_kept_whole(subject: str, text: str) -> None:
    read = read_of(text, subject)
    assert (read["text"], read["full_text"], read["left_out"]) == (text, None, [])


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        pytest.param("Invoice 17", f"Yes{ALICE}{PAY}", id="to its author, without a prefix"),
        pytest.param(
            "Invoice 17",
            f"Yes{HEADER.format('Alice')}{PAY}".replace("Ann <ann@example.org>", "Ann"),
            id="Outlook, names only",
        ),
        pytest.param("RE: FW: Invoice 17", f"Yes{BOB}{PAY}", id="of a forwarded mail"),
        pytest.param(
            "VS: Lasku",
            f"Yes{ALICE}{PAY}".replace("From", "Lähettäjä").replace("To:", "Vastaanottaja:"),
            id="Finnish VS",
        ),
        pytest.param(
            "Re: x", "Yes\n\nXy Thu 26 Nov 2026 at 09:00, Ann <a@b.example>, zz:\n> old", id="an unknown language"
        ),
        pytest.param(
            "Re: x",
            "Yes\n\nQux: Alice <alice@example.com>\nZap: 26 xx 2026 09:00\nFoo: Ann\nBar: x\n\nold",
            id="a header in it",
        ),
        pytest.param(
            "Re: x",
            "Yes\n\n---- On Thu, 26 Nov 2026 10:00:00 +0100 Alice <alice@example.com> wrote ----\n\nold",
            id="Zoho",
        ),
        pytest.param(
            "Re: x",
            "Yes\n\nGesendet: Mittwoch, 25. Nov. 2026 um 9:31\nVon: Alice <alice@example.com>\nAn: a@b.example\n\nold",
            id="GMX",
        ),
        pytest.param(
            "Re: x",
            "Yes\n\nOn Thursday, November 26, 2026 at 09:00 AM,\nAlice <alice@example.com> wrote:\n\nold",
            id="wrapped, without marks",
        ),
        pytest.param(
            "Re: x",
            "2026/11/27 10:00、Ann Lee <ann@example.org>のメール:\n\n> OLD text\n\nYes",
            id="Apple Mail, Japanese, answer below",
        ),
        pytest.param("Re: x", f"Yes{ALICE}Do you want it in red? See my comments.", id="a colour in the other mail"),
        pytest.param(
            "Offer",
            "On Thu, 26 Nov 2026 at 9:07, Alice <alice@example.com> wrote:\n> old\n\nYes\n\n> old",
            id="without a prefix",
        ),
        pytest.param(
            "Offer",
            "Yes\n\n2026/11/27 10:00、Bob <bob@example.net>のメール:\n\n> old",
            id="of a list, without a prefix",
        ),
        pytest.param(
            "Re: x",
            "Yes\n\n  On Thu, Nov 26, 2026 at 9:07 AM, Alice<alice@example.com> wrote:   old",
            id="Yahoo on phones",
        ),
        pytest.param(
            "Re: x", "Yes\nOn 26/11/2026 09:07:05, Alice <alice@example.com> wrote:\nold", id="Mailbird, no empty line"
        ),
        pytest.param("Re: x", "Yes\n\n>>> Alice <alice@example.com> 11/26/2026 9:07 AM >>>\nold", id="GroupWise"),
        pytest.param("Re: x", "Yes\n\nQuoting Alice <alice@example.com>:\n\n> old", id="Horde"),
        pytest.param(
            "Re: x",
            "Yes\n\nAlice <alice@example.com>\n26.11.2026 09:07\n\nAn\nAnn Lee/Ex@Ex\nKopie\n\nThema\nx\n\nold",
            id="Lotus Notes, without colons",
        ),
        pytest.param(
            "Re: x",
            "Yes\n\nann@example.org\n\n发件人： Alice\n发送时间： 2026-11-26 09:07\n收件人： ann\n主题： x\nold",
            id="Foxmail with its address line",
        ),
        pytest.param(
            "Re: x", "-----Original Message-----\nFrom: Alice\nSent: x\n\n> old\n\nYes", id="marked below a header"
        ),
    ],
)
def test_what_is_answered_is_cut_and_named(subject: str, text: str) -> None:
    read = read_of(text, subject)
    assert (read["text"], read["full_text"]) == ("Yes", text)
    assert read["left_out"] == [f"Quoted mails ({len(text) - 3:,} characters) are in `full_text` only."]


@pytest.mark.parametrize(
    "marker",
    [
        pytest.param("##- Please type your reply above this line -##", id="Zendesk"),
        pytest.param("##- Antworten Sie bitte oberhalb dieser Zeile -##", id="Zendesk, German"),
        pytest.param("##- この行より上に返信を入力してください -##", id="Zendesk, Japanese"),
        pytest.param("—-—-—-—\nReply above this line.", id="Jira"),
    ],
)
def test_what_a_help_desk_wrote_is_cut_in_an_answer(marker: str) -> None:
    assert read_of(f"Yes, thanks.\n\n{marker}\n\nold", "Re: x")["text"] == "Yes, thanks."


@pytest.mark.parametrize(
    ("html", "text"),
    [
        pytest.param(
            "<p>As he said:</p><blockquote>Pay.</blockquote><p>So pay.</p>",
            "As he said:\n\n> Pay.\n\nSo pay.",
            id="citation",
        ),
        pytest.param(
            "<p>See</p><blockquote class=gmail_quote>Pay.</blockquote><p>Bye</p>",
            "See\n\n> Pay.\n\nBye",
            id="citation, Gmail",
        ),
        pytest.param("<p>Yes</p><blockquote type=cite>old</blockquote>", "Yes", id="quote of a mail"),
        pytest.param(
            "<p>Yes</p><p>26.11.2026 9:31, A &lt;a@b.ex&gt;:</p><blockquote>1</blockquote>No<blockquote>2</blockquote>",
            "Yes\n\nNo",
            id="quotes without a type",
        ),
        pytest.param(
            "<p>Yes</p><blockquote>26.11.2026, 09:31 от A &lt;a@b.example&gt;:<br>old</blockquote>", "Yes", id="Mail.ru"
        ),
        pytest.param(
            "<p>Yes</p><hr>ann@example.org<blockquote><b>发件人：</b>&nbsp;Alice<br><b>发送时间：</b>&nbsp;2026-11-26&nbsp;09:07"
            "<br><b>收件人：</b>&nbsp;Ann<br><b>主题：</b>&nbsp;x<br>old</blockquote>",
            "Yes",
            id="Foxmail",
        ),
        pytest.param(
            "<p>Yes</p><br><span class=gmail_signature_prefix>-- </span><br><div><div>Ann</div><div>Ex</div></div>",
            "Yes",
            id="signature, Gmail",
        ),
        pytest.param(
            "<p>Yes</p><pre class=moz-signature>-- \nAnn\nExample Ltd</pre>", "Yes", id="signature, Thunderbird"
        ),
    ],
)
def test_citations_in_html_stay_and_quoted_mails_go(html: str, text: str) -> None:
    assert read_of(html, "Re: x", kind="html")["text"] == text


@pytest.mark.parametrize(
    "header",
    [
        "Od|Odesláno|Komu|Předmět",
        "Lähettäjä|Lähetetty|Vastaanottaja|Aihe",
        "Feladó|Elküldve|Címzett|Tárgy",
        "보낸 사람|보낸 날짜|받는 사람|제목",
        "Kimden|Gönderildi|Kime|Konu",
        "Від|Надіслано|Кому|Тема",
        "Από|Στάλθηκε|Προς|Θέμα",
        "מאת|נשלח|אל|נושא",
        "De la|Trimis|Către|Subiect",
        "Saatja|Saadetud|Adressaat|Teema",
        "No|Nosūtīts|Kam|Temats",
        "จาก|ส่ง|ถึง|เรื่อง",
    ],
)
def test_outlooks_header_is_known_by_its_words(header: str) -> None:
    names = header.split("|")
    assert [ROLES[name.casefold()] for name in names] == ["from", "sent", "to", "subject"]
    values = ["Alice", "26.11.2026 9:00", "Ann", "Meeting"]
    block = "\n".join(f"{name}: {value}" for name, value in zip(names, values, strict=True))
    assert read_of(f"Yes, Tuesday is fine for all of us.\n\n{block}\n\nCan we meet?")["text"].endswith("all of us.")


@pytest.mark.parametrize(
    "text",
    [
        "First part\n\n--\n\nSecond part, the order number is 881.\n\nBye",
        "First part\n\n—\n\nSecond\n\nBye",
        "First part\n--\nand this is how the second part of the text begins\n\nBye",
    ],
)
def test_a_line_that_divides_a_text_begins_no_signature(text: str) -> None:
    read = read_of(text)
    assert (read["text"], read["left_out"]) == (text, [])


@pytest.mark.parametrize(
    "below",
    [
        '-- \nYou received this message because you are subscribed to "x".\nTo unsubscribe, mail to x@y.example.',
        "—\nReply to this email directly or view it on GitHub.\nYou are receiving this because you were mentioned.",
        f"{'_' * 47}\nx mailing list -- x@lists.example.org\nTo unsubscribe send an email to x-leave@lists.example.org",
        "-- \nThis email has been checked for viruses by Avast antivirus software.\nwww.avast.example",
        "-- \nDiese Nachricht wurde von meinem Android Mobiltelefon mit WEB.DE Mail gesendet.",
    ],
)
def test_what_lists_and_services_write_below_is_cut(below: str) -> None:
    assert without_signature(f"Hello\n\n{below}") == "Hello"


def test_what_follows_a_signature_is_kept() -> None:
    read = read_of("Hello\n\n--\nAnn\nExample Ltd\n\nPS: Please bring the red book with you.")
    assert read["text"] == "Hello\n\nPS: Please bring the red book with you."
    assert read["left_out"] == ["The signature (20 characters) is in `full_text` only."]
    usual = read_of("Hello\n\n--\n\nAnn\n+49 30 1234567\n\nThis mail is confidential and only meant for you.")
    assert usual["text"] == "Hello"


@pytest.mark.parametrize(
    "line",
    [
        *("Envoyé de mon iPhone", "Verstuurd vanaf mijn iPad", "Skickat från min iPhone", "Lähetetty iPhonesta"),
        *("Odesláno z iPhonu", "iPhone-omról küldve", "Отправлено с iPhone", "Στάλθηκε από το iPhone μου"),
        *(
            "iPhone'umdan gönderildi",
            "נשלח מה-iPhone שלי",
            "Đã gửi từ iPhone của tôi",
            "发自我的 iPhone",
            "iPhoneから送信",
        ),
        *("나의 iPhone에서 보냄", "[Get Outlook for iOS](https://aka.example/o)", "Sent from Yahoo Mail for iPhone"),
        *("Získejte Outlook pro iOS<https://aka.ms/o0ukef>", "[iOS용 Outlook 다운로드](https://aka.ms/o0ukef)"),
        *("Sent via Superhuman ( https://sprh.example/?v=a )", "삼성 갤럭시 스마트폰에서 보냄", "发自我的华为手机"),
        "Отправлено из мобильной Яндекс Почты: http://m.ya.example/ymail",
    ],
)
def test_lines_of_phones_are_cut(line: str) -> None:
    assert without_signature(f"Hello\n\n{line}") == "Hello"


@pytest.mark.parametrize("line", ["I sent it from my iPhone.", "Was it sent from your phone?", "The new iPhone"])
def test_words_about_phones_stay(line: str) -> None:
    assert without_signature(f"Hello\n\n{line}") == f"Hello\n\n{line}"


def test_what_a_limit_cuts_is_named() -> None:
    raw = b"Subject: x\n\n" + b"word " * 500
    read = read_raw(raw, MailView(tokens=50))
    assert read["text_truncated"]
    assert read["left_out"] == ["About 30 of 833 tokens are shown."]


def test_what_fills_the_first_line_of_newsletters_goes() -> None:
    filler = "&zwnj;&nbsp;" * 60 + "&#847; " * 30
    assert visible_text(f"<div>Sale today{filler}</div><p>Text</p>") == "Sale today\n\nText"
    joined = "می\u200cخواهم 👩\u200d👩\u200d👧"
    assert tidy(joined) == joined


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("---On 2026-03-02 09:00 Ann <a@b.example> wrote---", True),
        ("----- 2026-03-02 09:00 Ann <a@b.example> ---", True),
        (">>> Ann <a@b.example> 02.03.2026 09:00 >>>--", True),
        (">>> Ann <a@b.example> 02.03.2026 09:00", False),
        ("--- Ann <a@b.example> 02.03.2026 09:00 --", False),
        (f"--- Ann <a@b.example> 02.03.2026 09:00 {'word ' * 60}---", False),
    ],
)
def test_an_author_between_marks_is_known_by_both(text: str, is_one: bool) -> None:
    assert is_attribution(text, has_marks_below=False) is is_one


def test_a_line_of_dashes_costs_no_more_than_another() -> None:
    # With a pattern that tries each number of dashes, this many lines take minutes.
    assert not any(is_attribution("-" * 480 + " " + "-" * 480 + "x", has_marks_below=True) for _ in range(5_000))


def test_blanks_after_the_first_word_of_a_subject_are_read_once() -> None:
    assert not forwards("Fwd" + " " * 60_000 + "x")
    assert forwards("Fwd" + " " * 60_000 + ": x")
