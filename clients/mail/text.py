"""Converts a mail, from a service's parts or from bytes, to the plain form that workflows see."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any

from msgspec import Struct

from clients.mail.addresses import parsed, sender_in, shown_addresses, shown_sender, specs
from clients.mail.authentication import ANY, ReceivingServer, authentication_of
from clients.mail.bounces import bounce_in, told
from clients.mail.charsets import decoded, is_known, named_charset
from clients.mail.dates import written_at
from clients.mail.declared import chosen_headers, declared_in
from clients.mail.forwarding import forward_text
from clients.mail.html import HTML_MOST, TAGS_MOST, mail_text, shortened, tidy
from clients.mail.language import language_of
from clients.mail.length import cut_to_characters, cut_to_tokens, marked
from clients.mail.opening import opened, own_parts
from clients.mail.parameters import first_word, parameters
from clients.mail.parts import (
    DEEPEST,
    MAILS,
    Load,
    Part,
    all_parts,
    attachment,
    attachment_id,
    attachment_parts,
    body_bytes,
    charset,
    described,
    header,
    headers,
    is_attachment,
    is_text_file,
    media_type,
    nothing_left_out,
    own_attachment_parts,
    says_attached,
    shown,
)
from clients.mail.quotes import without_quotes, without_signature
from clients.mail.quoting.citations import CITED
from clients.mail.quoting.envelope import Envelope
from clients.mail.quoting.words import folded
from clients.mail.stubs import STUB_MOST, chosen
from clients.mail_formats.calendar import Invitation
from clients.mail_formats.flowed import unflowed
from clients.mail_formats.invitations import in_words

TEXT_MOST = 200_000
FULL_MOST = 1_000_000
"""Characters of a mail's text that are read."""
_BYTES_MOST = 4_000_000
"""Total size of a mail's texts that is read."""


class MailView(Struct, frozen=True):
    """What to read of a mail: which of its text to remove, and which headers to keep."""

    quotes: bool = False
    signature: bool = False
    tokens: int | None = None
    """Approximate maximum of tokens."""
    headers: tuple[str, ...] = ()
    """Names of headers."""


class WholeText(Struct, frozen=True):
    """The text of a mail, as far as it is read."""

    own: str
    """The sender's own text; lines that they cite begin with `CITED`."""
    more: str
    """The rest: invitations in words, and the text of attached mails, each below its head."""
    left_out: list[str]
    """The parts that were not read, in clauses."""
    untold: list[str]
    """The parts that could not be read, in clauses: they are encrypted, or were not opened."""
    missing: str
    """Why there is no text, as a sentence; empty if there is some."""

    @property
    def text(self) -> str:
        """All of it."""
        return _below(self.own, self.more).replace(CITED, "")


WHOLE = MailView()
_SAID_MOST = 20_000
"""Characters from which the language is guessed, before quotes are left out."""
_ORDER = {"text/plain": 0, "text/html": 1, "multipart/related": 1, "multipart/mixed": 1}
"""The order of preference among alternatives."""
_HTML = frozenset({"text/html", "text/x-amp-html", "text/watch-html"})


def read_mail(payload: Part, load: Load, view: MailView = WHOLE, receiver: ReceivingServer = ANY) -> dict[str, Any]:
    """Return a mail as workflows see it, with the files and the text of the mails attached to it.

    {message_id, from, to, cc, subject, reply_to, importance, list, is_auto_reply, is_bounce, bounce, authentication,
    headers, sent_at, language, text, text_truncated, full_text, text_missing, left_out, signature, invitations,
    attachments, parts}.
    `authentication` are the results of `receiver`, as in `clients.mail.authentication`; `list` is as in
    `clients.mail.declared`, and so are `headers`, those that `view` names; `is_bounce` and `bounce` are as in
    `clients.mail.bounces`; `sent_at` is the mail's `Date`, as in
    `clients.mail.dates`. `attachments` are [{id, name, media_type, bytes, inline}]; `inline` is true for parts of the
    mail's form, such as a picture in its HTML. `parts` are all of its parts in the same form, texts as well, also what
    an attached mail, a winmail.dat or signed content holds, each below what holds it.
    `invitations` are as in `clients.mail_formats.calendar`. `signature` says how the mail is signed, or is "". `text`
    has at most 200,000 characters; `text_truncated` tells that more is missing than `view` leaves out. `full_text` is
    all that was read (at most 1,000,000 characters) if `text` is shorter, else None. `text_missing` says why `text` is
    empty, or is "". Every cut is marked by a note: `[Cut here: ...]`. `left_out` names in sentences the parts of the
    mail that are not in `text`.
    """
    load = cache(load)  # a part may be read twice, and each load may be a request
    mail = opened(payload, load)
    return {
        **head_of(mail),
        **declared_in(payload),
        **told(bounce_in(payload, load)),
        "authentication": authentication_of(payload, receiver),
        "headers": chosen_headers(payload, view.headers),
        "sent_at": written_at(payload),
        **_texts_of(mail, load, view),
        "signature": _signature_of(mail),
        "invitations": _invitations_in(mail),
        "attachments": [attachment(part) for part in attachment_parts(mail)],
        "parts": [described(part) for part in all_parts(mail)],
    }


def head_of(payload: Part) -> dict[str, Any]:
    """Return {message_id, from, to, cc, subject}."""
    return {
        "message_id": header(payload, "Message-ID").strip(),
        "from": shown_sender(headers(payload, "From")),
        **{name.lower(): shown_addresses(", ".join(headers(payload, name)))[0] for name in ("To", "Cc")},
        "subject": shown(header(payload, "Subject")),
    }


def full_text_of(mail: Part, load: Load) -> WholeText:
    """Return the readable text of an opened mail."""
    words = _Words(load)
    own = words.whole(mail)
    more = _below(*_in_words(mail, is_alone=not own), *_attached(mail, words))
    left_out = [*mail.get("left_out", ()), *words.left_out]
    untold = [*mail.get("untold", ())]
    return WholeText(own, more, left_out, untold, "" if own or more else _why_empty(mail, left_out, untold, words))


def _attached(mail: Part, words: _Words) -> Iterator[str]:
    """Yield the texts of the attached mails, each below its head, but not of a mail that a report returns."""
    for part in _attached_mails(mail):
        for inner in part.get("parts") or []:
            own = words.whole(inner)
            text = _below(own, *_in_words(inner, is_alone=not own), *_attached(inner, words))
            if text:
                yield forward_text("", {**head_of(inner), "date": written_at(inner), "text": text})


def _attached_mails(mail: Part) -> Iterator[Part]:
    waiting = [mail]
    while waiting:
        part = waiting.pop(0)
        if media_type(part) in MAILS:
            yield part
        elif media_type(part) != "multipart/report":
            waiting[:0] = part.get("parts") or []


def _in_words(mail: Part, *, is_alone: bool) -> Iterator[str]:
    """Yield the invitations of a mail in words; with their descriptions if the mail has no other text."""
    for event in _distinct(event for part in own_parts(mail) for event in part.get("events", ())):
        yield _below(in_words(event), event["description"] if is_alone else "")


def _invitations_in(mail: Part) -> list[Invitation]:
    """Return the invitations of a mail, and of the mails attached to it."""
    found, waiting = list[Invitation](), [mail]
    while waiting:
        part = waiting.pop(0)
        found += part.get("events", ())
        waiting[:0] = part.get("parts") or []
    return [*_distinct(found)]


def _distinct(events: Iterable[Invitation]) -> Iterator[Invitation]:
    """Yield events without duplicates: Google writes each twice, in the mail and in a file."""
    known = set()
    for event in events:
        key = tuple(event[name] for name in ("uid", "method", "title", "starts_at", "recurrence"))
        if key not in known:
            known.add(key)
            yield event


def _signature_of(mail: Part) -> str:
    """Return how a mail, or a part of it, is signed."""
    kinds = sorted({str(part["signed"]) for part in own_parts(mail) if part.get("signed")})
    return f"{', '.join(kinds)} (not checked)" if kinds else ""


def _below(*texts: str) -> str:
    """Return texts one below the other."""
    return "\n\n".join(filter(None, texts))


def attachment_of(payload: Part, wanted: str, load: Load = nothing_left_out) -> tuple[dict[str, Any], bytes] | None:
    """Return the part with this id, {id, name, media_type, bytes, inline}, and its content, or None.

    It may be any of `parts`: an attachment or a text.
    """
    for part in all_parts(opened(payload, load)):
        if attachment_id(part) == wanted:
            return described(part), body_bytes(part, load)
    return None


def _texts_of(payload: Part, load: Load, view: MailView) -> dict[str, Any]:
    read = full_text_of(payload, load)
    everything, left_out = read.text, read.left_out
    whole = read.own[:FULL_MOST]
    unquoted = without_quotes(whole, _envelope(payload)) if view.quotes else whole
    own = without_signature(unquoted) if view.signature else unquoted
    on_request = _left_out_on_request(whole, unquoted, own)
    own = _below(own, read.more).replace(CITED, "")
    beyond = len(everything) - len(_below(whole, read.more).replace(CITED, ""))
    cut = cut_to_characters(own, TEXT_MOST, of=max(len(own), beyond + len(own)))
    cut = cut_to_tokens(cut, view.tokens) if view.tokens is not None else cut
    told = _said(cut, left_out)
    shorter = [cut.rpartition("[Cut here: ")[2].removesuffix(".]")] if cut != own else []
    lines = whole[:_SAID_MOST].splitlines()
    said = "\n".join(line for line in lines if not line.startswith((">", CITED)))
    return {
        "language": language_of((said, f"{shown(header(payload, 'Subject'))} {said}", "" if said else read.more)),
        "text": told,
        "text_truncated": bool(left_out) or told != own,
        "full_text": _said(cut_to_characters(everything, FULL_MOST), left_out) if cut != everything else None,
        "text_missing": read.missing,
        "left_out": [sentence(clause) for clause in (*left_out, *on_request, *shorter, *read.untold)],
    }


def _left_out_on_request(whole: str, unquoted: str, own: str) -> Iterator[str]:
    if len(unquoted) < len(whole):
        yield f"quoted mails ({len(whole) - len(unquoted):,} characters) are in `full_text` only"
    if len(own) < len(unquoted):
        yield f"the signature ({len(unquoted) - len(own):,} characters) is in `full_text` only"


def _envelope(payload: Part) -> Envelope:
    recipients = ", ".join(value for name in ("To", "Cc") for value in headers(payload, name))
    is_answer = bool(header(payload, "In-Reply-To") or header(payload, "References"))
    return envelope(shown(header(payload, "Subject")), header(payload, "From"), recipients, is_answer=is_answer)


def envelope(subject: str, sender: str, recipients: str, *, is_answer: bool) -> Envelope:
    """Return what the headers of a mail say about its quotes; `sender` and `recipients` are written as in headers."""
    one = sender_in(sender)
    words = (one.name, one.spec) if one else specs(sender)
    return Envelope(
        subject=subject,
        sender=frozenset(folded(shown(word)) for word in words if word),
        recipients=frozenset(
            folded(shown(word)) for each in parsed(recipients) for word in (each.name, each.spec) if word
        ),
        is_answer=is_answer,
    )


def sentence(clause: str) -> str:
    """Return a clause, such as one of `WholeText.left_out`, as a sentence."""
    return f"{clause[:1].upper()}{clause[1:]}."


def _said(text: str, left_out: Sequence[str]) -> str:
    """Append a last line that names what was left out."""
    return marked(text, "; ".join(left_out)) if left_out and text else text


def _lines(text: str, part: Part) -> str:
    """Return a plain text with its original line breaks."""
    says = parameters(header(part, "Content-Type"))
    if says.get("format", "").lower() != "flowed":
        return text
    return unflowed(text, deletes_blank=says.get("delsp", "").lower() == "yes")


def _why_empty(payload: Part, left_out: Sequence[str], untold: Sequence[str], words: _Words) -> str:
    kind = media_type(payload)
    if untold:
        return " ".join(map(sentence, untold))
    if left_out:
        return f"No text was found in what was read of the mail: {'; '.join(left_out)}."
    if _depth(payload) >= DEEPEST:
        return f"The mail's parts are nested deeper than {DEEPEST} levels."
    if kind and not kind.startswith(("text/", "multipart/", "message/")):
        return f"The mail has no text, only {kind}."
    count = sum(1 for _ in attachment_parts(payload))
    if count:
        return f"The mail has no text of its own, only {count} attached file{'s' * (count > 1)}."
    if words.has_silent_html:
        return "The mail's HTML has no visible text."
    return "The mail is empty."


def _depth(part: Part) -> int:
    depth, level = 0, [part]
    while level and depth < DEEPEST:
        level = [child for each in level for child in each.get("parts") or []]
        depth += 1
    return depth


class _Words:
    """Reads the texts of one mail within a total of bytes and tags: a mail may have a thousand long parts.

    `left_out` then names the parts that were not read.
    """

    def __init__(self, load: Load) -> None:
        self._load, self._room, self._tags = load, _BYTES_MOST, TAGS_MOST
        self._noted: dict[str, None] = {}
        self.has_silent_html = False

    @property
    def left_out(self) -> list[str]:
        """The parts that were not read, each reason once."""
        return list(self._noted)

    def whole(self, mail: Part) -> str:
        """Return the text of a mail, without the texts of attached mails."""
        return "\n\n".join([*self.of(mail)] or [*self._of_spare(mail)] or [*self.of_files(mail)])

    def _of_spare(self, mail: Part) -> Iterator[str]:
        """Yield the texts in a winmail.dat: most mails have the same beside it."""
        for part in own_parts(mail):
            text = self._text(part, media_type(part)) if part.get("is_spare") else ""
            if text:
                yield text

    def of(self, part: Part, depth: int = 0) -> Iterator[str]:
        """Yield the non-empty texts of a part."""
        kind = media_type(part)
        if depth > DEEPEST:
            self._noted[f"parts nested deeper than {DEEPEST} levels were not read"] = None
        if depth > DEEPEST or part.get("is_spare") or is_attachment(part):
            return
        if kind == "multipart/alternative":
            yield from self._best_alternative(part, depth)
            return
        for child in part.get("parts") or []:
            yield from self.of(child, depth + 1)
        if not part.get("parts") and (kind.startswith("text/") or not kind):
            text = self._text(part, kind)
            if text:
                yield text

    def of_files(self, payload: Part) -> Iterator[str]:
        """Yield the text of a mail that has no body text: a body with a file name, a contact card."""
        for part in own_attachment_parts(payload):
            kind, is_shown = media_type(part), first_word(header(part, "Content-Disposition")) == "inline"
            is_text = kind.startswith("text/") and (is_shown or part is payload or is_text_file(part))
            is_other = says_attached(part) or part.get("events")
            if is_text and not is_other and (text := self._text(part, kind)):
                yield text

    def _best_alternative(self, part: Part, depth: int) -> Iterator[str]:
        """Prefer plain text if there is any: it has no hidden parts, and senders mean it to say the same."""
        alternatives = self._alternatives(part, depth)
        kind, best = next(alternatives, ("", []))
        plain = "\n\n".join(best)
        if kind != "text/plain" or len(plain) > STUB_MOST:
            yield from best
            return
        # What was left out of the HTML does not matter if the plain text is taken.
        noted = dict(self._noted)
        _, others = next(alternatives, ("", []))
        read = chosen(plain, "\n\n".join(others))
        self._noted = noted if read == plain else self._noted
        yield read

    def _alternatives(self, part: Part, depth: int) -> Iterator[tuple[str, list[str]]]:
        """Yield the media types of non-empty alternatives, best first, with their texts.

        Parts of the same type are not alternatives to each other, whatever the sender intended.
        """
        children = part.get("parts") or []
        for kind in sorted(dict.fromkeys(map(media_type, children)), key=lambda kind: _ORDER.get(kind, 2)):
            texts = [text for child in children if media_type(child) == kind for text in self.of(child, depth + 1)]
            if texts:
                yield kind, list(dict.fromkeys(texts))

    def _text(self, part: Part, kind: str) -> str:
        data = body_bytes(part, self._load)
        if len(data) > self._room:  # cut at a line end, so that no character is split
            self._noted[f"only the first {_BYTES_MOST:,} bytes of its texts were read"] = None
            data = data[: data.rfind(b"\n", 0, self._room) + 1] or data[: self._room]
        self._room -= len(data)
        if kind not in _HTML:
            return tidy(_lines(decoded(data, charset(part) or "utf-8"), part).replace(CITED, ""))
        named = charset(part)
        is_open = not is_known(named) or named.lower() == "us-ascii"
        return self._of_html(decoded(data, (is_open and named_charset(data)) or named or "utf-8"))

    def _of_html(self, html: str) -> str:
        shorter = shortened(html, self._tags)
        if len(shorter) < len(html):
            shown = f"{TAGS_MOST:,} tags and {HTML_MOST:,} characters"
            self._noted[f"only the first {shown} of its HTML were read"] = None
        self._tags -= shorter.count("<")
        text = mail_text(shorter)
        self.has_silent_html |= bool(shorter.strip()) and not text
        return text
