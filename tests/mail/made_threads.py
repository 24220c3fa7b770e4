"""Makes conversations as people and their mail programs write them, and knows what each mail adds to them."""

from __future__ import annotations

import random
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime

from tests.mail.made_bytes import armored, signed_data
from tests.mail.outlook import file, text, winmail
from tests.mail.quoted_mails import MARKING, PROGRAMS, Person, Quoted, Writer, paragraphs
from tests.mail.written_quotes import WRITTEN

SEED = 20261130
SOME, ALL = 12, 300
"""Conversations of one to six mails: all of them have about a thousand."""
_OTHERS = (("Bob Hill", "bob@example.com"), ("Carol Ray", "carol@example.net"), ("Dave Fox", "dave@example.org"))
_SEALED = "The mail is encrypted for its recipient: open it in a mail program that has the key."


@dataclass
class ThreadMail:
    """A mail of a conversation."""

    raw: bytes
    sender: str
    at: datetime
    """When it arrives."""
    said: str
    """What is new in it."""
    files: list[str]
    is_own: bool
    """Whether the owner of the mailbox wrote it."""


@dataclass
class MadeThread:
    """A conversation: its mails, oldest first, and a mail that does not belong to it."""

    name: str
    mails: list[ThreadMail]
    stranger: bytes

    def transcript(self) -> str:
        """Return what a reader of it sees."""
        return "\n\n".join(_told(mail) for mail in self.mails)


def threads(seed: int, count: int, owner: Person) -> Iterator[MadeThread]:
    """Make so many conversations of the owner of a mailbox with others, half a day after each other."""
    for number in range(count):
        yield _Talk(random.Random(f"{seed}/{number}"), number, owner).thread()


def _told(mail: ThreadMail) -> str:
    files = f", with {', '.join(mail.files)}" if mail.files else ""
    return f"{mail.sender}, {mail.at:%Y-%m-%d %H:%M} UTC{files}:\n{textwrap.indent(mail.said, '  ')}"


@dataclass
class _Written:
    """A mail as the next ones answer and quote it."""

    name: str
    chain: list[str]
    author: Person
    readers: list[Person]
    subject: str
    plain: str
    html: str
    is_below: bool
    """Whether its words stand below those that it quotes."""


class _Talk:
    def __init__(self, rng: random.Random, number: int, owner: Person) -> None:
        self.rng, self.number, self.owner = rng, number, owner
        self.people = [owner, *rng.sample(_OTHERS, rng.randint(1, 3))]
        self.about = f"{rng.choice(['Meeting', 'Angebot', 'Заказ', '请求'])} {number // 2}"  # two have the same
        self.is_lost = rng.random() < 0.2
        """Whether one mail has never come: then all later ones have whole references."""
        self.is_branching = rng.random() < 0.3
        """Whether earlier mails are answered as well: then the subject stays, so that services keep them together."""
        self.written: list[_Written] = []

    def thread(self) -> MadeThread:
        """Write the conversation."""
        count = self.rng.randint(1, 6)
        lost = self.rng.randint(1, count - 2) if self.is_lost and count > 2 else -1
        mails = [self._mail(place) for place in range(count)]
        return MadeThread(
            f"{self.number} {count} mails{' branching' * self.is_branching}{f' without {lost}' if lost > 0 else ''}",
            [mail for place, mail in enumerate(mails) if place != lost],
            self._stranger(),
        )

    def _mail(self, place: int) -> ThreadMail:
        answered = None
        if self.written:
            answered = self.rng.choice(self.written) if self.is_branching else self.written[-1]
        author = self.rng.choice(self.people)
        # Nobody is left out, so that everybody may join what follows.
        readers = [one for one in self.people if one != author]
        writer = self._writer()
        # Where a mail has its words below marked ones, and is quoted without marks, nobody can tell whose they are.
        while answered and answered.is_below and writer.program not in MARKING:
            writer = self._writer()
        own = f"NEW{self.number}.{place} {writer.words['say']}"
        own += self.rng.choice(["", f"\n\n{writer.words['ask']}", "\n12.50\n- 1\n- 2"])
        plain, html = self._texts(writer, own, author, answered)
        name = f"<{place}.{self.rng.getrandbits(60)}@{author[1].partition('@')[2]}>"
        subject = self._subject(writer, author, answered)
        self.written.append(
            _Written(
                name,
                [*(answered.chain if answered else []), name],
                author,
                readers,
                subject,
                plain,
                html,
                not plain.startswith(own),
            )
        )
        at = datetime(2026, 1, 1, 8, tzinfo=UTC) + timedelta(hours=12 * self.number, minutes=17 * place)
        raw, files, said = self._bytes(own, at, answered)
        return ThreadMail(raw, f"{author[0]} <{author[1]}>", at, said, files, author == self.owner)

    def _writer(self) -> Writer:
        """Return one of the mail programs, in one of the languages."""
        number = 2 * (self.rng.randrange(len(PROGRAMS)) + len(PROGRAMS) * self.rng.randrange(len(WRITTEN)))
        return Writer(self.rng, number)

    def _texts(self, writer: Writer, own: str, author: Person, answered: _Written | None) -> tuple[str, str]:
        signature = self.rng.choice(["", f"\n\n-- \n{author[0]}\nExample Ltd"])
        if answered is None:
            return f"{own}{signature}", f"{paragraphs(own)}{_signed_html(signature)}"
        quoted = Quoted(answered.author, answered.readers[0], answered.plain, answered.html)
        if writer.program in MARKING and self.rng.random() < 0.3:
            plain, html = writer.answer("", quoted, writer.program)
            return f"{plain}\n\n{own}{signature}", f"{html}{paragraphs(own)}{_signed_html(signature)}"
        plain, _ = writer.answer(f"{own}{signature}", quoted, writer.program)
        _, html = writer.answer("", quoted, writer.program)
        return plain, f"{paragraphs(own)}{_signed_html(signature)}{html}"

    def _subject(self, writer: Writer, author: Person, answered: _Written | None) -> str:
        if answered is None:
            return self.about
        if self.is_branching or self.rng.random() < 0.6:
            return f"Re: {self.about}"
        if answered.author == author:  # under another subject, they may as well pass their own mail on
            return f"Re: {self.about}"
        if self.rng.random() < 0.3:
            return f"{self.about} ({self.number}.{len(self.written)})"
        return f"{writer.words['re']}: {answered.subject}"

    def _bytes(self, own: str, at: datetime, answered: _Written | None) -> tuple[bytes, list[str], str]:
        """Return the mail, its files, and what is to be seen of it."""
        mail = self.written[-1]
        made = EmailMessage()
        made["From"] = f"{mail.author[0]} <{mail.author[1]}>"
        made["To"] = f"{mail.readers[0][0]} <{mail.readers[0][1]}>"
        if mail.readers[1:]:
            made["Cc"] = ", ".join(address for _, address in mail.readers[1:])
        made["Subject"], made["Date"], made["Message-ID"] = mail.subject, format_datetime(at), mail.name
        head = b"".join(_line(name, value) for name, value in self._chain(answered))
        content, files, said = self._content(mail, own)
        made_head = made.as_bytes().partition(b"\n\n")[0]
        return (made_head + b"\n" + head + b"MIME-Version: 1.0\n" + content).replace(b"\n", b"\r\n"), files, said

    def _chain(self, answered: _Written | None) -> list[tuple[str, str]]:
        """Return the headers that name earlier mails, as programs write them."""
        if answered is None:
            return []
        chain, own = answered.chain, answered.name
        whole = [("In-Reply-To", own), ("References", " ".join(chain))]
        if self.is_lost:
            return whole
        shorter = chain if len(chain) < 4 else [chain[0], *chain[-2:]]
        ways = [
            whole,
            whole,
            [("References", "\n ".join(chain))],
            [("In-Reply-To", own)],
            [("References", own)],
            [("in-reply-to", f'Message of "Mon" {own}'), ("REFERENCES", " ".join(shorter))],
            [("References", "".join(chain)), ("In-Reply-To", own)],
        ]
        return self.rng.choice(ways)

    def _content(self, mail: _Written, own: str) -> tuple[bytes, list[str], str]:
        """Return what stands below the headers: a text in one or both forms, files, and what programs put around."""
        plain = _part("text/plain; charset=utf-8", mail.plain.encode())
        html = _part("text/html; charset=utf-8", f"<html><body>{mail.html}</body></html>".encode())
        words = self.rng.choice([plain, html, self._mixed("alternative", plain, html)])
        names = [f"{self.number}-{place} {self.rng.choice(['Übersicht', 'offer'])}.pdf" for place in range(2)]
        names = names[: self.rng.choice([0, 0, 1, 2])]
        chance = self.rng.random()
        if chance < 0.07:
            control = _part("application/pgp-encrypted", b"Version: 1")
            message = armored("MESSAGE", mail.plain.encode(), b"\n")
            sealed = _part('application/octet-stream; name="encrypted.asc"', message)
            return self._mixed("encrypted", control, sealed), ["encrypted.asc"], _SEALED
        if names and chance < 0.3:  # by Outlook, in a winmail.dat
            files = [file("A.PDF", self.rng.randbytes(99), text(0x3707, name)) for name in names]
            stream = winmail(*files, of=[text(0x1000, mail.plain)])
            content = self._mixed("mixed", words, _part("application/ms-tnef; name=winmail.dat", stream))
        elif names:
            files = [_part("application/pdf", self.rng.randbytes(99), name) for name in names]
            content = self._mixed("mixed", words, *files)
        else:
            content = words
        return self._signed(content), names, own

    def _signed(self, content: bytes) -> bytes:
        chance = self.rng.random()
        if chance < 0.15:
            signature = armored("SIGNATURE", self.rng.randbytes(80), b"\n")
            return self._mixed(
                "signed", content, b'Content-Type: application/pgp-signature; name="s.asc"\n\n' + signature
            )
        if chance < 0.3:
            return _part("application/pkcs7-mime; smime-type=signed-data; name=smime.p7m", signed_data(content))
        return content

    def _mixed(self, kind: str, *parts: bytes) -> bytes:
        boundary = f"=_{self.rng.getrandbits(60)}"
        mark = b"--" + boundary.encode()
        inside = b"".join(mark + b"\n" + part + b"\n" for part in parts)
        return f'Content-Type: multipart/{kind}; boundary="{boundary}"\n\n'.encode() + inside + mark + b"--\n"

    def _stranger(self) -> bytes:
        """Write a mail of somebody else that names one of the conversation."""
        named = self.rng.choice(self.written).name
        head = f"From: Eve <eve@evil.example>\nTo: {self.owner[1]}\nSubject: Prize {self.number}\n"
        more = f"Message-ID: <{self.rng.getrandbits(60)}@evil.example>\nReferences: {named}\nIn-Reply-To: {named}\n"
        return f"{head}{more}\nBuy this\n".replace("\n", "\r\n").encode()


def _signed_html(signature: str) -> str:
    return f"<div>-- <br>{'<br>'.join(signature.strip().splitlines()[1:])}</div>" if signature else ""


def _line(name: str, value: str) -> bytes:
    return f"{name}: {value}\n".encode()


def _part(kind: str, content: bytes, name: str = "") -> bytes:
    message = EmailMessage()
    main, _, rest = kind.partition("/")
    subtype = rest.partition(";")[0]
    disposition = "attachment" if name else None
    message.set_content(content, main, subtype, disposition=disposition, filename=name or None)
    for parameter in rest.split(";")[1:]:
        key, _, value = parameter.strip().partition("=")
        message.set_param(key, value.strip('"'))
    del message["MIME-Version"]
    return message.as_bytes()
