"""Builds outgoing mails: well-formed, marked as sent by a program, with answers kept in their thread."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.errors import MessageError
from email.header import Header
from email.headerregistry import Address, AddressHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime, getaddresses
from typing import Any

from msgspec import Struct, field

from clients.errors import InvalidRequest
from clients.mail import addresses
from clients.mail.addresses import recipients, specs
from clients.mail.domains import ascii_domain
from clients.mail.parts import header, shown
from clients.mail.pictures import PicturedMail, pictured
from clients.mail.replies import chain_of

OUR_MARK = "<orchestra."
"""The beginning of the Message-ID of every mail that a workflow wrote."""
DIVERTED = "X-Orchestra-Diverted"
"""The header of a draft that answers somebody other than the sender of the mail."""
_OWN_FIELDS = re.compile(
    rb"^(?:message-id|x-orchestra|x-orchestra-diverted):.*\n(?:[ \t].*\n)*", re.IGNORECASE | re.MULTILINE
)
_SUBMITTED = re.compile(rb"^auto-submitted:", re.IGNORECASE | re.MULTILINE)
# An encoded word (RFC 2047 2) would be decoded when the header is made, and may hide a line end.
_ENCODED_WORD = re.compile(r"=\?(?=[^?]*\?[bq]\?)", re.IGNORECASE)
_LINE = ",\r\n "
_LONGEST_NAME = 300
"""Characters of a name; real ones are shorter."""
_IN_ADDRESSES = str.maketrans({"@": " at ", '"': "'", ";": ",", **dict.fromkeys("<>[]:\\", " ")})
_IN_PAIRS = re.compile(r"[^()]*(?:\([^()]*\)[^()]*)*")
_LONGEST_LINE = 900
"""Characters; a line ends at 998 (RFC 5322 2.1.1), and the name of the header is in front of the first one."""
_READER = HeaderRegistry()
_METHOD = re.compile(rb"^METHOD:([A-Z]{1,30})\r?$", re.MULTILINE)
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,247}>")
_NEW_LINE = re.compile(rb"(?:\r\n?+|\n)(?![ \t]|\Z)")


class File(Struct, frozen=True):
    """An attachment of an outgoing mail."""

    name: str
    content: bytes
    media_type: str = ""
    is_passed_on: bool = False
    """Whether the writer of another mail has named it: then it is not shown in the text."""


class OutgoingMail(Struct, frozen=True):
    """The content of an outgoing mail; address fields hold one or several addresses, with or without names."""

    to: Sequence[str] = ()
    cc: Sequence[str] = ()
    bcc: Sequence[str] = ()
    subject: str = ""
    text: str = ""
    files: Sequence[File] = field(default_factory=tuple)
    html: str = ""
    """The same as `text` for programs that show HTML; empty: there is only the text."""
    reply_to: Sequence[str] = ()
    """Where answers go, instead of to the account."""
    is_diverted: bool = False
    """Whether `to` is where the answered mail asks for answers, which is not the address of its sender."""
    sender: str = ""
    """Another address of the account that it is from, maybe with a name; "": the account itself."""


class _Headers(EmailPolicy):
    """Writes headers that Python's own policy would spoil.

    It folds a long message id by encoding it, which no mail program reads; where it folds a text that is not ASCII, it
    may lose the space between two words (https://github.com/python/cpython/issues/92081); and where it folds a name in
    quotes, it loses the quotes (https://github.com/python/cpython/issues/80222), so that an address in the name gets
    the mail, too.
    """

    def fold_binary(self, name: str, value: Any) -> bytes:
        """Write one header; raises ValueError if it would contain the start of another, or other addresses."""
        if name.lower() in {"message-id", "in-reply-to", "references"}:
            lines = "\r\n ".join(str(value).split())
            return f"{name}: {lines}\r\n".encode("utf-8", "replace")
        if isinstance(value, AddressHeader):
            written = _of_addresses(name, value.addresses)
        elif str(value).isascii():
            written = super().fold_binary(name, value)
        elif isinstance(value, UnstructuredHeader):
            written = f"{name}: {_encoded(str(value), name)}\r\n".encode("ascii")
        else:
            written = super().fold_binary(name, value)
        if _NEW_LINE.search(written):
            raise ValueError(f"the header {name} contains more than one line")
        return written


def _of_addresses(name: str, addresses: Sequence[Address]) -> bytes:
    """Write a header of addresses. Raises ValueError unless every reader finds exactly these in it."""
    asked = [one.addr_spec for one in addresses]
    listed = _LINE.join(_with_name(one, name) for one in addresses)
    read_back = listed.replace("\r\n", "")
    by_python = [one for _, one in getaddresses([read_back])]
    for found in (specs(read_back), specs(shown(read_back)), by_python, _as_python_reads(read_back)):
        if found != asked:
            raise ValueError(f"the header {name} would name {', '.join(found)[:200]} and not {', '.join(asked)[:200]}")
    if max(map(len, listed.split("\r\n"))) > _LONGEST_LINE:
        raise ValueError(f"an address in the header {name} is too long")
    return f"{name}: {listed}\r\n".encode("ascii")


def _as_python_reads(text: str) -> list[str]:
    read = _READER("To", text)
    return [one.addr_spec for one in read.addresses] if isinstance(read, AddressHeader) else []


def _encoded(text: str, header_name: str) -> str:
    """Return a text as encoded words (RFC 2047), which keep its spaces, on as many lines as it needs."""
    return Header(text, "utf-8", header_name=header_name).encode(linesep="\r\n")


def _with_name(address: Address, header_name: str) -> str:
    """Return an address in its form for a header, on lines of its own.

    An ASCII name with special characters is in quotes. Any other is encoded, without what makes an address: some
    programs decode it before they look for addresses, and the API of Gmail shows it decoded.
    """
    name = address.display_name[:_LONGEST_NAME]
    if name.isascii():
        return str(Address(name, address.username, address.domain))
    harmless = name.translate(_IN_ADDRESSES)
    if not _IN_PAIRS.fullmatch(harmless):
        harmless = re.sub(r"[()]", " ", harmless)
    return f"{_encoded(harmless, header_name)}\r\n <{address.addr_spec}>"


def message_id(marker: str, account: str) -> str:
    """Return the Message-ID of the write with this marker: deterministic, unique, well-formed (RFC 5322 3.6.4)."""
    domain = account.rpartition("@")[2].strip().lower()
    labels = domain.split(".")
    is_sound = domain.isascii() and len(labels) > 1 and all(label.replace("-", "").isalnum() for label in labels)
    return f"{OUR_MARK}{marker}@{domain if is_sound else 'mail.orchestra.invalid'}>"


def build(
    mail: OutgoingMail,
    account: str,
    marker: str,
    answers: Mapping[str, Any] | None,
    written_at: datetime | None,
    submitted: str = "",
) -> EmailMessage:
    """Build the mail; `answers` is the payload of the mail that it answers.

    `submitted` says how a mail that is not an answer came to be (RFC 3834 5: `auto-generated`), "" for a draft that a
    person sends. A draft that answers somebody other than the sender is marked so (`DIVERTED`).

    Raises InvalidRequest if an address or a header cannot be written.
    """
    built = EmailMessage(policy=_Headers(linesep="\r\n"))
    subject = reply_subject(mail.subject, answers) if answers is not None else mail.subject
    try:
        built["From"] = _addresses("From", [mail.sender]) if mail.sender else account
        for name, given in (("To", mail.to), ("Cc", mail.cc), ("Bcc", mail.bcc), ("Reply-To", mail.reply_to)):
            if given:
                built[name] = _addresses(name, given)
        built["Subject"] = one_line(subject)
        built["Date"] = format_datetime(written_at or datetime.now(UTC))
        built["Message-ID"] = message_id(marker, account)
        built["X-Orchestra"] = marker
        if answers is not None:
            _keep_thread(built, answers)
            if mail.is_diverted and not submitted:
                built[DIVERTED] = "Reply-To"
        elif submitted:
            built["Auto-Submitted"] = submitted
        _set_text(built, pictured(mail.text, mail.html, mail.files, marker))
        for name, value in built.items():
            if isinstance(value, AddressHeader):
                _of_addresses(name, value.addresses)  # also of Bcc, which SMTP does not write
    except (ValueError, MessageError, UnicodeError) as error:
        raise InvalidRequest(f"The mail cannot be written: {error}") from error
    return built


def _set_text(built: EmailMessage, mail: PicturedMail[File]) -> None:
    """Set the text, as HTML, too, with the pictures that it shows; and attach the other files."""
    built.set_content(_sound(mail.text))
    if mail.html:
        built.add_alternative(_sound(mail.html), subtype="html")
        html = next(part for part in built.iter_parts() if part.get_content_subtype() == "html")
        for one in mail.shown:
            kind, _, subkind = one.media_type.partition("/")
            name = one_line(one.file.name)
            html.add_related(
                one.file.content, kind, subkind, cid=f"<{one.content_id}>", filename=name, disposition="inline"
            )
    for file in mail.files:
        _attach(built, file)


def require_recipients(name: str, values: Sequence[str]) -> None:
    """Raise InvalidRequest unless a mail can be addressed to all of these; `name`: of the field."""
    try:
        _addresses(name, values)
    except (ValueError, MessageError) as error:
        raise InvalidRequest(f"{name}: {', '.join(values)[:100]!r} is not a mail address: {error}.") from error


def one_line(text: str) -> str:
    """Return the text as one line: a line end in a header would allow header injection."""
    return _ENCODED_WORD.sub("= ?", " ".join(_sound(text).split()))


def marked(content: bytes, marker: str, account: str) -> bytes:
    """Return the bytes of an existing mail with the Message-ID and mark of the write that sends it."""
    head, blank, body = content.replace(b"\r\n", b"\n").partition(b"\n\n")
    kept = _OWN_FIELDS.sub(b"", head + b"\n")
    own = f"Message-ID: {message_id(marker, account)}\nX-Orchestra: {marker}\n".encode()
    if not _SUBMITTED.search(kept):
        own += b"Auto-Submitted: auto-generated\n"
    return (own + kept.removesuffix(b"\n") + blank + body).replace(b"\n", b"\r\n")


def as_bytes(mail: EmailMessage) -> bytes:
    """Return the mail's bytes. Raises InvalidRequest if no charset can encode it, or a header contains another."""
    try:
        return mail.as_bytes()
    except ValueError as error:
        raise InvalidRequest(f"The mail cannot be written: {error}") from error


def reply_subject(subject: str, answers: Mapping[str, Any]) -> str:
    """Return the subject of an answer: Gmail keeps a thread only if it is the original behind one `Re:`."""
    wanted = subject.strip() or shown(header(answers, "Subject"))
    return wanted if wanted.lower().startswith("re:") else f"Re: {wanted}"


def _keep_thread(built: EmailMessage, answers: Mapping[str, Any]) -> None:
    """Add references to the earlier mails (RFC 5322 3.6.4), and the mark of an automatic reply (RFC 3834 5)."""
    built["Auto-Submitted"] = "auto-replied"
    parent = _ids(header(answers, "Message-ID"))
    if not parent:
        return
    earlier = _ids(" ".join(chain_of(answers).earlier))
    built["In-Reply-To"] = parent[0]
    # The first and the last references: a header line ends at 998 characters (RFC 5322 2.1.1).
    chain = list(dict.fromkeys([*earlier, parent[0]]))
    built["References"] = " ".join([*chain[:1], *chain[1:][-8:]])


def _ids(value: str) -> list[str]:
    """Return the valid message ids. Servers refuse a header with others, such as an id with a NUL byte."""
    return [word for word in value.split() if _MESSAGE_ID.fullmatch(word)]


def _addresses(name: str, values: Sequence[str]) -> list[Address]:
    return [_address(name, one) for one in recipients(name, values)]


def _address(name: str, one: addresses.Address) -> Address:
    return Address(one_line(one.name), addr_spec=deliverable(name, one))


def deliverable(name: str, one: addresses.Address) -> str:
    """Return an address as all servers take it, its domain in ASCII; `name`: of the field. Raises InvalidRequest."""
    local_part, _, domain = one.spec.rpartition("@")
    if not local_part.isascii():
        raise InvalidRequest(
            f"{name}: {one.spec[:100]!r} has non-ASCII characters before the @.",
            remedy="Mail is not sent to such addresses, which many servers refuse (RFC 6531). Use another one.",
        )
    try:
        return f"{local_part}@{ascii_domain(domain)}"
    except UnicodeError as error:
        raise InvalidRequest(
            f"{name}: {one.spec[:100]!r} has a domain that cannot exist: {error}.",
            remedy="Check what is after the @: symbols, such as emoji, are not allowed there (RFC 5892).",
        ) from error


def _attach(built: EmailMessage, file: File) -> None:
    media_type = file.media_type or mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    kind, _, subkind = media_type.partition("/")
    if kind in {"message", "multipart"} or not subkind:
        kind, subkind = "application", "octet-stream"
    # By its method, programs tell an invitation, or an answer to one, from a mere file (RFC 6047 2.4).
    method = _METHOD.search(file.content) if media_type == "text/calendar" else None
    about = {"method": method[1].decode(), "charset": "utf-8"} if method else None
    built.add_attachment(file.content, maintype=kind, subtype=subkind, filename=one_line(file.name), params=about)


def _sound(text: str) -> str:
    """Replace lone surrogates, which no charset can encode."""
    return text.encode("utf-8", "replace").decode("utf-8")
