"""Maps HTTP statuses and broken connections to `clients.errors`, the same way for every service."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from html import unescape
from typing import Any

import httpx

from clients.errors import (
    AuthError,
    BadAnswer,
    Conflict,
    InvalidRequest,
    NotFound,
    Outcome,
    RateLimited,
    ServiceError,
    Timeout,
    Unavailable,
)
from clients.no_connection import causes
from clients.secrets import known
from clients.service import Service

# 423 and 507 are WebDAV's (RFC 4918 11). Waiting does not help against 501 and 507, unlike the other 5xx.
_BY_STATUS: Mapping[int, type[ServiceError]] = {
    401: AuthError,
    403: AuthError,
    404: NotFound,
    409: Conflict,
    410: NotFound,
    412: Conflict,
    423: Conflict,
    429: RateLimited,
    501: InvalidRequest,
    507: InvalidRequest,
}
_NOT_OFFERED = "Check the connection's address: this server does not offer what was asked."
_BY_STATUS_REMEDY: Mapping[int, str] = {
    402: "Pay at the service, or raise the limit of the account there.",
    405: _NOT_OFFERED,
    407: "Give the proxy of this machine its user and password, in the setting `HTTPS_PROXY`.",
    410: "It is gone: leave it out, or choose another.",
    413: "Send less: shorten the text, or split it.",
    423: "Wait until it is unlocked, or ask who has it open.",
    451: "The service may not give it, for legal reasons: leave it out, or choose another.",
    501: _NOT_OFFERED,
    507: "Free some space there, or choose another place.",
    511: "Sign in to the network of this machine.",
}
_SAID_MOST = 500
_BODY_MOST = 20_000
_JSON_MOST = 1_000_000
"""JSON can only be read whole, and some frameworks add a long trace to a problem."""
_NESTED_MOST, _ERRORS_MOST = 9, 5
_WORDS = (
    "message", "usermessage", "error", "errormessage", "errormessages", "errormsg", "msg", "errordescription",
    "description", "detail", "details", "title", "fieldviolations", "violations", "errors", "fault", "faultstring",
    "hint", "metadata", "raw",
)  # fmt: skip
"""Members where APIs describe an error, the most helpful first; without case and underscores.

`raw` of `metadata` has the words of the provider that OpenRouter has asked.
"""
_TEXTS = frozenset({"title", "description", "hint"})
"""Words that are never objects: an object of this name is about a field called so."""
_FIELDS = ("field", "param", "parameter", "pointer", "loc", "target", "source")
"""Where they name the field that is wrong: GitHub, OpenAI, RFC 9457, FastAPI, Graph, JSON:API."""
_UNSEEN = re.compile(r"<(script|style|svg)\b.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)", re.DOTALL | re.IGNORECASE)
"""Up to the end, if nothing closes it: HTML reads it so, and the search ends there as well."""
_TAG = re.compile(r"<[^<>]*>")
_ERROR_OF_KEY = re.compile(r'\b(error(?:_description)?)="([^"]*)"')
_LONGEST_SECONDS = 366 * 86_400.0
_BROKEN: tuple[tuple[tuple[type[BaseException], ...], type[ServiceError], str, Outcome], ...] = (
    ((httpx.ConnectTimeout, httpx.PoolTimeout), Timeout, "{name} could not be reached in time.", "not_done"),
    ((httpx.TimeoutException, TimeoutError), Timeout, "{name} did not send a complete answer in time.", "unknown"),
    ((httpx.ConnectError, ConnectionRefusedError), Unavailable, "{name} cannot be reached: {cause}.", "not_done"),
    (
        (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.InvalidURL),
        InvalidRequest,
        "{name} cannot be sent this request: {cause}.",
        "not_done",
    ),
    ((httpx.DecodingError,), BadAnswer, "{name} sent an answer that was rejected: {cause}.", "unknown"),
    ((httpx.TransportError, OSError), Unavailable, "{name} closed the connection before answering.", "unknown"),
)
"""From the most specific to the most general: exception types, our error class, its message, its outcome."""
_NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"})
"""OpenSSL's reasons for a plain-text answer, depending on its version."""
_OF_SHAPE = (ValueError, LookupError, TypeError, AttributeError)
"""Exceptions raised while reading an answer of the wrong shape."""


def of_status(
    service: Service,
    status: int,
    headers: Mapping[str, str],
    said: str,
    *,
    now: datetime | None = None,
    kind: type[ServiceError] | None = None,
) -> ServiceError:
    """Return the error for an answer with status 300 or above; `said` is the service's own message ("" for none).

    Keys of `headers` are in lower case. A 403 is a rate limit if the answer says so (GitHub, Google). `kind`: its
    class, if the answer says more than the status.
    """
    kind = kind or _kind(status, headers, said)
    told = " ".join((words_of_page(said) if said.lstrip().startswith("<") else said).split())
    words = known.in_text(told)[:_SAID_MOST] or _redirect(headers) or _challenge(headers) or "no explanation given"
    stop = "" if words.endswith((".", "!", "?")) else "."
    return kind(
        f"{service.error_name} answered {status}: {words}{stop}",
        service=service.name,
        remedy=_BY_STATUS_REMEDY.get(status, ""),
        http_status=status,
        retry_after_seconds=retry_after_seconds(headers, now or datetime.now(UTC)),
        outcome="not_done" if 400 <= status < 500 else None,
    )


def words_in(body: Any) -> str:
    """Return the words in the body of a refusal; it may be bytes, text, or JSON that has been read. Empty: nothing.

    Of JSON, the usual places: `message`, `error` and its `message`, `detail` (RFC 9457), `errors` with their fields; if
    none has words, all of them by their names. Of a page, for example a proxy's, its text.
    """
    if isinstance(body, bytes | str):
        body = body[:_JSON_MOST]
    if isinstance(body, bytes):
        body = body.decode("utf-8-sig", "replace")
        # A picture or another binary file has no words.
        if "\0" in body or body.count("\ufffd") > len(body) // 10:
            return ""
    read = _read(body)
    words = read[:_BODY_MOST] if isinstance(read, str) else read
    found = list(dict.fromkeys(_by_field(words, _NESTED_MOST, "")))
    return "; ".join(one for one in found if not any(one != other and one in other for other in found))[:_SAID_MOST]


def words_of_page(page: str) -> str:
    """Return the text of an HTML or XML page, without its tags, styles and scripts."""
    text = _TAG.sub(" ", _UNSEEN.sub(" ", page[:_BODY_MOST]))
    return " ".join(unescape(text).split())[:_SAID_MOST]


def _read(said: Any) -> Any:
    """Return a JSON text's value; anything else unchanged."""
    if not isinstance(said, str) or not said.lstrip().startswith(("{", "[", '"', "null")):
        return said
    try:
        return json.loads(said)
    except (ValueError, RecursionError):
        return said


def _by_field(found: Any, depth: int, field: str) -> Iterator[str]:
    """Yield the words of an error, each behind the field that it is about."""
    told = list(_words(found, depth))
    if told or not isinstance(found, Mapping):
        yield from (f"{field}: {words}" if field else words for words in told)
    elif depth:
        for name, one in list(found.items())[:_ERRORS_MOST]:
            if name != "status":  # what HTTP says
                yield from _by_field(one, depth - 1, f"{field}.{name}" if field else str(name))


def _words(found: Any, depth: int) -> Iterator[str]:
    if isinstance(found, str):
        inner = _read(found)
        if inner is not found and depth:
            yield from _words(inner, depth - 1)
        elif words := words_of_page(found) if found.lstrip().startswith("<") else found.strip():
            yield words
    elif isinstance(found, list) and depth:
        for one in found[:_ERRORS_MOST]:
            yield from _words(one, depth - 1)
    elif isinstance(found, Mapping) and depth:
        yield from _words_of_object({str(name).lower().replace("_", ""): one for name, one in found.items()}, depth - 1)


def _words_of_object(found: Mapping[str, Any], depth: int) -> Iterator[str]:
    field = next((named for name in _FIELDS if (named := _field(found.get(name)))), "")
    for name in _WORDS:
        one = found.get(name)
        if name == "errors" and isinstance(one, Mapping):
            for inner, said in list(one.items())[:_ERRORS_MOST]:
                yield from _by_field(said, depth, str(inner))
        elif name not in _TEXTS or not isinstance(one, Mapping):
            yield from (f"{field}: {words}" if field else words for words in _words(one, depth))


def _field(named: Any) -> str:
    """Return the name of a field: `title`, `#/title`, `{"pointer": "/title"}`, `["body", "title"]`."""
    if isinstance(named, Mapping):
        named = named.get("pointer") or named.get("parameter")
    if isinstance(named, list):  # the first is where in the request it is
        return ".".join(map(str, named[1:]))
    return named.lstrip("#/").replace("/", ".") if isinstance(named, str) else ""


def _redirect(headers: Mapping[str, str]) -> str:
    """Return where a redirect leads, without its query, which may have secrets."""
    to = headers.get("location", "").partition("?")[0]
    return f"it redirects to {to[:200]}" if to else ""


def _challenge(headers: Mapping[str, str]) -> str:
    """Return why a key is refused, where only the header says so (RFC 6750, 3)."""
    said = dict(_ERROR_OF_KEY.findall(headers.get("www-authenticate", "")[:_SAID_MOST]))
    return known.in_text(said.get("error_description") or said.get("error") or "")


def _kind(status: int, headers: Mapping[str, str], said: str) -> type[ServiceError]:
    if status >= 500:
        return _BY_STATUS.get(status, Unavailable)
    if status < 400:
        return BadAnswer
    if status == 403 and _is_rate_limit(headers, said):
        return RateLimited
    if status == 408:
        return Timeout
    return _BY_STATUS.get(status, InvalidRequest)


def _is_rate_limit(headers: Mapping[str, str], said: str) -> bool:
    words = said.lower().replace(" ", "")
    # Google's reasons (rateLimitExceeded, dailyLimitExceeded, quotaExceeded), and GitHub's sentences.
    named = any(word in words for word in ("ratelimit", "limitexceeded", "quotaexceeded"))
    return named or headers.get("x-ratelimit-remaining") == "0" or "retry-after" in headers


def retry_after_seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds to wait, by `Retry-After` (RFC 9110 10.2.3: seconds or a date) or `x-ratelimit-reset`."""
    waits = headers.get("retry-after", "").strip()
    if waits.isascii() and waits.isdigit():
        return min(float(waits), _LONGEST_SECONDS)
    if waits:
        return _until(waits, now)
    reset = headers.get("x-ratelimit-reset", "").strip()
    if headers.get("x-ratelimit-remaining") == "0" and reset.isascii() and reset.isdigit():
        # Seconds since 1970, as GitHub sends them.
        return min(max(0.0, float(reset) - now.timestamp()), _LONGEST_SECONDS)
    return None


def _until(date: str, now: datetime) -> float | None:
    try:
        due = parsedate_to_datetime(date)
    except (ValueError, OverflowError):
        return None
    due = due if due.tzinfo else due.replace(tzinfo=UTC)  # "-0000": UTC, zone unknown (RFC 5322 3.3)
    return min(max(0.0, (due - now).total_seconds()), _LONGEST_SECONDS)


def of_broken_connection(service: Service, error: Exception) -> ServiceError:
    """Convert what an SDK or httpx raised without a usable answer; a ServiceError is returned unchanged."""
    for cause in causes(error):
        if isinstance(cause, ServiceError):
            return cause
    found = _of_no_connection(service, error) or _of_bad_redirect(service, error)
    for cause in causes(error):
        found = found or _of_cause(service, cause)
    if found is None and isinstance(error, _OF_SHAPE):
        return of_shape(service, error)
    return found or BadAnswer(
        f"{service.error_name} sent an answer that cannot be understood ({type(error).__name__}).", service=service.name
    )


@contextlib.contextmanager
def reading(service: Service) -> Iterator[None]:
    """Raise what goes wrong while a request is sent and its answer read as an error of `clients.errors`.

    Also a decorator of methods: `@reading(GMAIL)`.
    """
    try:
        yield
    except ServiceError:
        raise
    except Exception as error:
        raise of_broken_connection(service, error) from error


def of_shape(service: Service, error: Exception) -> BadAnswer:
    """Convert an exception raised while reading an answer that does not match the service's API."""
    said = ""
    if isinstance(error, json.JSONDecodeError):
        said = ": it is not JSON"
    elif isinstance(error, KeyError) and error.args:
        said = f": it has no {str(error.args[0])[:100]!r}"
    return BadAnswer(f"{service.error_name} sent an answer that does not match its API{said}.", service=service.name)


def require_object(service: Service, answer: Any) -> dict[str, Any]:
    """Return an answer that is a JSON object; raises BadAnswer for any other, an empty one too."""
    if not isinstance(answer, dict):
        raise BadAnswer(f"{service.error_name} sent an answer that is not a JSON object.", service=service.name)
    return answer


def _of_no_connection(service: Service, error: Exception) -> ServiceError | None:
    """Return the error for common reasons why nothing was sent: connection refused, no TLS, unknown host name."""
    found = list(causes(error))
    address = next((_address(cause) for cause in found if isinstance(cause, httpx.ConnectError)), "")
    if any(isinstance(cause, ConnectionRefusedError) for cause in found):
        words = f"Nothing answers at {address}." if address else f"{service.error_name} does not answer."
        remedy = "Start the server there, or correct the address."
    elif any(getattr(cause, "reason", "") in _NO_TLS for cause in found if isinstance(cause, ssl.SSLError)):
        words = f"{address or service.error_name} does not speak TLS."
        remedy = "If that is intended, write the address with http://; otherwise correct the port."
    elif any(isinstance(cause, socket.gaierror) for cause in found) and address:
        words = f"The address {address} is not known."
        remedy = "Check its spelling, and that this machine is online."
    else:
        return None
    return Unavailable(words, service=service.name, remedy=remedy, outcome="not_done")


def _of_bad_redirect(service: Service, error: Exception) -> ServiceError | None:
    """Return the error for a redirect to an address that cannot be read: httpx reads it even if nobody follows it."""
    if not isinstance(error, httpx.RemoteProtocolError) or not isinstance(error.__context__, httpx.InvalidURL):
        return None
    words = f"{service.error_name} redirects to an address that cannot be read."
    return InvalidRequest(words, service=service.name, remedy="Correct the address.", outcome="unknown")


def _address(error: httpx.ConnectError) -> str:
    try:
        url = error.request.url
    except RuntimeError:  # raised by hand, without a request
        return ""
    return f"{url.scheme}://{url.netloc.decode('ascii')}"


def _of_cause(service: Service, cause: BaseException) -> ServiceError | None:
    for types, kind, words, outcome in _BROKEN:
        if isinstance(cause, types):
            return kind(words.format(name=service.error_name, cause=cause), service=service.name, outcome=outcome)
    return None
