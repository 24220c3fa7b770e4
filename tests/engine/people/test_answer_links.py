"""Links that answer a question: left out of any text, however it is encoded, and nothing else is."""

from __future__ import annotations

import base64
import functools
import html
import json
from collections.abc import Callable
from email import message_from_string
from email.message import EmailMessage
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.base.plain import plain
from engine.people.answer_links import without_links, without_links_in, without_links_in_bytes

SIGNATURE = "Ab-_--9z" * 5 + "xyz"
TOKEN = f"abcdefg2.1790000000.{SIGNATURE}"
LINK = f"https://other.example:8443/approve?token={TOKEN}"


def mail(encoding: str) -> str:
    """A raw mail with the link, as `encoding` writes it."""
    message = EmailMessage()
    message.set_content(f"Grüße!\n\nAnswer here: {LINK}\n" * 2, cte=encoding)
    return message.as_string()


def encoded(**forms: str) -> str:
    """The secret part with its signs in other forms."""
    signs = {"dot": ".", "dash": "-", "line": "_"}
    return "".join(next((forms[name] for name in forms if signs[name] == sign), sign) for sign in TOKEN)


def as_it_is(text: str) -> str:
    return text


def without(*marks: str) -> Callable[[str], str]:
    """A reader who passes over these marks."""
    return lambda text: functools.reduce(lambda read, mark: read.replace(mark, ""), marks, text)


def of_mail(text: str) -> str:
    return str(message_from_string(text).get_payload(decode=True))


def of_json(text: str) -> str:
    found = json.loads(text)
    return str(found if isinstance(found, str) else found["text"])


WAYS: dict[str, tuple[str, Callable[[str], str]]] = {
    "a link": (LINK, as_it_is),
    "the secret part alone": (TOKEN, as_it_is),
    "a line of its own in JSON": (json.dumps({"text": f"Here:\n{TOKEN}\nBye"}), of_json),
    "JSON in JSON": (json.dumps(json.dumps({"text": f"Here:\n{TOKEN}\nBye"})), lambda text: of_json(of_json(text))),
    "between letters": (f"See:abc{TOKEN}Approve", as_it_is),
    "an address in an address": (f"https://safe.example/?url={quote(LINK, safe='')}", unquote),
    "dots encoded": (encoded(dot="%2E"), unquote),
    "dots encoded twice": (encoded(dot="%252e"), lambda text: unquote(unquote(text))),
    "all encoded": (encoded(dash="%2D", line="%5f"), unquote),
    "quoted-printable": (f"Answer: {LINK[:60]}=\r\n{LINK[60:]}", without("=\r\n")),
    "quoted-printable in lower case": (f"token=3d{TOKEN}", as_it_is),
    "quoted-printable dots": (encoded(dot="=2E"), lambda text: text.replace("=2E", ".")),
    "a raw mail, quoted-printable": (mail("quoted-printable"), of_mail),
    "a raw mail, quoted-printable, in JSON": (
        json.dumps(mail("quoted-printable")),
        lambda text: of_mail(of_json(text)),
    ),
    "a raw mail, Base64": (mail("base64"), of_mail),
    "a raw mail, Base64, in JSON": (
        json.dumps(mail("base64").replace("\n", "\r\n")),
        lambda text: of_mail(of_json(text)),
    ),
    "Base64 for an address": (
        base64.urlsafe_b64encode(f"Answer: {LINK}".encode()).decode(),
        lambda text: base64.urlsafe_b64decode(text).decode(),
    ),
    "a raw mail in Base64, for an address": (
        base64.urlsafe_b64encode(mail("base64").encode()).decode(),
        lambda text: of_mail(base64.urlsafe_b64decode(text).decode()),
    ),
    "HTML": (html.escape(f'<a href="{LINK}">Answer & go</a>'), html.unescape),
    "HTML entities": (
        encoded(dot="&#46;", line="&#x5F;", dash="&hyphen;"),
        lambda text: html.unescape(text.replace("&hyphen;", "-")),
    ),
    "JSON escapes": ('"' + encoded(dot="\\u002e", line="\\u005F") + '"', of_json),
    "Markdown": (plain(TOKEN), without("\\", ":color[]")),
    "Markdown in JSON": (json.dumps(plain(TOKEN)), without("\\", ":color[]")),
    "hidden characters": ("\u200b".join(TOKEN), without("\u200b")),
    "hidden characters in JSON": (json.dumps("\u00ad".join(TOKEN)), without("\\u00ad")),
    "hidden characters as marks": ("[U+200B]".join(TOKEN), without("[U+200B]")),
    "a quoted mail": (f"> {TOKEN[:40]}\n> {TOKEN[40:]}", without("\n> ")),
    "cut off": (f"Answer: {TOKEN[:-1]}…", as_it_is),
    "twice": (f"{TOKEN}{TOKEN}", as_it_is),
    "UTF-8": (f"ä{LINK}ö", as_it_is),
}


@pytest.mark.parametrize(("text", "read"), WAYS.values(), ids=WAYS)
def test_the_secret_part_is_left_out(text: str, read: Callable[[str], str]) -> None:
    assert SIGNATURE[:-1] in read(text), "the test can read it"
    kept = without_links(text)
    assert SIGNATURE[:20] not in read(kept)
    assert SIGNATURE[-20:] not in read(kept)
    assert len(kept.encode()) == len(text.encode())
    assert without_links(kept) == kept
    assert without_links_in_bytes(text.encode()) == kept.encode()


def test_what_is_around_a_link_stays() -> None:
    text = f"Grüße, open {LINK}\nand answer. abcdefg2.1790000000 1.2.3"
    kept = without_links(text)
    assert kept.startswith("Grüße, open https://other.example:8443/approve?token=abcdefg2.1790000000.left-out-")
    assert kept.endswith("\nand answer. abcdefg2.1790000000 1.2.3")


def test_a_raw_mail_can_still_be_decoded() -> None:
    body = mail("base64").partition("\n\n")[2]
    kept = without_links(f"\r\n\r\n{body}").strip()
    assert [len(line) for line in kept.split("\n")] == [len(line) for line in body.strip().split("\n")]
    assert base64.b64decode(kept).decode().count("Answer here: https://other.example:8443/approve?token=abcdefg2") == 2


def test_names_in_json_and_texts_in_lists_are_looked_through() -> None:
    assert TOKEN not in str(without_links_in({LINK: [(LINK, 1, None, True)], "a": {"b": TOKEN}}))
    assert without_links_in({"a": [1, 2.5, None, True, "x"]}) == {"a": [1, 2.5, None, True, "x"]}


PLAIN = [
    "<1234.1700000000.JavaMail.abcdefghijklmnopqrstuvwxyz@host>",
    "https://example.org/a.1790000000.b",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    base64.b64encode(bytes(range(256)) * 3).decode(),
    "\ud800 alone",
]


@pytest.mark.parametrize("text", PLAIN)
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert without_links(text) == text


@given(
    st.lists(
        st.sampled_from([".", "=", "\n", "\\", "\\n", "%2E", "=2E", "1790000000", "abcdefg2", SIGNATURE, "-", "ä"])
    )
)
def test_the_length_stays(parts: list[str]) -> None:
    content = "".join(parts).encode()
    assert len(without_links_in_bytes(content)) == len(content)


@given(st.binary(max_size=300))
def test_bytes_without_a_link_stay_as_they_are(content: bytes) -> None:
    assert without_links_in_bytes(content) == content


@pytest.mark.parametrize("cut", range(9))
def test_base64_that_was_cut_anywhere_has_no_link(cut: int) -> None:
    content = f"Hello, {'-' * 100} {LINK} {'.' * 100}".encode()
    part = base64.b64encode(content)[cut:]
    kept = without_links_in_bytes(part)
    assert len(kept) == len(part)
    assert SIGNATURE.encode() not in base64.b64decode(b"A" * (cut % 4) + kept)
