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
from clients.secrets import known
from clients.service import Service

_BY_STATUS: Mapping[int, type[ServiceError]] = {
    401: AuthError,
    403: AuthError,
    404: NotFound,
    409: Conflict,
    410: NotFound,
    412: Conflict,
    429: RateLimited,
}
_BY_STATUS_REMEDY: Mapping[int, str] = {
    402: "Pay at the service, or raise the limit of the account there.",
    405: "Check the connection's address: this server does not offer what was asked.",
    410: "It is gone: leave it out, or choose another.",
    413: "Send less: shorten the text, or split it.",
    451: "The service may not give it, for legal reasons: leave it out, or choose another.",
}
_SAID_MOST = 500
_BODY_MOST = 20_000
_NESTED_MOST, _ERRORS_MOST = 6, 5
_WORDS = (
    *("message", "msg", "error", "error_msg", "error_description", "description", "detail", "title", "_errors"),
    *("errors", "fault", "metadata", "raw"),
)
"""Where APIs say what is wrong, in the order of how much a person learns from it."""
_UNSEEN = re.compile(r"<(script|style|svg)\b.*?</\1\s*>|<!--.*?-->", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")
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
    words = known.in_text(told)[:_SAID_MOST] or _redirect(headers) or "no explanation given"
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
    """Return what the body of a refusal says, in bytes or parsed: JSON, a page of a proxy, plain text; empty: nothing.

    Of JSON, the usual places: `message`, `error` and its `message`, `detail` (RFC 9457), `errors` with their fields,
    also in JSON that is a text in it (gateways).
    """
    found = _parsed(body[:_BODY_MOST]) if isinstance(body, bytes) else body
    return "; ".join(dict.fromkeys(_words(found, _NESTED_MOST)))[:_SAID_MOST]


def _parsed(content: bytes) -> Any:
    """Return the value of JSON, the text of what is none, "" for bytes that are no text."""
    text = content.decode("utf-8", "replace")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        is_binary = "\0" in text or text.count("\ufffd") > len(text) // 10
        return "" if is_binary else text


def words_of_page(page: str) -> str:
    """Return the text of an HTML or XML page, without its tags, styles and scripts."""
    text = _TAG.sub(" ", _UNSEEN.sub(" ", page[:_BODY_MOST]))
    return " ".join(unescape(text).split())[:_SAID_MOST]


def _words(found: Any, depth: int) -> Iterator[str]:
    """Yield the words of an error in JSON, and those of the fields that it names."""
    if isinstance(found, str):
        text = found.strip()
        inner = _parsed(text.encode("utf-8", "replace")) if depth and text.startswith(("{", "[")) else text
        if not isinstance(inner, str):
            yield from _words(inner, depth - 1)
        elif text:
            yield words_of_page(text) if text.startswith("<") else text
    elif isinstance(found, list) and depth:
        for one in found[:_ERRORS_MOST]:
            yield from _words(one, depth - 1)
    elif isinstance(found, dict) and depth:
        field = str(found.get("field") or found.get("param") or "")
        for name in _WORDS:
            if found.get(name) and not isinstance(found[name], bool | int | float):
                yield from (f"{field}: {words}" if field else words for words in _words(found[name], depth - 1))
        named = found.get("errors")
        for name, one in list(named.items())[:_ERRORS_MOST] if isinstance(named, dict) else ():
            yield from (f"{name}: {words}" for words in _words(one, depth - 1))


def _redirect(headers: Mapping[str, str]) -> str:
    """Return where a redirect leads, without its query, which may have secrets."""
    to = headers.get("location", "").partition("?")[0]
    return f"it redirects to {to[:200]}" if to else ""


def _kind(status: int, headers: Mapping[str, str], said: str) -> type[ServiceError]:
    if status >= 500:
        return Unavailable
    if status < 400:
        return BadAnswer
    if status == 403 and _is_rate_limit(headers, said):
        return RateLimited
    if status == 408:
        return Timeout
    return _BY_STATUS.get(status, InvalidRequest)


def _is_rate_limit(headers: Mapping[str, str], said: str) -> bool:
    words = said.lower().replace(" ", "")
    named = any(word in words for word in ("ratelimit", "limitexceeded", "quotaexceeded"))
    return named or headers.get("x-ratelimit-remaining") == "0" or "retry-after" in headers


def retry_after_seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds to wait: from `Retry-After` (RFC 9110 10.2.3: seconds or a date), else `x-ratelimit-reset`."""
    waits = headers.get("retry-after", "").strip()
    if waits.isascii() and waits.isdigit():
        return min(float(waits), _LONGEST_SECONDS)
    if waits:
        return _until(waits, now)
    reset = headers.get("x-ratelimit-reset", "").strip()
    if headers.get("x-ratelimit-remaining") == "0" and reset.isascii() and reset.isdigit():
        return min(max(0.0, float(reset) - now.timestamp()), _LONGEST_SECONDS)
    return None


def _until(date: str, now: datetime) -> float | None:
    try:
        due = parsedate_to_datetime(date)
    except (ValueError, OverflowError):
        return None
    due = due if due.tzinfo else due.replace(tzinfo=UTC)
    return min(max(0.0, (due - now).total_seconds()), _LONGEST_SECONDS)


def of_broken_connection(service: Service, error: Exception) -> ServiceError:
    """Convert what an SDK or httpx raised without a usable answer; a ServiceError is returned unchanged."""
    for cause in _causes(error):
        if isinstance(cause, ServiceError):
            return cause
    found = _of_no_connection(service, error) or _of_bad_redirect(service, error)
    for cause in _causes(error):
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
    causes = list(_causes(error))
    address = next((_address(cause) for cause in causes if isinstance(cause, httpx.ConnectError)), "")
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        words = f"Nothing answers at {address}." if address else f"{service.error_name} does not answer."
        remedy = "Start the server there, or correct the address."
    elif any(getattr(cause, "reason", "") in _NO_TLS for cause in causes if isinstance(cause, ssl.SSLError)):
        words = f"{address or service.error_name} does not speak TLS."
        remedy = "If that is intended, write the address with http://; otherwise correct the port."
    elif any(isinstance(cause, socket.gaierror) for cause in causes) and address:
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


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        yield following
        following = following.__cause__ or following.__context__
