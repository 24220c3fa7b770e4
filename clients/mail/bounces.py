"""Reports about the delivery of a mail: which recipient did not get it, and why.

Most are a multipart/report (RFC 3464, and RFC 6533 for addresses that are not ASCII). qmail writes a form of its own
(QSBMF, https://cr.yp.to/proto/qsbmf.txt), and so does Exim where it is set to. Anybody can write such a report: what it
says is the word of whoever sent it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import Any, Literal, TypedDict

from msgspec import Struct

from clients.errors import NotFound, Unreadable
from clients.mail.charsets import decoded
from clients.mail.opening import own_parts
from clients.mail.parameters import parameters
from clients.mail.parts import MAILS, Load, Part, body_bytes, header, headers, media_type, nothing_left_out, shown
from clients.mail.raw import headers_of, payload_of

Action = Literal["", "failed", "delayed", "delivered", "relayed", "expanded"]
"""What became of the mail for a recipient (RFC 3464 2.3.3); "" if the report does not say."""
SENDERS = ("mailer-daemon", "postmaster", "microsoftexchange329e71ec88ae4615bbc36ab6ce41109e")
"""Local parts of the addresses that send such reports; Exchange has the last one in every organization."""

_STATUS_TYPES = frozenset({"message/delivery-status", "message/global-delivery-status"})
_HEADS = frozenset({"text/rfc822-headers", "message/global-headers"})
_ACTIONS: Mapping[str, Action] = {
    "failed": "failed",
    "failure": "failed",
    "delayed": "delayed",
    "delivered": "delivered",
    "relayed": "relayed",
    "expanded": "expanded",
}
_BY_CLASS: Mapping[str, Action] = {"2": "delivered", "4": "delayed", "5": "failed"}
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_REPLY = re.compile(r"(?<!\d)[45]\d\d(?:[- ][45]\.\d{1,3}\.\d{1,3})?(?=[- ]|$)")
_LETTER = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")
_FIELD = re.compile(r"([!-9;-~]{1,100}):[ \t]*(.*)", re.DOTALL)
_QMAIL = re.compile(r"\s*Hi\. This is the ")
_OF_QMAIL = re.compile(r"<([^<>\s]{1,300})>:[ \t]*\n(.*)", re.DOTALL)
_OF_EXIM = re.compile(r"^[ \t]+<?([^\s<>@]+@[^\s<>@]+?)>?:?[ \t]*\n((?:[ \t]+\S.*(?:\n|\Z))*)", re.MULTILINE)
_COPY = re.compile(r"^-+ (?:Below this line is a copy|This is a copy of) .*$", re.MULTILINE)
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,900}>")
_MARKER = re.compile(r"[a-z2-7]{32}")
_TEXT_MOST, _RECIPIENTS_MOST, _LONGEST = 200_000, 100, 500
_READ_MOST = 20 * _LONGEST
"""Characters of an answer that are read: it may repeat its codes on many lines."""


class BouncedRecipient(TypedDict):
    """What a report says of one recipient."""

    address: str
    action: Action
    status: str
    """Such as `5.1.1` (RFC 3463), or ""."""
    diagnostic: str
    """What the server of the recipient has answered, on one line."""


class Bounce(Struct, frozen=True):
    """A report about the delivery of a mail."""

    message_id: str = ""
    """Of the mail that was not delivered, `<...>`; "" if the report does not say."""
    marker: str = ""
    """The marker of the write that sent it (`X-Orchestra`, or the envelope id of RFC 3461), or ""."""
    recipients: tuple[BouncedRecipient, ...] = ()

    @property
    def is_failure(self) -> bool:
        """Whether the mail did not reach somebody; one that is only late may still arrive."""
        return any(one["action"] == "failed" for one in self.recipients)


class ArrivedBounce(Struct, frozen=True):
    """A report in a mailbox, with the id of its mail."""

    id: str
    bounce: Bounce


def bounce_in(mail: Part, load: Load = nothing_left_out) -> Bounce | None:
    """Return the bounce report, or None if the mail is not one."""
    report = next((part for part in own_parts(mail) if _is_report(part)), None)
    if report is not None:
        return _of_report(mail, report, load)
    if not header(mail, "X-Failed-Recipients") and media_type(mail) not in {"text/plain", ""}:
        return None
    text = _text(next((part for part in own_parts(mail) if media_type(part) in {"text/plain", ""}), {}), load)
    if _QMAIL.match(text):
        return _of_text(mail, text, _recipients_of_qmail(text))
    failed = [one.strip() for value in headers(mail, "X-Failed-Recipients") for one in value.split(",") if one.strip()]
    return _of_text(mail, text, _recipients_of_exim(text, failed)) if failed else None


def bounce_in_bytes(content: bytes) -> Bounce | None:
    """Return the bounce report in the bytes of a mail, or None if the mail is not one."""
    return bounce_in(payload_of(content))


def arrived_bounces(mails: Iterable[str], raw: Callable[[str], bytes]) -> list[ArrivedBounce]:
    """Return the reports among mails, by their ids; `raw` returns the bytes of one, unless it is gone (NotFound)."""
    found = []
    for mail in mails:
        with suppress(NotFound):
            bounce = bounce_in_bytes(raw(mail))
            found += [ArrivedBounce(mail, bounce)] if bounce is not None else []
    return found


def told(bounce: Bounce | None) -> dict[str, Any]:
    """Return {is_bounce, bounce}, the form that workflows see; `bounce` is {message_id, recipients}."""
    found = bounce or Bounce()
    return {
        "is_bounce": found.is_failure,
        "bounce": {"message_id": found.message_id, "recipients": [dict(one) for one in found.recipients]},
    }


def may_be_bounce(sender: str, subject: str = "") -> bool:
    """Return whether a mail may be such a report, by its sender's address and its subject: what is worth reading."""
    return any(sender.lower().startswith(one) for one in SENDERS) or "undeliver" in subject.lower()


def _is_report(part: Part) -> bool:
    return media_type(part) == "multipart/report" and any(
        media_type(child) in _STATUS_TYPES for child in part.get("parts") or []
    )


def _of_report(mail: Part, report: Part, load: Load) -> Bounce:
    groups = [
        fields
        for part in report["parts"]
        if media_type(part) in _STATUS_TYPES
        for fields in _groups(_text(part, load) or _text_of_parts(part, load))
    ]
    returned = next((_headers_of(part, load) for part in report["parts"] if _is_returned(part)), {})
    envelope = next((fields["original-envelope-id"] for fields in groups if "original-envelope-id" in fields), "")
    recipients = (_recipient(fields) for fields in groups if {"final-recipient", "original-recipient"} & fields.keys())
    return _bounce(mail, returned, recipients, envelope)


def _bounce(mail: Part, returned: Part, recipients: Iterable[BouncedRecipient], envelope: str = "") -> Bounce:
    """Return a report; without the mail that it returns, its own headers may name that one, as answers do."""
    names = _MESSAGE_ID.findall(header(returned, "Message-ID"))
    if not returned:
        names = [one for name in ("In-Reply-To", "References") for one in _MESSAGE_ID.findall(header(mail, name))]
    written = (header(returned, "X-Orchestra").strip(), envelope.strip())
    marker = next((one for one in written if _MARKER.fullmatch(one)), "")
    return Bounce(names[0] if names else "", marker, tuple(islice(recipients, _RECIPIENTS_MOST)))


def _is_returned(part: Part) -> bool:
    return media_type(part) in MAILS | _HEADS


def _headers_of(part: Part, load: Load) -> Part:
    """Return the headers of a mail that a report returns, wholly or only its headers."""
    inner = part.get("parts") or []
    return inner[0] if inner else headers_of(_content(part, load))


def _content(part: Part, load: Load) -> bytes:
    try:
        return body_bytes(part, load)
    except (LookupError, Unreadable):
        return b""


def _text(part: Part, load: Load) -> str:
    # Some programs label what is not ASCII as nothing at all.
    content = _content(part, load) if part.get("body") else b""
    return decoded(content[:_TEXT_MOST], parameters(header(part, "Content-Type")).get("charset") or "utf-8").replace(
        "\r\n", "\n"
    )


def _text_of_parts(part: Part, load: Load) -> str:
    """Return the text of a report's fields where each group of them was read as a mail of its own."""
    return "\n\n".join(
        "\n".join([*(f"{one['name']}: {one['value']}" for one in child.get("headers") or []), _text(child, load)])
        for child in part.get("parts") or []
    )


def _groups(text: str) -> Iterator[dict[str, str]]:
    """Yield the groups of fields of a report (RFC 3464 2.1.2) by their names in lower case."""
    for group in re.split(r"\n[ \t]*\n", text):
        fields: dict[str, str] = {}
        for line in re.sub(r"\n[ \t]+", " ", group).splitlines():
            if found := _FIELD.fullmatch(line):
                fields.setdefault(found[1].lower(), found[2].strip())
        if fields:
            yield fields


def _recipient(fields: Mapping[str, str]) -> BouncedRecipient:
    diagnostic = _without_type(fields.get("diagnostic-code", ""))
    found = _STATUS.search(fields.get("status", "")) or _STATUS.search(diagnostic)
    status = found[1] if found else ""
    action = _ACTIONS.get(fields.get("action", "").split("(")[0].strip().lower()) or _BY_CLASS.get(status[:1], "")
    address = _without_type(fields.get("original-recipient") or fields["final-recipient"])
    return {"address": _address(address), "action": action, "status": status, "diagnostic": _sentence(diagnostic)}


def _without_type(value: str) -> str:
    """Return what follows the type of an address or a diagnosis, such as `rfc822;` (RFC 3464 2.1.2)."""
    kind, semicolon, rest = value.partition(";")
    return rest.strip() if semicolon and re.fullmatch(r"[A-Za-z0-9-]+\s*", kind) else value.strip()


def _address(written: str) -> str:
    """Return an address; one that is not ASCII may be written in ASCII letters (RFC 6533 3)."""
    told = _LETTER.sub(lambda found: chr(min(int(found[1], 16), 0x10FFFF)), written.strip().strip("<>"))
    return shown(told.encode("utf-8", "replace").decode())[:_LONGEST]


def _sentence(diagnostic: str) -> str:
    """Return a server's answer on one line, without the code that each further line of it repeats."""
    words = shown(" ".join(diagnostic[:_READ_MOST].split()))
    first = _REPLY.match(words)
    if first is not None:
        code, rest = first[0], words[first.end() :].lstrip("- ")
        again = re.compile(rf"\s{code[:3]}[- ](?:{re.escape(code[4:])}\s)?" if code[4:] else rf"\s{code}[- ]")
        words = f"{code[:3]} {code[4:]} {again.sub(' ', rest)}" if code[4:] else f"{code} {again.sub(' ', rest)}"
    return words if len(words) <= _LONGEST else f"{words[:_LONGEST].rstrip()} …"


def _of_text(mail: Part, text: str, recipients: Iterator[BouncedRecipient]) -> Bounce:
    """Return the report that a plain text is; below a line, it has the mail that was not delivered."""
    copy = _COPY.search(text)
    returned = headers_of(text[copy.end() :].lstrip("\n").encode()) if copy else {}
    return _bounce(mail, returned, recipients)


def _recipients_of_qmail(text: str) -> Iterator[BouncedRecipient]:
    """Yield the recipients of a report of qmail: a paragraph each, `<address>:` and what was wrong."""
    for paragraph in re.split(r"\n[ \t]*\n", text):
        if paragraph.startswith("-"):
            return
        if found := _OF_QMAIL.match(paragraph):
            yield _failed(found[1], found[2])


def _recipients_of_exim(text: str, failed: list[str]) -> Iterator[BouncedRecipient]:
    """Yield the recipients of a report of Exim: an indented line each, with what was wrong below it."""
    copy = _COPY.search(text)
    said = {found[1].lower(): found[2] for found in _OF_EXIM.finditer(text[: copy.start()] if copy else text)}
    for one in failed:
        yield _failed(one, said.get(one.lower(), ""))


def _failed(address: str, said: str) -> BouncedRecipient:
    words = " ".join(said[:_READ_MOST].split())
    reply, status = _REPLY.search(words), _STATUS.search(words)
    told = _sentence(words[reply.start() :] if reply else words)
    return {
        "address": _address(address),
        "action": "failed",
        "status": status[1] if status else "",
        "diagnostic": told,
    }
