"""The sample mailbox: the `.eml` files of this package, with dates shifted so that the newest has just arrived."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.header import Header
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime, formataddr, getaddresses, make_msgid, parsedate_to_datetime
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from demo.gmail.labels import SYSTEM
from demo.gmail.mailbox import Record, StandInMailbox
from demo.gmail.mime import MimeMail, with_header, without_header
from demo.service import Refused
from demo.store import Store

MAILS = Path(__file__).parent / "mails"
NEW_MAILS = Path(__file__).parent / "new_mails"
# The placeholder of the account's address, which changes with each reset.
RECIPIENT = b"you@example.com"
# Google Takeout's header for a mail's labels; here it means that a mail has none of the usual ones.
LABELS_HEADER = "X-Gmail-Labels"
NO_LABEL = {"archived", "opened"}
OTHER_NAMES = {"drafts": "DRAFT"}


class DemoBox(Protocol):
    """A mailbox that the sample mails are for."""

    @property
    def account(self) -> str:
        """Its address."""

    @property
    def store(self) -> Store:
        """Where the demo keeps it."""


@dataclass(frozen=True)
class SampleMail:
    """One sample mail: its bytes without the label header, its label names, its date."""

    raw: bytes
    labels: tuple[str, ...]
    sent_at: datetime


def read(path: Path) -> SampleMail:
    """Parse one file."""
    raw, labels = without_header(path.read_bytes(), LABELS_HEADER)
    sent_at = parsedate_to_datetime(MimeMail.parse(raw).header("Date"))
    return SampleMail(raw, tuple(each.strip() for each in labels.split(",") if each.strip()), sent_at)


@cache
def samples() -> Sequence[SampleMail]:
    """Return the sample mails, oldest first; a process reads them once, however often it starts anew."""
    return sorted((read(path) for path in MAILS.glob("*.eml")), key=lambda each: each.sent_at)


def seed(store: Store) -> None:
    """Create the sample mailbox; the intervals between the mails are kept."""
    box, found = StandInMailbox(store), samples()
    now = datetime.fromtimestamp(box.now() / 1000, UTC).replace(microsecond=0)
    shift = now - found[-1].sent_at
    for sample in found:
        _put(box, sample, shift)


def arrive(box: StandInMailbox, raw: bytes) -> Record:
    """Deliver a mail now: in the inbox, unread, ignoring the date and labels of the file."""
    raw, _ = without_header(raw, LABELS_HEADER)
    now = datetime.fromtimestamp(box.now() / 1000, UTC)
    return box.add(with_header(to_account(box, raw), "Date", format_datetime(now)), ["INBOX", "UNREAD"])


def next_mail(box: DemoBox) -> bytes:
    """Return the next of the extra mails, which are not in the mailbox at first; after the last it starts over."""
    files = sorted(NEW_MAILS.glob("*.eml"))
    number = box.store.next_number("gmail/new_mails") - 1
    raw = files[number % len(files)].read_bytes()
    # A mail that comes a second time is a new mail, as if somebody had written it again.
    return raw if number < len(files) else with_header(raw, "Message-ID", make_msgid(domain="demo.example"))


class _WholeSubject(EmailPolicy):
    """Python loses spaces where it folds a long subject that is not ASCII."""

    def fold_binary(self, name: str, value: Any) -> bytes:
        """Write one header."""
        if name.lower() != "subject" or str(value).isascii():
            return super().fold_binary(name, value)
        return f"{name}: {Header(str(value), 'utf-8', header_name=name).encode()}\n".encode("ascii")


def written(box: DemoBox, given: Mapping[str, Any]) -> bytes:
    """Return a mail made of {from, subject, text}; raises Refused 400."""
    message = EmailMessage(policy=_WholeSubject())
    try:
        message["From"] = str(given.get("from") or "someone@example.org")
        message["To"] = box.account
        message["Subject"] = str(given.get("subject") or "")
        message["Message-ID"] = make_msgid(domain="demo.example")
        message.set_content(str(given.get("text") or ""))
        return message.as_bytes()
    except (ValueError, TypeError, IndexError) as error:
        raise Refused(400, f"This makes no mail: {error}") from error


def answer(box: StandInMailbox, answered: str, text: str) -> bytes:
    """Return an answer of the first receiver of a mail; raises Refused 404, 400."""
    mail = box.mail(answered)
    name = mail.header("Message-ID")
    message = EmailMessage(policy=_WholeSubject())
    try:
        message["From"] = formataddr(next(iter(getaddresses([mail.header("To")])), ("", "")))
        message["To"] = box.account
        subject = mail.header("Subject")
        message["Subject"] = subject if subject.lower().startswith("re:") else f"Re: {subject}"
        message["Message-ID"] = make_msgid(domain="demo.example")
        message["In-Reply-To"] = name
        message["References"] = f"{mail.header('References')} {name}".strip()
        message.set_content(text)
        return message.as_bytes()
    except (ValueError, TypeError, IndexError) as error:
        raise Refused(400, f"This makes no mail: {error}") from error


def _put(box: StandInMailbox, sample: SampleMail, shift: timedelta) -> None:
    sent_at = sample.sent_at + shift
    raw = with_header(to_account(box, sample.raw), "Date", format_datetime(sent_at))
    labels = [_label_id(box, name) for name in sample.labels if name.lower() not in NO_LABEL]
    box.add(raw, labels, date_ms=int(sent_at.timestamp() * 1000))


def to_account(box: DemoBox, raw: bytes) -> bytes:
    """Replace "you" in the headers with the account's address."""
    head, gap, body = re.match(rb"(?s)(.*?)(\r?\n\r?\n|$)(.*)", raw).groups()  # type: ignore[union-attr]
    return bytes(head.replace(RECIPIENT, box.account.encode()) + gap + body)


def _label_id(box: StandInMailbox, name: str) -> str:
    """Return the id of a label name; a missing user label is created."""
    system = OTHER_NAMES.get(name.lower(), name.upper().replace(" ", "_"))
    if system in SYSTEM:
        return system
    known = {each: label_id for label_id, each in box.labels.names().items()}
    return known.get(name) or str(box.labels.create({"name": name})["id"])
