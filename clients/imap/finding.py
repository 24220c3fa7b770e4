"""Searches an open folder, also on servers that can only search for ASCII: then other letters are compared here."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence

from clients.errors import InvalidRequest, Unreadable
from clients.imap.answers import FetchedMail
from clients.imap.search import SearchCriteria
from clients.imap.session import ImapSession
from clients.mail.parts import headers, nothing_left_out, shown
from clients.mail.raw import headers_of, payload_of
from clients.mail.text import full_text_of
from clients.mail.unreadable import one_mail
from clients.mail_server.providers import SERVICE

_HEADERS = {"sender": "From", "to": "To", "subject": "Subject"}
_HEADS_MOST = 10_000
_TEXTS_MOST = 500
_AT_ONCE = 500
_TEXT_BYTES = 1024 * 1024


def find(session: ImapSession, wanted: SearchCriteria, within: str = "") -> list[int]:
    """Return the UIDs of mails in the open folder that match, ascending; `within` are more criteria, in ASCII.

    Raises InvalidRequest if the server does not understand the search, or if it can search only for ASCII (as Exchange:
    `BADCHARSET`) and too many mails would have to be read here. Without CHARSET it would find nothing, so that is never
    tried. Of a mail over 1 MB, only its beginning is compared.
    """
    written = f"{within} {wanted.written()}".strip()
    if written.isascii():
        return session.search(written)
    if session.takes_charset:
        try:
            return session.search(written)
        except InvalidRequest as error:
            refusal = error
    else:
        refusal = InvalidRequest("The mail server can search only for ASCII.", service=SERVICE)
    return _compared_here(session, wanted, within, refusal)


def _compared_here(session: ImapSession, wanted: SearchCriteria, within: str, refusal: InvalidRequest) -> list[int]:
    asked, compared = wanted.by_letters()
    if not asked.criteria.isascii():
        refusal.remedy = "This server can search only for ASCII. Use the fields Contains, From, To and Subject instead."
        raise refusal
    uids = session.search(f"{within} {asked.written()}".strip())
    session.takes_charset = False  # it took the search in ASCII, so the charset was at fault
    most = _TEXTS_MOST if "text" in compared else _HEADS_MOST
    if len(uids) > most:
        raise InvalidRequest(
            f"{refusal.message} To compare other letters here, {len(uids):,} mails would have to be read; at most "
            f"{most:,} are.",
            service=SERVICE,
            remedy="Narrow the search by a date, or by words in ASCII.",
        )
    return sorted(one.uid for one in _read(session, uids, compared) if _matches(one, compared))


def _read(session: ImapSession, uids: Sequence[int], compared: dict[str, str]) -> Iterator[FetchedMail]:
    if "text" in compared:
        yield from session.contents(uids, _TEXT_BYTES)
        return
    for start in range(0, len(uids), _AT_ONCE):
        yield from session.fetch(uids[start : start + _AT_ONCE], "BODY.PEEK[HEADER.FIELDS (FROM TO SUBJECT)]")


def _matches(found: FetchedMail, compared: dict[str, str]) -> bool:
    """Return whether a mail has these words; True for an unreadable mail, so that it is listed as unreadable."""
    try:
        with one_mail(SERVICE, str(found.uid)):
            return all(_plain(word) in _plain(_part(found.content or b"", name)) for name, word in compared.items())
    except Unreadable:
        return True


def _part(content: bytes, name: str) -> str:
    """Return the part of a mail that a search in this field looks at (RFC 3501 6.4.4)."""
    if name in _HEADERS:
        return " ".join(map(shown, headers(headers_of(content), _HEADERS[name])))
    payload = payload_of(content)
    heads = "\n".join(shown(str(one["value"])) for one in payload["headers"])
    return f"{heads}\n{full_text_of(payload, nothing_left_out).text}"


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text).lower()
