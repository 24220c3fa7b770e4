"""What lies within the parts of a mail reaches workflows, its text and its files; what stays closed is told."""

from __future__ import annotations

import base64
import shutil
import subprocess
import zlib
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from clients.mail.parts import nothing_left_out
from clients.mail.raw import payload_of
from clients.mail.text import MailView, attachment_of
from clients.mail_formats.cms import opened_cms
from tests.mail import outlook
from tests.mail.raw_mails import read_raw

PIXEL = base64.b64decode("R0lGODlhAQABAAAAACw=")
PDF = b"%PDF-1.4\n%an invoice\n"


def mail(text: str = "Hello.", **headers: str) -> EmailMessage:
    made = EmailMessage()
    for name, value in {"From": "Ann <ann@example.org>", "Subject": "A mail", **headers}.items():
        made[name.replace("_", "-")] = value
    made.set_content(text)
    return made


def raw(kind: str, *parts: str, head: str = "From: ann@example.org\nSubject: A mail\n") -> bytes:
    body = "".join(f"--XX\n{part}\n" for part in parts)
    return f"{head}Content-Type: multipart/{kind}; boundary=XX\n\n{body}--XX--\n".encode()


def alone(kind: str, content: bytes, more: str = "") -> bytes:
    return (
        f"Subject: A mail\nContent-Type: {kind}\nContent-Transfer-Encoding: base64\n{more}\n".encode()
        + base64.b64encode(content)
    )


def encoded(kind: str, content: bytes) -> str:
    written = base64.encodebytes(content).decode()
    return f"Content-Type: {kind}\nContent-Transfer-Encoding: base64\n\n{written}"


def files(read: dict[str, Any]) -> dict[str, bool]:
    return {file["name"]: file["inline"] for file in read["attachments"]}


def taken(content: bytes) -> dict[str, bytes]:
    """Every attachment that the mail names, taken by its id."""
    payload = payload_of(content)
    found = {
        file["name"]: attachment_of(payload, file["id"], nothing_left_out) for file in read_raw(content)["attachments"]
    }
    return {name: one[1] for name, one in found.items() if one is not None}


HTML = "Content-Type: text/html\n\n"
PICTURE = "Content-Type: image/gif; name=logo.gif\nContent-Transfer-Encoding: base64\n"
GIF = f"\n{base64.b64encode(PIXEL).decode()}"


@pytest.mark.parametrize(
    ("html", "headers", "is_inline"),
    [
        pytest.param('<img src="cid:logo@a">', "Content-ID: <logo@a>\n", True, id="as Outlook"),
        pytest.param("<IMG SRC=CID:LOGO@A>", "Content-ID: <logo@a>\n", True, id="in capitals, without quotes"),
        pytest.param('<img src="cid:logo%40a">', "Content-ID: <logo@a>\n", True, id="with an escape of URLs"),
        pytest.param("<img src='cid:a&amp;b'>", "Content-ID: <a&b>\n", True, id="with an entity"),
        pytest.param('<td background="cid:logo@a">', "Content-ID: logo@a\n", True, id="as a background, bare id"),
        pytest.param("<p style=\"background:url('cid:logo@a')\">", "Content-ID: <logo@a>\n", True, id="in a style"),
        pytest.param(
            "<style>p{background:url(cid:logo@a)}</style>", "Content-ID: <logo@a>\n", True, id="in a style sheet"
        ),
        pytest.param(
            '<img src="cid:logo@a">', "Content-ID: <logo@a>\nContent-Disposition: attachment\n", True, id="attached"
        ),
        pytest.param('<img src="logo.gif">', "Content-Location: logo.gif\n", True, id="by its place"),
        pytest.param(
            '<img src="http://a.example/l.gif">', "Content-Location: http://a.example/l.gif\n", True, id="by a URL"
        ),
        pytest.param('<img src="logo.gif">', "Content-Disposition: inline\n", True, id="by its name"),
        pytest.param("<p>Photo</p>", "Content-ID: <logo@a>\nContent-Disposition: inline\n", False, id="not shown"),
        pytest.param('<!-- <img src="cid:logo@a"> -->', "Content-ID: <logo@a>\n", False, id="in a comment"),
        pytest.param("<p>[cid:logo@a]</p>", "Content-ID: <logo@a>\n", False, id="named in the text"),
        pytest.param('<a href="cid:logo@a">Photo</a>', "Content-ID: <logo@a>\n", False, id="linked"),
        pytest.param('<img src="cid:other@a">', "Content-ID: <logo@a>\n", False, id="another one is shown"),
    ],
)
def test_a_picture_is_inline_if_the_html_shows_it(html: str, headers: str, is_inline: bool) -> None:
    content = raw("related", f"{HTML}<p>Order</p>{html}", f"{PICTURE}{headers}{GIF}")
    assert files(read_raw(content)) == {"logo.gif": is_inline}


def test_documents_between_texts_are_attached_and_forms_of_the_mail_are_not() -> None:
    document = (
        "Content-Type: application/pdf; name=a.pdf\nContent-ID: <a@a>\nContent-Disposition: inline; filename=a.pdf\n\nx"
    )
    apple = raw("mixed", f"{HTML}Above<object data='cid:a@a'></object>", document, f"{HTML}Below")
    assert files(read_raw(apple)) == {"a.pdf": False}
    signed = raw("signed", "\nHello", "Content-Type: application/pgp-signature; name=signature.asc\n\nx")
    assert files(read_raw(signed)) == {"signature.asc": True}
    planned = raw("alternative", "\nHello", "Content-Type: text/calendar\n\nBEGIN:VCALENDAR")
    assert files(read_raw(planned)) == {"invite.ics": True}


def test_pictures_of_a_forwarded_mail_are_those_that_its_own_html_shows() -> None:
    inner = raw(
        "related", f'{HTML}<img src="cid:in@a">', f"{PICTURE}Content-ID: <in@a>\n{GIF}", head="Subject: Inner\n"
    ).replace(b"XX", b"YY")
    outer = raw(
        "mixed",
        f'{HTML}<img src="cid:out@a">',
        f"{PICTURE.replace('logo', 'photo')}Content-ID: <in@a>\n{GIF}",
        f"Content-Type: message/rfc822\n\n{inner.decode()}",
    )
    assert files(read_raw(outer)) == {"photo.gif": False, "Inner.eml": False, "logo.gif": True}


def invoice(text: str = "Please pay 120 EUR.") -> EmailMessage:
    made = mail(text, From="Bob <bob@example.net>", Subject="Invoice 17")
    made.add_attachment(PDF, maintype="application", subtype="pdf", filename="invoice.pdf")
    return made


def test_an_attached_mail_gives_its_text_and_its_files_also_twice_nested() -> None:
    middle = mail("See below.", Subject="Fwd: Invoice 17")
    middle.add_attachment(invoice())
    outer = mail("FYI")
    outer.add_attachment(middle)
    read = read_raw(outer.as_bytes())
    assert [*files(read)] == ["Fwd: Invoice 17.eml", "Invoice 17.eml", "invoice.pdf"]
    assert read["text"].startswith("FYI\n\n---------- Forwarded message ---------\nFrom: Ann <ann@example.org>\n")
    assert read["text"].endswith("From: Bob <bob@example.net>\nSubject: Invoice 17\n\nPlease pay 120 EUR.")
    assert (read["text_truncated"], read["left_out"]) == (False, [])
    found = taken(outer.as_bytes())
    assert found["invoice.pdf"] == PDF
    assert b"Please pay 120 EUR." in found["Invoice 17.eml"]


@pytest.mark.parametrize("encoding", ["base64", "8bit"])
@pytest.mark.parametrize(
    "kind", ["application/octet-stream; name=old.eml", "message/rfc822; name=old.eml", "text/plain; name=OLD.EML"]
)
def test_a_saved_mail_is_opened_whatever_its_type_says(kind: str, encoding: str) -> None:
    content = invoice().as_bytes()
    written = base64.encodebytes(content) if encoding == "base64" else content
    head = f"Content-Type: {kind}\nContent-Disposition: attachment\nContent-Transfer-Encoding: {encoding}\n\n"
    part = head + written.decode()
    read = read_raw(raw("mixed", "\nFYI", part))
    assert [file["name"].lower() for file in read["attachments"]] == ["old.eml", "invoice.pdf"]
    assert read["text"].endswith("Please pay 120 EUR.")


def test_cutting_quotes_and_signatures_leaves_attached_mails_whole() -> None:
    outer = mail("My words.\n\n-- \nAnn")
    outer.add_attachment(invoice("> quoted by Bob\n\n-- \nBob"))
    read = read_raw(outer.as_bytes(), MailView(quotes=True, signature=True))
    assert read["text"].startswith("My words.\n\n---------- Forwarded")
    assert read["text"].endswith("> quoted by Bob\n\n--\nBob")
    assert "-- \nAnn" not in read["text"]


def test_mails_are_opened_down_to_five_levels_and_the_rest_is_told() -> None:
    made = mail("level 8")
    for level in range(7, -1, -1):
        outer = mail(f"level {level}")
        outer.add_attachment(made)
        made = outer
    read = read_raw(made.as_bytes())
    assert [f"level {number}" in read["text"] for number in range(9)] == [True] * 6 + [False] * 3
    assert read["left_out"] == ["The file 'mail.eml' was not opened, as it lies 5 levels deep."]


def test_the_mail_that_a_report_returns_is_no_text_of_it() -> None:
    returned = f"Content-Type: message/rfc822\n\n{invoice()}"
    status = "Content-Type: message/delivery-status\n\nStatus: 5.1.1"
    read = read_raw(raw("report", "\nIt came back.", status, returned))
    assert (read["text"], files(read)) == (
        "It came back.",
        {"delivery-status.txt": True, "Invoice 17.eml": False, "invoice.pdf": False},
    )


@pytest.mark.parametrize(
    ("part", "name"),
    [
        pytest.param("Content-Type: image/png\n\nx", "image.png", id="a picture"),
        pytest.param(
            "Content-Type: application/pdf\nContent-Description: Invoice 17\n\nx", "Invoice 17.pdf", id="described"
        ),
        pytest.param(
            "Content-Type: application/pdf\nContent-Description: bill.pdf\n\nx", "bill.pdf", id="described by a name"
        ),
        pytest.param("Content-Type: text/calendar\n\nBEGIN:VCALENDAR", "invite.ics", id="an invitation"),
        pytest.param("Content-Type: message/rfc822\n\nSubject: Re: a/b\n\nx", "Re: a_b.eml", id="a mail"),
        pytest.param("Content-Type: message/rfc822\n\n\nx", "mail.eml", id="a mail about nothing"),
        pytest.param("Content-Type: application/octet-stream\n\nx", "unnamed", id="nothing is known"),
        pytest.param("Content-Type: application/pdf; name=a.pdf\nContent-Description: b\n\nx", "a.pdf", id="its own"),
    ],
)
def test_a_file_without_a_name_is_called_by_what_is_known_of_it(part: str, name: str) -> None:
    assert [*files(read_raw(raw("mixed", "\nHello", part)))] == [name]


# S/MIME, as OpenSSL writes it.


@pytest.fixture(scope="module")
def openssl(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Run `openssl cms` on a content with a new key."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("No openssl here.")
    folder: Path = tmp_path_factory.mktemp("smime")
    new = "req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -subj /CN=ann -days 2".split()
    subprocess.run([program, *new], cwd=folder, check=True, capture_output=True)

    def made(content: bytes, *arguments: str) -> bytes:
        (folder / "in").write_bytes(content)
        done = subprocess.run(
            [program, "cms", "-in", "in", "-binary", *arguments], cwd=folder, check=True, capture_output=True
        )
        return done.stdout

    return made


SIGN = ("-sign", "-signer", "cert.pem", "-inkey", "key.pem", "-nodetach", "-outform", "DER")
ENCRYPT = ("-encrypt", "-aes256", "-outform", "DER", "cert.pem")


@pytest.mark.parametrize("form", [(), ("-stream",), ("-stream", "-indef")], ids=["DER", "BER", "BER, indefinite"])
@pytest.mark.parametrize(
    "kind",
    [
        "application/pkcs7-mime; smime-type=signed-data; name=smime.p7m",
        "application/x-pkcs7-mime; name=smime.p7m",
        "application/octet-stream; name=smime.p7m",
    ],
)
def test_signed_content_is_opened_without_a_key(openssl: Any, form: tuple[str, ...], kind: str) -> None:
    inner = invoice().as_bytes().partition(b"MIME-Version")[2]
    content = alone(kind, openssl(b"MIME-Version" + inner, *SIGN, *form), "Content-Disposition: attachment\n")
    read = read_raw(content)
    assert (read["text"], read["signature"]) == ("Please pay 120 EUR.", "S/MIME (not checked)")
    assert (files(read), read["subject"], taken(content)) == ({"invoice.pdf": False}, "A mail", {"invoice.pdf": PDF})


def test_what_is_signed_twice_or_lies_in_a_list_mail_is_opened_and_what_is_encrypted_is_told(openssl: Any) -> None:
    signed = openssl(b"Content-Type: text/plain\n\nInside.", *SIGN)
    head = b"Content-Type: application/pkcs7-mime; smime-type=signed-data\nContent-Transfer-Encoding: base64\n\n"
    twice = openssl(head + base64.encodebytes(signed), *SIGN, "-stream")
    assert read_raw(alone("application/pkcs7-mime", twice))["text"] == "Inside."
    part = head.decode() + base64.encodebytes(signed).decode()
    listed = read_raw(raw("mixed", part, "\nThe list's footer."))
    assert (listed["text"], listed["signature"]) == ("Inside.\n\nThe list's footer.", "S/MIME (not checked)")
    said = "is encrypted for its recipient: open it in a mail program that has the key."
    closed = read_raw(alone("application/pkcs7-mime; smime-type=signed-data", openssl(b"secret", *ENCRYPT)))
    assert (closed["text"], closed["text_missing"], closed["left_out"]) == (
        "",
        f"The mail {said}",
        [f"The mail {said}"],
    )
    half = read_raw(
        raw("mixed", "\nSee.", f"{head.decode()}{base64.encodebytes(openssl(b'secret', *ENCRYPT)).decode()}")
    )
    assert (half["text"], half["left_out"]) == ("See.", [f"The file 'smime.p7m' {said}"])
    cut = read_raw(alone("application/pkcs7-mime", signed[: signed.index(b"Inside.") + 4]))
    assert cut["text"] == "Insi"


def test_a_signed_document_stays_beside_what_is_signed_in_it(openssl: Any) -> None:
    xml = b"<?xml version='1.0'?><FatturaElettronica/>"
    sealed = openssl(xml, *SIGN)
    part = encoded("application/octet-stream; name=IT01.xml.p7m", sealed)
    content = raw("mixed", "\nSee.", part)
    assert taken(content) == {"IT01.xml.p7m": sealed, "IT01.xml": xml}
    assert read_raw(content)["text"] == "See."


@pytest.mark.parametrize(
    "content",
    [b"", b"0", b"0\x80", b"0\x80\x06\x09*\x86H\x86\xf7\r\x01\x07\x02\xa0\x80" * 50, b"0\xff" + b"\xff" * 200],
)
def test_odd_containers_do_no_harm(content: bytes) -> None:
    read = read_raw(alone("application/pkcs7-mime; name=smime.p7m", content))
    assert read["text"] == ""
    assert read["text_missing"].endswith(".")


SIGNED, COMPRESSED = bytes.fromhex("06092a864886f70d010702"), bytes.fromhex("060b2a864886f70d0109100109")


def container(kind: bytes, content: bytes) -> bytes:
    """A container of S/MIME in BER, whose lengths are all unknown but that of this content."""
    head = b"\x30\x80" + kind + b"\xa0\x80\x30\x80\x30\x80\x06\x01a\xa0\x80"
    return head + b"\x04\x84" + len(content).to_bytes(4) + content


def packed(content: bytes) -> bytes:
    return container(COMPRESSED, zlib.compress(content, 9))


class Counted(bytes):
    """Data that count how often somebody looks at them."""

    looks = 0

    def __getitem__(self, place: Any) -> Any:
        self.looks += 1
        return super().__getitem__(place)


@pytest.mark.parametrize(
    "piece",
    [
        pytest.param(b"\x30\x02\x30\x80", id="members of a known length in which one without an end begins"),
        pytest.param(b"\x30\x80", id="members within members"),
        pytest.param(b"\x30\x80\xa0\x80\x24\x80", id="strings within strings"),
        pytest.param(b"\x30\x06\xa0\x04\x24\x80\x24\x80", id="strings without an end in members of a known length"),
        pytest.param(b"\x04\x01a", id="tiny strings"),
        pytest.param(b"\x31\x80\x00\x00", id="empty members"),
    ],
)
@pytest.mark.parametrize("before", [b"", b"\x30\x80\x06\x01a\xa0\x80\x24\x80"], ids=["the container", "the content"])
def test_a_container_is_looked_through_a_few_times_however_it_is_nested(piece: bytes, before: bytes) -> None:
    data = Counted(b"\x30\x80" + SIGNED + b"\xa0\x80\x30\x80" + before + piece * 2000)
    opened_cms(data)
    assert data.looks < 5 * len(data)


def test_of_compressed_content_only_some_times_its_size_is_unpacked_and_the_rest_is_told() -> None:
    letter = b"Content-Type: text/plain\n\nHello.\n"
    assert read_raw(alone("application/pkcs7-mime", packed(letter)))["text"] == "Hello."
    read = read_raw(alone("application/pkcs7-mime; name=smime.p7m", packed(letter + b"Hello.\n" * 1_000_000)))
    assert read["left_out"][1:] == ["The file 'smime.p7m' was not read to its end."]
    assert 200 * 1024 < len(read["full_text"]) < 5_000_000
    sealed = packed(b"Content-Type: application/pkcs7-mime\n\n" + packed(letter))
    read = read_raw(alone("application/pkcs7-mime; name=smime.p7m", sealed))
    assert "was not read to its end" in read["text_missing"]


# winmail.dat, as Outlook writes it.


def in_winmail(stream: bytes, text: str = "") -> bytes:
    part = encoded("application/ms-tnef; name=winmail.dat", stream)
    return raw("mixed", *([f"\n{text}"] if text else []), part)


def test_files_and_mails_in_winmail_dat_are_files_of_the_mail() -> None:
    inner = outlook.winmail(
        outlook.file(
            "BILL~1.PDF", PDF, outlook.text(0x3707, "Rechnung für März.pdf"), outlook.text(0x370E, "application/pdf")
        ),
        of=[outlook.text(0x37, "Invoice 17"), outlook.text(0xC1A, "Bob"), outlook.text(0x1000, "Please pay 120 EUR.")],
    )
    stream = outlook.winmail(
        outlook.file("NOTES.TXT", b"notes"),
        outlook.file("logo.png", PIXEL, outlook.text(0x3712, "logo@a"), outlook.text(0x370E, "image/png")),
        outlook.file("Invoice 17", b"", outlook.embedded(inner)),
        of=[outlook.named("x-own", b"12345"), outlook.number(0x17, 1), outlook.text(0x1000, "From winmail"),
            outlook.binary(0x1013, b"<p>Hello <img src='cid:logo@a'></p>")],
    )  # fmt: skip
    content = in_winmail(stream, "Hello")
    read = read_raw(content)
    assert files(read) == {"NOTES.TXT": False, "logo.png": True, "Rechnung für März.pdf": False}
    assert taken(content) == {"NOTES.TXT": b"notes", "logo.png": PIXEL, "Rechnung für März.pdf": PDF}
    assert read["text"] == (
        "Hello\n\n---------- Forwarded message ---------\nFrom: Bob\nSubject: Invoice 17\n\nPlease pay 120 EUR."
    )
    assert read["left_out"] == []


RTF_OF_HTML = (
    rb"{\rtf1\ansi\ansicpg1252\fromhtml1 \deff0{\fonttbl{\f0\fswiss Arial;}}{\*\generator X;}"
    rb"{\*\htmltag64 <p>}\htmlrtf {\htmlrtf0 Gr\'fc\'dfe {\*\htmltag84 <b>}\htmlrtf {\b \htmlrtf0 from "
    rb"{\*\htmltag92 </b>}\htmlrtf }\htmlrtf0 Outlook\u8217 ?s{\*\htmltag72 </p>}\htmlrtf }\htmlrtf0}"
)
RTF = (
    rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}{\colortbl;}\pard Gr\'fc\'dfe \b from\b0  Outlook\u8217 ?s"
    rb"\par Line 2\par}"
)
PAGE = "<p>Grüße <b>from</b> Outlook’s</p>".encode()
RICH = "Grüße **from** Outlook’s"


@pytest.mark.parametrize(
    ("of", "text"),
    [
        pytest.param([outlook.text(0x1000, "Grüße from Outlook’s")], "Grüße from Outlook’s", id="text"),
        pytest.param([outlook.binary(0x1013, PAGE)], RICH, id="HTML"),
        pytest.param([outlook.binary(0x1009, outlook.compressed(RTF_OF_HTML))], RICH, id="HTML in RTF"),
        pytest.param([outlook.binary(0x1009, outlook.compressed(RTF))], "Grüße from Outlook’s\nLine 2", id="RTF"),
        pytest.param(
            [outlook.binary(0x1009, outlook.compressed(b"{\\rtf1\\ansicpg14820 Pay by Friday, G\\'fc"))],
            "Pay by Friday, Gü",
            id="RTF of an unknown code page that was cut behind a letter",
        ),
    ],
)
def test_a_text_in_winmail_dat_counts_where_the_mail_has_no_other(of: list[bytes], text: str) -> None:
    assert read_raw(in_winmail(outlook.winmail(of=of)))["text"] == text
    assert read_raw(in_winmail(outlook.winmail(of=of), "Beside it"))["text"] == "Beside it"


@pytest.mark.parametrize("page", [14820, 0, 4294967295])
def test_an_unknown_code_page_in_winmail_dat_costs_no_mail(page: int) -> None:
    body = outlook.attribute(1, 0x2800C, b"Pay by Friday\0")
    stream = outlook.winmail(outlook.attribute(1, 0x69007, page.to_bytes(4, "little") + bytes(4)), body)
    assert read_raw(in_winmail(stream))["text"] == "Pay by Friday"


def test_a_meeting_in_winmail_dat_is_an_invitation() -> None:
    at = datetime(2026, 12, 3, 13, 30, tzinfo=UTC)
    stream = outlook.winmail(
        of=[
            outlook.text(0x37, "Budget round"),
            outlook.appointment(0x820D, 0x40, outlook.filetime(at)),
            outlook.appointment(0x820E, 0x40, outlook.filetime(at.replace(hour=14))),
            outlook.appointment(0x8208, 0x1F, "Room 4".encode("utf-16-le") + b"\0\0"),
        ],
        message_class="IPM.Microsoft Schedule.MtgReq",
    )
    read = read_raw(in_winmail(stream, "Hello"))
    [event] = read["invitations"]
    assert [event[name] for name in ("method", "title", "starts_at", "ends_at", "location")] == [
        "REQUEST", "Budget round", "2026-12-03T13:30:00Z", "2026-12-03T14:30:00Z", "Room 4",
    ]  # fmt: skip
    assert "When: Thursday, 3 December 2026, 13:30 to 14:30 (UTC)" in read["text"]


@pytest.mark.parametrize("size", range(0, 400, 7))
def test_a_winmail_dat_that_was_cut_is_read_as_far_as_it_goes(size: int) -> None:
    stream = outlook.winmail(
        outlook.file("a.txt", b"a"), of=[outlook.text(0x1000, "Hello" * 20), outlook.named("x", b"y")]
    )
    read = read_raw(in_winmail(stream[:size], "Hello"))
    assert read["text"] == "Hello"
