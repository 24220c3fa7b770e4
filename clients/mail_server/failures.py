"""Maps a mail server's refusals (IMAP's NO and BAD, SMTP's three digits) to `clients.errors`."""

from __future__ import annotations

import imaplib
import re
import smtplib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from clients.errors import (
    AuthError,
    BadAnswer,
    Conflict,
    InvalidRequest,
    NotFound,
    RateLimited,
    ServiceError,
    Unavailable,
)
from clients.mail_server.providers import SERVICE
from clients.secrets import known

_SAID_MOST = 300
_READ_MOST = 2_000
"""A reply has a line or two; imaplib takes a million characters."""
_BY_CODE: Mapping[str, type[ServiceError]] = {
    "AUTHENTICATIONFAILED": AuthError,
    "AUTHORIZATIONFAILED": AuthError,
    "EXPIRED": AuthError,
    "PRIVACYREQUIRED": AuthError,
    "CONTACTADMIN": AuthError,
    "NOPERM": AuthError,
    "WEBALERT": AuthError,
    "UNAVAILABLE": Unavailable,
    "SERVERBUG": Unavailable,
    "INUSE": Unavailable,
    "LIMIT": RateLimited,
    "THROTTLED": RateLimited,
    "TRYCREATE": NotFound,
    "NONEXISTENT": NotFound,
    "ALREADYEXISTS": Conflict,
    "CANNOT": InvalidRequest,
    "CLIENTBUG": InvalidRequest,
    "BADCHARSET": InvalidRequest,
    "OVERQUOTA": InvalidRequest,
}
"""Response codes (RFC 5530, and those that Gmail and Yahoo add)."""
_CODE = re.compile(r"\[([A-Z-]+)[^\]]*?(https?://[^\s\]]+)?\]\s*")
_TOOK = re.compile(r"\s*\(\d+\.\d+ \+ \d+\.\d+[^()]*secs\)")
"""The elapsed time that dovecot appends to each answer."""
_WRAPPED = re.compile(r"\w+ command error: BAD \[b['\"](.*)['\"]\]")
"""imaplib's message for a BAD answer."""
_COMMAND = re.compile(r"^command: [A-Z ]+ => ")
"""The prefix of some messages of imaplib itself."""
_BUSY = re.compile(
    r"too many|rate limit|throttl|bandwidth limit|try again later|max\w* (number of )?connection|connection limit",
    re.IGNORECASE,
)
_MANY_CONNECTIONS = re.compile(r"connection", re.IGNORECASE)
_PASSING = re.compile(
    r"temporar|internal (server )?error|try again|authenticated but not connected|session (has )?expired", re.IGNORECASE
)
ONLY_OAUTH = (
    "This server takes no passwords from programs. Microsoft 365 wants OAuth: set the connection's `host` to "
    "outlook.office365.com and sign in with a browser (`orchestra connections add imap --client-id ID`), or connect "
    "the mailbox as Outlook. Elsewhere, ask the administrator whether passwords can be allowed for this mailbox."
)
_NOT_LET_IN: Mapping[re.Pattern[str], str] = {
    re.compile(r"SmtpClientAuthentication is disabled", re.IGNORECASE): (
        "Ask the administrator to turn on *Authenticated SMTP* for this mailbox, or connect it as Outlook."
    ),
    re.compile(r"basic auth\w* is disabled|5\.7\.139|auth\w* is disabled for the tenant", re.IGNORECASE): ONLY_OAUTH,
    re.compile(r"unsafe login", re.IGNORECASE): (
        "The provider does not trust this program. Turn on IMAP in the mailbox's settings there, and use the "
        "authorization code that they show as the password; if it still refuses, write to the address that it names."
    ),
    re.compile(
        r"(imap|pop3?)\b.{0,40}(not enabled|not activated|disabled|deactivated|turned off|deaktiviert|nicht aktiviert)"
        r"|not enabled for imap|(enable|activate|aktivieren) .{0,20}imap|service is not open",
        re.IGNORECASE,
    ): "Turn on IMAP (also called POP3/IMAP access) in the mailbox's settings at your provider, then try again.",
    re.compile(r"(application|app)[- ]?(specific )?password", re.IGNORECASE): (
        "Create an app password at your provider, and give the connection that one."
    ),
    re.compile(r"web ?login required|log ?in via (your )?web|webalert", re.IGNORECASE): (
        "Sign in to the mailbox with a browser once, at the address above if there is one, then try again."
    ),
}
"""What a refused sign-in asks for, by its words."""
_BUSY_REMEDY = (
    "Wait; the engine tries again. Close other programs that use this mailbox, or let fewer steps use it at once."
)
_SLOW_SECONDS, _USED_UP_SECONDS = 300.0, 3600.0
"""How long to leave a server alone that takes no more mail for now, or for a day; it is asked again and again."""
_USED_UP = re.compile(
    r"\b5\.4\.5\b|daily[ \w]{0,30}(limit|quota)|sending (limit|quota)"
    r"|(limit|quota)[ \w]{0,30}(per day|a day|today|24 ?h)",
    re.IGNORECASE,
)
_THEIRS = re.compile(r"\b[45]\.2\.2\b")
"""The mailbox of the recipient is full (RFC 3463 3.3, X.2.2)."""
_SLOW_CODES = frozenset({421, 450, 451, 452, 454})
_SLOW = re.compile(r"\b4\.7\.\d{1,3}\b.{0,80}\b(rate|limit|many|fast|slow|later|quota|throttl)", re.IGNORECASE)
_AUTH_SMTP = frozenset({530, 534, 535, 538})
"""Replies about the sign-in (RFC 4954 4 and 6)."""


def refused(said: object, *, fallback: type[ServiceError] = InvalidRequest, what: str = "") -> ServiceError:
    """Return the error for a NO or BAD answer: by its response code, or `fallback`. Nothing was done."""
    text = _text(said)[:_READ_MOST]
    code = _CODE.match(text)
    kind = _BY_CODE.get(code[1]) if code else None
    kind = kind or _by_words(text) or fallback
    words = _TOOK.sub("", _CODE.sub(_address_of, text)).strip()
    return kind(
        f"{what or 'The mail server refused the request'}: {_sentence(words)}",
        service=SERVICE,
        remedy=_remedy(kind, words),
        outcome="not_done",
    )


def _address_of(code: re.Match[str]) -> str:
    """Return the address in a response code, where a person can do something about it."""
    return f"{code[2]} " if code[2] else ""


def _remedy(kind: type[ServiceError], words: str) -> str:
    """Return what can help, as far as the server's words tell; "" for the usual remedy."""
    if issubclass(kind, AuthError):
        return next((remedy for pattern, remedy in _NOT_LET_IN.items() if pattern.search(words)), "")
    return _BUSY_REMEDY if kind is RateLimited and _MANY_CONNECTIONS.search(words) else ""


def _by_words(text: str) -> type[ServiceError] | None:
    """Tell temporary failures from permanent ones by their text: many servers send no code, a login fails for both."""
    if any(pattern.search(text) for pattern in _NOT_LET_IN):
        return AuthError
    if _BUSY.search(text):
        return RateLimited
    return Unavailable if _PASSING.search(text) else None


def _sentence(words: str) -> str:
    words = known.in_text(words)[:_SAID_MOST] or "no explanation given"
    return words if words.endswith((".", "!", "?")) else f"{words}."


def _text(said: object) -> str:
    parts = said if isinstance(said, list | tuple) else [said]
    words = [part.decode("utf-8", "replace") if isinstance(part, bytes) else str(part) for part in parts if part]
    return " ".join(" ".join(words).split())


@contextmanager
def mapped(what: str = "", *, fallback: type[ServiceError] = InvalidRequest) -> Iterator[None]:
    """Convert exceptions of imaplib and imap-tools into errors of `clients.errors`."""
    from imap_tools.errors import UnexpectedCommandStatusError

    try:
        yield
    except UnexpectedCommandStatusError as error:
        raise refused(error.command_result[1], fallback=fallback, what=what) from None
    except imaplib.IMAP4.readonly:
        raise AuthError("This folder is read-only.", service=SERVICE) from None
    except imaplib.IMAP4.abort as error:
        raise _broken_off(known.in_text(_text(str(error)))[:_SAID_MOST]) from None
    except imaplib.IMAP4.error as error:
        said = _WRAPPED.fullmatch(str(error))
        if said:  # BAD: the server does not understand the command
            raise refused(said[1], what=what) from None
        raise refused(str(error), fallback=fallback, what=what) from None
    except (ValueError, IndexError, KeyError, TypeError, AttributeError) as error:  # binascii's is a ValueError
        words = f"The mail server sent an answer that cannot be understood ({type(error).__name__})."
        raise BadAnswer(words, service=SERVICE) from None


def _broken_off(said: str) -> ServiceError:
    """Return the error for a closed connection: imaplib raises the same for a goodbye and for a server without IMAP."""
    said = _COMMAND.sub("", said)
    if said.startswith(("unexpected", "unterminated", "socket error: unterminated")):
        return BadAnswer(f"The mail server sent an answer that cannot be understood: {said}.", service=SERVICE)
    error = refused(said, fallback=Unavailable, what="The mail server closed the connection")
    if not isinstance(error, AuthError | RateLimited):
        error = Unavailable(error.message, service=SERVICE, remedy=error.remedy)
    # The server may have carried out the command before its goodbye.
    error.outcome = "unknown"
    return error


def of_reply(code: int, said: bytes, what: str = "The mail server refused the request") -> ServiceError:
    """Return the error for an SMTP reply of 400 or above (RFC 5321 4.2, RFC 3463). Nothing was done."""
    words = " ".join(said.decode("utf-8", "replace").split())
    kind: type[ServiceError] = InvalidRequest
    if (wait := _wait_seconds(code, words)) is not None:
        return RateLimited(
            f"{what} ({code}): {_sentence(words)}",
            service=SERVICE,
            remedy=_remedy(RateLimited, words),
            retry_after_seconds=wait,
            outcome="not_done",
        )
    if code in _AUTH_SMTP or (code >= 500 and any(pattern.search(words) for pattern in _NOT_LET_IN)):
        kind = AuthError
    elif 400 <= code < 500:
        kind = Unavailable
    elif code < 400:
        kind = BadAnswer
    told, remedy = f"{what} ({code}): {_sentence(words)}", _remedy(kind, words)
    return kind(told, service=SERVICE, remedy=remedy, outcome="not_done")


def _wait_seconds(code: int, words: str) -> float | None:
    """Return how long to wait if a server takes no more mail for now, else None.

    Google refuses for good (550 5.4.5) what it takes again a day later.
    """
    if (400 <= code < 500 or code in {550, 552, 554}) and _USED_UP.search(words) and not _THEIRS.search(words):
        return _USED_UP_SECONDS
    is_slow = (code in _SLOW_CODES and _SLOW.search(words)) or (400 <= code < 500 and _BUSY.search(words))
    return _SLOW_SECONDS if is_slow else None


@contextmanager
def sending() -> Iterator[None]:
    """Convert exceptions of smtplib, before a mail is handed over, into errors of `clients.errors`."""
    try:
        yield
    except smtplib.SMTPResponseException as error:
        said = error.smtp_error
        raise of_reply(error.smtp_code, said if isinstance(said, bytes) else str(said).encode()) from None
    except smtplib.SMTPServerDisconnected as error:
        raise Unavailable(
            f"The mail server closed the connection: {error}.", service=SERVICE, outcome="not_done"
        ) from None
    except (smtplib.SMTPException, ValueError) as error:
        words = f"The mail server cannot be used: {error}."
        raise BadAnswer(words, service=SERVICE, outcome="not_done") from None
