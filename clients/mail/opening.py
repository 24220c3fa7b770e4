"""Opens what lies within the parts of a mail: attached mails, signed content, winmail.dat, invitations."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from clients.errors import Unreadable
from clients.mail.charsets import decoded
from clients.mail.parameters import parameters
from clients.mail.parts import (
    MAILS,
    Load,
    Part,
    body_bytes,
    charset,
    header,
    is_attachment,
    media_type,
    name_of,
    says_attached,
)
from clients.mail.raw import payload_of
from clients.mail.transfer import uuencoded_files
from clients.mail_formats.calendar import Meeting, invitation_to, read_calendar, unfolded
from clients.mail_formats.cms import CmsContent, opened_cms
from clients.mail_formats.openpgp import armored_in, begins_armored
from clients.mail_formats.references import part_keys, shown_parts
from clients.mail_formats.tnef import SIGNATURE, TnefFile, TnefMail, read_tnef

LEVELS_MOST = 5
"""Mails within mails that are opened."""
_BYTES_MOST = 64 * 1024 * 1024
"""Total size of the opened contents."""
_PARTS_MOST = 2000
_EVENTS_MOST = 20
_CALENDAR_MOST = 1024 * 1024
_SEALED = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_TNEF = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
_CALENDARS = frozenset({"text/calendar", "text/x-vcalendar", "application/ics"})
_SIGNATURES = frozenset({"application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature"})
_OF_A_MAIL = ("From", "Subject", "Date", "To", "Message-ID", "Received")
_ENCRYPTED = "is encrypted for its recipient: open it in a mail program that has the key"
_UUENCODED_MOST = 100
_PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".svg", ".tif", ".tiff", ".emz", ".wmz")
_TYPES = mimetypes.MimeTypes()


def opened(payload: Part, load: Load) -> dict[str, Any]:
    """Return a mail with what lies within its parts; an encrypted one stays closed.

    An attached mail gets `parts`: the mail in it. Signed content, winmail.dat and a text with uuencoded files become
    multipart/mixed. A part may get further members: `events`, the invitations in it (`clients.mail_formats.calendar`);
    `inline`, true for parts of the mail's form, which nobody attached as files: a picture in its HTML, a signature, a
    second form of its text; `is_spare`, true for a text that counts only where the mail has no other; `is_made`, true
    for a part that has no bytes of its own; `closed`, the part as it was before its content took its place; `signed`,
    by what. The mail gets `untold`: in clauses, what was not opened.
    """
    opening = _Opening(load)
    found = opening.mail(payload)
    return {**found, "untold": list(opening.untold)}


class _Opening:
    """Opens the parts of one mail within a total of bytes and parts."""

    def __init__(self, load: Load) -> None:
        self._load, self._room, self._parts, self._level = load, _BYTES_MOST, _PARTS_MOST, 0
        self._is_unpacked = False
        self.untold: dict[str, None] = {}

    def mail(self, payload: Part) -> dict[str, Any]:
        """Open a mail, and mark the pictures that its HTML shows."""
        found = self._part(payload, "")
        pictures = [part for part in own_parts(found) if _is_picture(part)]
        sources = [part for part in own_parts(found) if media_type(part) == "text/html"] if pictures else []
        shown = {key for part in sources for key in self._shown(part)}
        for part in pictures:
            part["inline"] = bool(_keys(part) & shown)
        return found

    def _shown(self, part: Part) -> set[str]:
        source = decoded(self._content(part) or b"", charset(part) or "utf-8")
        return shown_parts(source, header(part, "Content-Location") or header(part, "Content-Base"))

    def _part(self, part: Part, within: str) -> dict[str, Any]:
        """Return a part with what lies within it; `within` is the media type of its parent."""
        self._parts -= 1
        kind = media_type(part)
        if not part.get("parts"):
            return self._within({**part, "inline": _is_form(part, kind, within)}, kind)
        if kind in MAILS:
            return {**part, "parts": [self._inner_mail(child) for child in part["parts"]]}
        if kind == "multipart/encrypted":
            self.untold[f"{'a part of ' if within else ''}the mail {_ENCRYPTED}"] = None
        found = {**part, "parts": [self._part(child, kind) for child in part["parts"]]}
        if kind == "multipart/signed":
            found["signed"] = "OpenPGP" if "pgp" in header(part, "Content-Type").lower() else "S/MIME"
        return found

    def _inner_mail(self, inner: Part) -> dict[str, Any]:
        self._level += 1
        found = self.mail(inner)
        self._level -= 1
        return found

    def _within(self, part: dict[str, Any], kind: str) -> dict[str, Any]:
        """Open a part without parts, if it is of a kind that contains something."""
        name = str(part.get("filename") or "").strip().lower()
        if kind in MAILS or name.endswith(".eml"):
            return self._with_mail(part, is_sure=kind in MAILS)
        if kind in _SEALED or name.endswith(".p7m"):
            return self._unsealed(part)
        if kind in _TNEF or name == "winmail.dat":
            return self._of_outlook(part)
        if kind in _CALENDARS or name.endswith((".ics", ".vcs")):
            return self._with_events(part)
        return self._unpacked(part) if kind == "text/plain" and not is_attachment(part) else part

    def _content(self, part: Part) -> bytes | None:
        """Return the content of a part, or None if it is not available."""
        try:
            return body_bytes(part, self._load)
        except (LookupError, Unreadable):
            return None

    def _taken(self, part: Part, most: int = _BYTES_MOST) -> bytes:
        """Return the content of a part that is to be opened; b"" if it is not available, or too much."""
        most = min(self._room, most) if self._parts > 0 and self._level < LEVELS_MOST else -1
        # The stated size may save a fetch, but it may be wrong, so the content is measured as well.
        content = self._content(part) if int((part.get("body") or {}).get("size") or 0) <= most else None
        if content is None or len(content) > most:
            self.untold[f"{_called(part)} was not opened, as {self._why_closed(content)}"] = None
            return b""
        self._room -= len(content)
        return content

    def _why_closed(self, content: bytes | None) -> str:
        if self._level >= LEVELS_MOST:
            return f"it lies {LEVELS_MOST} levels deep"
        return "there is too much in the mail" if content or self._parts <= 0 else "it is too large or is not there"

    def _with_mail(self, part: dict[str, Any], *, is_sure: bool) -> dict[str, Any]:
        content = self._taken(part)
        inner = payload_of(content, _number(part, 0))
        if not is_sure and not any(header(inner, name) for name in _OF_A_MAIL):
            return part
        self.untold |= dict.fromkeys(f"of an attached mail, {clause}" for clause in inner.get("left_out", ()))
        inner["is_made"] = not content
        return {**part, "mimeType": "message/rfc822", "parts": [self._inner_mail(inner)]}

    def _unsealed(self, part: dict[str, Any]) -> dict[str, Any]:
        """Open signed content; a document that is signed by itself stays, beside its content."""
        # Compressed content within compressed content is not unpacked: it may grow a thousandfold each time.
        sealed = opened_cms(self._taken(part), 0 if self._is_unpacked else self._room)
        if sealed.is_cut:
            self.untold[f"{_called(part)} was not read to its end"] = None
        elif not sealed.content:
            self._tell_sealed(part, sealed.kind)
        if not sealed.content:
            return part
        before = self._is_unpacked
        if sealed.kind == "compressed":
            self._room, self._is_unpacked = self._room - len(sealed.content), True
        found = self._unsealed_parts(part, sealed)
        self._is_unpacked = before
        return found

    def _unsealed_parts(self, part: dict[str, Any], sealed: CmsContent) -> dict[str, Any]:
        inner = payload_of(sealed.content, _number(part, 0))
        # Without MIME headers, it is a document that was signed by itself, such as contract.pdf.p7m.
        if not any(header(inner, name) for name in ("Content-Type", "Content-Transfer-Encoding", "MIME-Version")):
            document = str(part.get("filename") or "")[: -len(".p7m")]
            return {
                **part,
                "parts": [self._deeper(_file(_number(part, 0), TnefFile(document, "", "", sealed.content)))],
            }
        return {**_wrapper(part, [self._deeper(inner)]), **({"signed": "S/MIME"} if sealed.kind == "signed" else {})}

    def _tell_sealed(self, part: Part, kind: str) -> None:
        """Note why a container of S/MIME stays closed; by what its type says if its content says nothing."""
        says = parameters(header(part, "Content-Type")).get("smime-type", "").lower()
        called = _called(part) if part.get("partId") else "the mail"
        is_sealed = media_type(part) in _SEALED and says != "certs-only"
        if kind == "encrypted" or (kind == "unknown" and is_sealed and not says.startswith("signed")):
            self.untold[f"{called} {_ENCRYPTED}"] = None
        elif is_sealed:
            self.untold[f"{called} holds no signed content that can be read"] = None

    def _deeper(self, part: Part) -> dict[str, Any]:
        self._level += 1
        found = self._part(part, "multipart/mixed")
        self._level -= 1
        return found

    def _unpacked(self, part: dict[str, Any]) -> dict[str, Any]:
        """Take out of a text the signatures of OpenPGP, and the files that mail programs before MIME wrote there."""
        text = self._content(part) or b""
        sealed = [*armored_in(text)]
        kinds = {begins_armored(text), *("MESSAGE" if one.signed is None else "SIGNED MESSAGE" for one in sealed)}
        if "MESSAGE" in kinds:
            self.untold[f"{'a part of ' if part.get('partId') else ''}the mail {_ENCRYPTED}"] = None
        part = {**part, "signed": "OpenPGP"} if "SIGNED MESSAGE" in kinds else part
        readable = _replaced(text, [(one.begins, one.ends, one.signed) for one in sealed if one.signed is not None])
        files = [*islice(uuencoded_files(readable), max(min(self._parts, _UUENCODED_MOST), 0))]
        size = sum(len(one.content) for one in files)
        if self._level >= LEVELS_MOST or size > self._room:
            files = []
        if not files and readable == text:
            return part
        self._room -= size if files else 0
        rest = _replaced(readable, [(one.begins, one.ends, b"") for one in files])
        words = {**part, "partId": _number(part, 0), "body": {"size": len(rest), "content": rest}}
        taken = [TnefFile(one.name, "", "", one.content) for one in files]
        found = [self._deeper(_file(_number(part, place), one)) for place, one in enumerate(taken, 1)]
        return _wrapper(part, [words, *found])

    def _of_outlook(self, part: dict[str, Any]) -> dict[str, Any]:
        content = self._taken(part)
        found = read_tnef(content) if content.startswith(SIGNATURE) else None
        if found is None:
            return part
        if found.is_cut:
            self.untold[f"{_called(part)} was not read to its end"] = None
        return _wrapper(part, self._parts_of(found, part, is_spare=True))

    def _parts_of(self, mail: TnefMail, above: Part, *, is_spare: bool) -> list[dict[str, Any]]:
        """Return what Outlook put into a winmail.dat as the parts of a mail."""
        text = _text("html", mail.html) if mail.html else _text("plain", mail.text)
        # Behind the numbers of the files, which have been ids for longer.
        number = _number(above, len(mail.files) + len(mail.mails))
        parts = [{**text, "partId": number, "is_spare": is_spare, "is_made": not text["body"]["size"]}]
        for place, file in enumerate(mail.files):
            parts.append(self._deeper(_file(_number(above, place), file)))
        for place, inner in enumerate(mail.mails, len(mail.files)):
            attached = {"partId": _number(above, place), "mimeType": "message/rfc822", "is_made": True}
            within = self._parts_of(inner, attached, is_spare=False)
            headers = _headers({"Subject": inner.subject, "From": inner.sender})
            body = {"mimeType": "multipart/mixed", "headers": headers, "parts": within}
            parts.append({**attached, "parts": [self._inner_mail(body)]})
        if mail.method and mail.meeting:
            planned = Meeting(mail.method, mail.subject, organizer=mail.sender, description=mail.text, **mail.meeting)
            parts[0]["events"] = [invitation_to(planned)]
        return parts

    def _with_events(self, part: dict[str, Any]) -> dict[str, Any]:
        says = parameters(header(part, "Content-Type"))
        source = decoded(unfolded(self._taken(part, _CALENDAR_MOST)), charset(part) or "utf-8")
        found = read_calendar(source, says.get("method", ""), _EVENTS_MOST)
        if found.left_out:
            self.untold[f"{_called(part)} has {found.left_out:,} more events"] = None
        return {**part, "events": found.events}


def own_parts(payload: Part) -> Iterator[Any]:
    """Yield the parts of a mail in order, itself included, but not the parts of mails attached to it."""
    waiting = [payload]
    while waiting:
        part = waiting.pop(0)
        yield part
        if media_type(part) not in MAILS:
            waiting[:0] = part.get("parts") or []


def _called(part: Part) -> str:
    return f"the file {name_of(part)!r}"


def _is_form(part: Part, kind: str, within: str) -> bool:
    """Return whether a part is not a file: a signature, a style, another form of the text, a report to programs."""
    if within == "multipart/report":
        return kind.startswith("message/") and kind not in MAILS
    is_second = kind in _CALENDARS and within == "multipart/alternative" and not says_attached(part)
    is_style = kind == "text/css" and within == "multipart/related"
    is_control = kind == "application/pgp-encrypted" and within == "multipart/encrypted"
    return is_second or is_style or is_control or (kind in _SIGNATURES and within == "multipart/signed")


def _is_picture(part: Part) -> bool:
    kind, name = media_type(part), str(part.get("filename") or "").lower()
    return kind.startswith("image/") or (kind == "application/octet-stream" and name.endswith(_PICTURES))


def _keys(part: Part) -> set[str]:
    """Return the names that HTML may use for a part; some programs give only the file's name."""
    location = header(part, "Content-Location") or ("" if says_attached(part) else str(part.get("filename") or ""))
    return part_keys(header(part, "Content-ID"), location, header(part, "Content-Base"))


def _replaced(text: bytes, stretches: Sequence[tuple[int, int, bytes]]) -> bytes:
    """Return a text with other bytes in place of stretches of it: [(begin, end, bytes)], in order."""
    if not stretches:
        return text
    ends = [0, *(end for _, end, _ in stretches)]
    pieces = [text[before:begin] + put for before, (begin, _, put) in zip(ends, stretches, strict=False)]
    return b"".join([*pieces, text[ends[-1] :]])


def _number(above: Part, place: int) -> str:
    return f"{above.get('partId') or '0'}.{place}"


def _wrapper(part: Part, parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a part as a mere wrapper of its content, without its own `Content-` headers."""
    kept = [one for one in part.get("headers") or [] if not str(one.get("name", "")).lower().startswith("content-")]
    found = {**part, "mimeType": "multipart/mixed", "filename": "", "headers": kept, "body": {"size": 0}}
    return {**found, "parts": parts, "closed": {**part, "inline": True}}


def _file(number: str, file: TnefFile) -> dict[str, Any]:
    kind = file.media_type.strip().lower() or _TYPES.guess_type(file.name)[0] or "application/octet-stream"
    headers = _headers({"Content-Disposition": "attachment", "Content-ID": file.content_id})
    body = {"size": len(file.content), "content": file.content}
    return {"partId": number, "mimeType": kind, "filename": file.name, "headers": headers, "body": body}


def _text(kind: str, text: str | bytes) -> dict[str, Any]:
    is_known = isinstance(text, str)
    content = text.encode("utf-8", "replace") if isinstance(text, str) else text
    headers = _headers({"Content-Type": f"text/{kind}{'; charset=utf-8' if is_known else ''}"})
    return {"mimeType": f"text/{kind}", "headers": headers, "body": {"size": len(content), "content": content}}


def _headers(given: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in given.items() if value]
