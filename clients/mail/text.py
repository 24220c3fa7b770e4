"""A mail turned into the plain shape that workflows see, whether a service took it apart or it comes as bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from clients.mail.html import TAGS_MOST, shortened, tidy, visible_text
from clients.mail.length import cut_to_characters, cut_to_tokens
from clients.mail.parts import (
    DEEPEST,
    Load,
    Part,
    attachment,
    attachment_id,
    attachment_parts,
    body_bytes,
    charset,
    decoded,
    header,
    is_attachment,
    media_type,
    nothing_left_out,
    shown,
)
from clients.mail.quotes import without_quotes, without_signature
from clients.mail.raw import payload_of

TEXT_MOST = 200_000
FULL_MOST = 1_000_000
"""Characters of a mail's text that are looked at."""
_BYTES_MOST = 4_000_000
"""How much is read of all texts of one mail."""


@dataclass(frozen=True)
class Trim:
    """What to leave out of a mail's text."""

    quotes: bool = False
    signature: bool = False
    tokens: int | None = None
    """About how many tokens may stay."""


WHOLE = Trim()


def read_mail(payload: Part, load: Load, trim: Trim = WHOLE) -> dict[str, Any]:
    """Give {message_id, from, to, cc, subject, text, text_truncated, full_text, text_missing, attachments}.

    `attachments` are [{id, name, media_type, bytes}]. `text` has at most 200,000 characters; `text_truncated` tells
    that its end was cut off, and its last line then says so. `full_text` is all of it (at most 1,000,000 characters)
    where `text` is less, else None. `text_missing` says why `text` is empty, "" where it is not.
    """
    return {
        "message_id": header(payload, "Message-ID").strip(),
        "from": shown(header(payload, "From")),
        "to": shown(header(payload, "To")),
        "cc": shown(header(payload, "Cc")),
        "subject": shown(header(payload, "Subject")),
        **_texts_of(payload, load, trim),
        "attachments": [attachment(part) for part in attachment_parts(payload)],
    }


def read_raw(content: bytes, trim: Trim = WHOLE) -> dict[str, Any]:
    """Give what `read_mail` gives, and {date} of its `Date` header ("" for none), of the bytes of a mail.

    Takes any bytes and loads nothing from anywhere.
    """
    payload = payload_of(content)
    return {**read_mail(payload, nothing_left_out, trim), "date": written_at(payload)}


def attachment_of(payload: Part, wanted: str, load: Load = nothing_left_out) -> tuple[dict[str, Any], bytes] | None:
    """Give the file of a mail with this id, {id, name, media_type, bytes}, and its content; None where it has none."""
    for part in attachment_parts(payload):
        if attachment_id(part) == wanted:
            return attachment(part), body_bytes(part, load)
    return None


def written_at(payload: Part) -> str:
    """Give the time that the sender wrote into the mail, RFC 3339 in UTC; "" where it is none."""
    try:
        moment = parsedate_to_datetime(header(payload, "Date")[:100])
        return rfc3339((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC))
    except (ValueError, TypeError, IndexError, OverflowError):
        return ""


def rfc3339(moment: datetime) -> str:
    """Give a time in UTC as workflows see it, to the second."""
    return moment.replace(microsecond=0).isoformat().replace("+00:00", "Z")


def mail_text(payload: Part, load: Load = nothing_left_out) -> str:
    """Give the mail's own words: its plain text, else its HTML as text; quoted mails stay, attachments do not."""
    return "\n\n".join(_Words(load).of(payload))


def _texts_of(payload: Part, load: Load, trim: Trim) -> dict[str, Any]:
    whole = mail_text(payload, load)[:FULL_MOST]
    own = without_quotes(whole) if trim.quotes else whole
    own = without_signature(own) if trim.signature else own
    cut = cut_to_characters(own, TEXT_MOST)
    cut = cut_to_tokens(cut, trim.tokens) if trim.tokens is not None else cut
    return {
        "text": cut,
        "text_truncated": cut != own,
        "full_text": whole if cut != whole else None,
        "text_missing": "" if whole else _why_empty(payload),
    }


def _why_empty(payload: Part) -> str:
    kind = media_type(payload)
    if kind in {"multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"}:
        return "The mail is encrypted."
    count = sum(1 for _ in attachment_parts(payload))
    if count:
        return f"The mail has no text of its own, only {count} attached file{'s' * (count > 1)}."
    if _depth(payload) >= DEEPEST:
        return f"The mail's parts are nested deeper than {DEEPEST} levels."
    if not kind.startswith(("text/", "multipart/")) and kind:
        return f"The mail has no text, only {kind}."
    return "The mail is empty."


def _depth(part: Part) -> int:
    depth, level = 0, [part]
    while level and depth < DEEPEST:
        level = [child for each in level for child in each.get("parts") or []]
        depth += 1
    return depth


class _Words:
    """Reads the texts of one mail, with so many bytes and tags in all: a mail may hold a thousand long parts."""

    def __init__(self, load: Load) -> None:
        self._load, self._room, self._tags = load, _BYTES_MOST, TAGS_MOST

    def of(self, part: Part, depth: int = 0) -> Iterator[str]:
        """Give the texts of a part that say anything."""
        kind = media_type(part)
        if depth > DEEPEST or is_attachment(part) or self._room <= 0:
            return
        if kind == "multipart/alternative":
            yield from self._best_alternative(part, depth)
            return
        for child in part.get("parts") or []:
            yield from self.of(child, depth + 1)
        if not part.get("parts") and (kind.startswith("text/") or not kind):
            text = self._body(part)
            text = self._of_html(text) if kind == "text/html" else tidy(text[:FULL_MOST])
            if text:
                yield text

    def _best_alternative(self, part: Part, depth: int) -> Iterator[str]:
        """Plain text where it says anything: it has no hidden parts, and senders mean it to say the same."""
        for child in sorted(part.get("parts") or [], key=lambda child: media_type(child) != "text/plain"):
            found = list(self.of(child, depth + 1))
            if found:
                yield from found
                return

    def _of_html(self, html: str) -> str:
        html = shortened(html, self._tags)
        self._tags -= html.count("<")
        return visible_text(html)

    def _body(self, part: Part) -> str:
        data = body_bytes(part, self._load)
        if len(data) > self._room:  # cut at the end of a line, so that no character is torn
            data = data[: data.rfind(b"\n", 0, self._room) + 1] or data[: self._room]
        self._room -= len(data)
        return decoded(data, charset(part))
