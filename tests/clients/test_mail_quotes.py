"""What in a mail is not its own: quoted mails and signatures, as the mail programs of several languages write them."""

from __future__ import annotations

import pytest

from clients.mail.html import tidy, visible_text
from clients.mail.quotes import without_quotes, without_signature
from clients.mail.text import Trim
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
    cut = read_raw(raw, Trim(quotes=True, signature=True))
    assert (cut["text"], cut["full_text"], cut["text_truncated"]) == ("Yes.", text, False)
    whole = read_raw(raw)
    assert (whole["text"], whole["full_text"]) == (text, None)


def test_many_lines_are_looked_at_once() -> None:
    text = "On 2 March 2026 Ann wrote:\n" * 3 + "\n" * 100_000 + "a wrote 2026:\n" * 20_000
    assert without_signature(without_quotes(text))
