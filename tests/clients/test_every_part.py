"""Every part of a mail is listed, also what lies within its parts, and can be taken by its id."""

from __future__ import annotations

import base64
import binascii
from email.message import EmailMessage
from typing import Any

import pytest

from clients.mail.raw import payload_of
from clients.mail.text import attachment_of
from clients.mail.transfer import uuencoded_files
from tests.mail import outlook
from tests.mail.raw_mails import read_raw

PDF = b"%PDF-1.4\n%an invoice\n"
CLOSED = "is encrypted for its recipient: open it in a mail program that has the key."


def every_part(content: bytes) -> dict[str, tuple[str, bytes, bool]]:
    """Take each part that the mail lists: {id: (its name, its content, whether it is inline)}."""
    payload, found = payload_of(content), {}
    for part in read_raw(content)["parts"]:
        taken = attachment_of(payload, part["id"])
        assert taken is not None
        assert taken[0] == part
        assert len(taken[1]) == part["bytes"]
        assert part["id"] not in found
        found[part["id"]] = (part["name"], taken[1].strip(), part["inline"])
    return found


def raw(kind: str, *parts: str, boundary: str = "XX") -> str:
    body = "".join(f"--{boundary}\n{part}\n" for part in parts)
    head = f"From: ann@example.org\nSubject: A mail\nContent-Type: multipart/{kind}; boundary={boundary}"
    return f"{head}\n\n{body}--{boundary}--\n"


def with_file(subject: str, name: str, inner: EmailMessage | None = None) -> EmailMessage:
    made = EmailMessage()
    made["Subject"] = subject
    made.set_content(f"About {name}.")
    made.add_attachment(name.encode(), maintype="application", subtype="pdf", filename=name)
    if inner is not None:
        made.add_attachment(inner)
    return made


def test_a_mail_of_one_text_has_one_part() -> None:
    assert every_part(b"Subject: A\n\nHello") == {"0": ("text.txt", b"Hello", True)}


def test_files_in_mails_that_were_forwarded_three_deep() -> None:
    made = with_file("Three", "3.pdf")
    for subject, name in (("Two", "2.pdf"), ("One", "1.pdf"), ("Now", "0.pdf")):
        made = with_file(subject, name, made)
    found = every_part(made.as_bytes())
    assert [(name, inline) for name, _, inline in found.values()] == [
        *(("text.txt", True), ("0.pdf", False), ("One.eml", False)),
        *(("text.txt", True), ("1.pdf", False), ("Two.eml", False)),
        *(("text.txt", True), ("2.pdf", False), ("Three.eml", False)),
        *(("text.txt", True), ("3.pdf", False)),
    ]
    assert [*found] == ["0", "1", "2", "2.0.0", "2.0.1", "2.0.2", *(f"2.0.2.0.{n}" for n in range(3)), *(
        f"2.0.2.0.2.0.{n}" for n in range(2))]  # fmt: skip
    assert found["2.0.2.0.2.0.1"][1] == b"3.pdf"
    assert found["2.0.2.0.0"][1] == b"About 2.pdf."


def test_texts_and_files_in_winmail_dat_and_the_file_itself() -> None:
    inner = outlook.winmail(outlook.file("bill.pdf", PDF), of=[outlook.text(0x37, "Bill"), outlook.text(0x1000, "Pay")])
    stream = outlook.winmail(
        outlook.file("notes.txt", b"notes"), outlook.file("Bill", b"", outlook.embedded(inner)),
        of=[outlook.text(0x1000, "From winmail")],
    )  # fmt: skip
    part = "Content-Type: application/ms-tnef; name=winmail.dat\nContent-Transfer-Encoding: base64\n\n"
    found = every_part(raw("mixed", "\nHello", part + base64.encodebytes(stream).decode()).encode())
    assert found == {
        "0": ("text.txt", b"Hello", True),
        "1": ("winmail.dat", stream.strip(), True),
        "1.2": ("text.txt", b"From winmail", True),
        "1.0": ("notes.txt", b"notes", False),
        "1.1.1": ("text.txt", b"Pay", True),
        "1.1.0": ("bill.pdf", PDF.strip(), False),
    }


@pytest.mark.parametrize("kind", ["application/pgp-signature; name=signature.asc", "application/pkcs7-signature"])
def test_what_is_signed_beside_its_signature(kind: str) -> None:
    content = raw("signed", raw("mixed", "\nHello", "Content-Type: application/pdf; name=a.pdf\n\nx", boundary="YY"),
                  f"Content-Type: {kind}\n\nsealed")  # fmt: skip
    found = every_part(content.encode())
    assert [(name, inline) for name, _, inline in found.values()] == [
        ("text.txt", True), ("a.pdf", False), ("signature.asc" if "pgp" in kind else "smime.p7s", True)]  # fmt: skip


def test_what_is_encrypted_by_pgp_is_taken_as_it_is_and_told() -> None:
    sealed = "Content-Type: application/octet-stream; name=encrypted.asc\n\n-----BEGIN PGP MESSAGE-----"
    content = raw("encrypted", "Content-Type: application/pgp-encrypted\n\nVersion: 1", sealed)
    control, message = every_part(content.encode()).values()
    assert control == ("unnamed", b"Version: 1", True)  # nobody has attached it
    assert message == ("encrypted.asc", b"-----BEGIN PGP MESSAGE-----", False)
    assert read_raw(content.encode())["left_out"] == [f"The mail {CLOSED}"]


def test_pgp_within_the_text_is_told() -> None:
    sealed = read_raw(b"Subject: A\n\n-----BEGIN PGP MESSAGE-----\n\nhQ==\n-----END PGP MESSAGE-----\n")
    assert (sealed["left_out"], sealed["signature"]) == ([f"The mail {CLOSED}"], "")
    signed = read_raw(b"Subject: A\n\n-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nHello\n")
    assert (signed["left_out"], signed["signature"]) == ([], "OpenPGP (not checked)")


SIGNED = b"""Hello
-----BEGIN PGP SIGNED MESSAGE-----
Hash: SHA256

We agree:
- - one
- --
Ann
-----BEGIN PGP SIGNATURE-----

iQ==
=abcd
-----END PGP SIGNATURE-----
_____
A list
"""


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_what_is_signed_within_the_text_is_read_without_its_armor(end: bytes) -> None:
    read = read_raw(b"Subject: A" + end + end + SIGNED.replace(b"\n", end))
    assert (read["text"], read["signature"]) == (
        "Hello\nWe agree:\n- one\n--\nAnn\n_____\nA list",
        "OpenPGP (not checked)",
    )
    assert every_part(b"\n" + SIGNED)["0"][1] == SIGNED.strip()  # as it came, for whoever checks it
    assert [part["id"] for part in read["parts"]] == ["0", "0.0"]


@pytest.mark.parametrize(
    "kept",
    [
        SIGNED.replace(b"-----END", b"----END"),
        SIGNED.replace(b"=abcd", b"Pay at once"),
        SIGNED.replace(b"Hash", b"No hash"),
        b"> " + SIGNED.replace(b"\n", b"\n> "),
    ],
)
def test_nothing_is_left_out_of_what_only_looks_signed(kept: bytes) -> None:
    assert read_raw(b"Subject: A\n\n" + kept)["text"].count("-----BEGIN PGP SIGNED MESSAGE-----") == 1


def test_what_is_encrypted_below_other_words_is_told() -> None:
    sealed = b"Hello\n\n-----BEGIN PGP MESSAGE-----\n\nhQ==\n-----END PGP MESSAGE-----\n"
    assert read_raw(b"Subject: A\n\n" + sealed)["left_out"] == [f"The mail {CLOSED}"]
    assert read_raw(b"Subject: A\n\n" + sealed.replace(b"-----END", b"---END"))["left_out"] == []


def test_files_between_texts_are_files_and_pictures_of_the_text_are_not() -> None:
    content = raw(
        "related",
        'Content-Type: text/html\n\n<p>Hi</p><img src="cid:logo@a">',
        "Content-Type: image/gif; name=logo.gif\nContent-ID: <logo@a>\nContent-Disposition: inline\n\nGIF89a",
        "Content-Type: application/pdf; name=a.pdf\nContent-Disposition: inline; filename=a.pdf\n\n%PDF",
        "Content-Type: text/plain; name=b.txt\nContent-Disposition: inline; filename=b.txt\n\nnotes",
    )
    assert [(name, inline) for name, _, inline in every_part(content.encode()).values()] == [
        *(("text.html", True), ("logo.gif", True), ("a.pdf", False), ("b.txt", False)),
    ]


def uuencoded(name: str, content: bytes, *, backtick: bool = False, tail: str = "") -> str:
    pieces = [content[place : place + 45] for place in range(0, len(content), 45)]
    lines = [binascii.b2a_uu(piece, backtick=backtick).decode().rstrip("\n") + tail for piece in [*pieces, b""]]
    return "\n".join([f"begin 644 {name}", *lines, "end", ""])


@pytest.mark.parametrize("form", [{}, {"backtick": True}, {"tail": "X"}, {"tail": "  "}], ids=str)
def test_uuencoded_files_are_taken_out_of_the_text(form: dict[str, Any]) -> None:
    zeros = bytes(range(256)) * 2 + bytes(100)
    text = f"Hello\n\n{uuencoded('a b.bin', zeros, **form)}\nSee above.\n{uuencoded('ü.pdf', PDF, **form)}"
    content = f"Subject: A\nContent-Type: text/plain; charset=utf-8\n\n{text}".encode()
    read = read_raw(content)
    assert (read["text"], read["text_truncated"], read["left_out"]) == ("Hello\n\nSee above.", False, [])
    assert [(one["id"], one["name"], one["media_type"], one["inline"]) for one in read["attachments"]] == [
        ("0.1", "a b.bin", "application/octet-stream", False), ("0.2", "ü.pdf", "application/pdf", False)]  # fmt: skip
    found = every_part(content)
    assert attachment_of(payload_of(content), "0.1") == (read["attachments"][0], zeros)
    assert (found["0"][0], found["0.0"][1], found["0.2"][1]) == ("text.txt", b"Hello\n\n\nSee above.", PDF.strip())


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("begin 644 a.bin\nM" + "A" * 60 + "\n", id="without an end"),
        pytest.param("begin 644 a.bin\nand then some words\nend\n", id="words between"),
        pytest.param("We begin 644 a.bin\n#0V%T\n`\nend\n", id="within a line"),
        pytest.param("begin the work\n#0V%T\n`\nend\n", id="no mode"),
        pytest.param("begin 644 a.bin\n#0V%T\n\n\n\n`\nend\n", id="three blank lines"),
        pytest.param("> begin 644 a.bin\n> #0V%T\n> `\n> end\n", id="quoted"),
    ],
)
def test_what_only_looks_like_an_uuencoded_file_stays_text(text: str) -> None:
    read = read_raw(f"Subject: A\n\nHello\n{text}".encode())
    assert read["attachments"] == []
    assert read["text"].splitlines()[1] == text.splitlines()[0]


def test_many_beginnings_of_files_are_read_once() -> None:
    text = b"begin 644 a\n" * 100_000 + b"M" + b"A" * 60 + b"\n"
    assert [*uuencoded_files(text)] == []
    [found] = uuencoded_files(text + b"end\n")
    assert (found.begins, found.name, len(found.content)) == (12 * 99_999, "a", 45)


def test_files_are_looked_for_in_the_first_4_mb_of_a_text() -> None:
    file = uuencoded("a.bin", b"abc").replace("\n`", "\n\n\n`").encode()  # two blank lines do no harm
    near, far = (b"Hello\n" * (size // 6) + file for size in (4_000_000, 4 * 1024 * 1024))
    assert [(one.name, one.content) for one in uuencoded_files(near)] == [("a.bin", b"abc")]
    assert [*uuencoded_files(far)] == []


def test_a_saved_mail_within_an_uuencoded_file_is_opened() -> None:
    inner = uuencoded("old.eml", b"Subject: Old\nFrom: bob@example.org\n\nOld words.\n")
    read = read_raw(f"Subject: A\n\nHello\n{inner}".encode())
    assert [one["name"] for one in read["attachments"]] == ["old.eml"]
    assert read["text"].endswith("Old words.")


def test_a_part_that_is_not_there_is_not_found() -> None:
    assert attachment_of(payload_of(b"Subject: A\n\nHello"), "1") is None
