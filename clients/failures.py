"""What an HTTP status or a broken connection means, in the words of `clients.errors`, for every service alike."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

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

_BY_STATUS: Mapping[int, type[ServiceError]] = {
    401: AuthError,
    403: AuthError,
    404: NotFound,
    409: Conflict,
    410: NotFound,
    412: Conflict,
    429: RateLimited,
}
_SAID_MOST = 500
_LONGEST_SECONDS = 366 * 86_400.0
_NAMES: Mapping[str, str] = {
    "github": "GitHub",
    "notion": "Notion",
    "gmail": "Gmail",
    "openai": "The model server",
    "http": "The server",
}
_BROKEN: tuple[tuple[tuple[type[BaseException], ...], type[ServiceError], str, Outcome], ...] = (
    ((httpx.ConnectTimeout, httpx.PoolTimeout), Timeout, "{name} cannot be reached in time.", "not_done"),
    ((httpx.TimeoutException, TimeoutError), Timeout, "{name} gave no whole answer in time.", "unknown"),
    ((httpx.ConnectError, ConnectionRefusedError), Unavailable, "{name} cannot be reached: {cause}.", "not_done"),
    (
        (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.InvalidURL),
        InvalidRequest,
        "{name} cannot be asked like this: {cause}.",
        "not_done",
    ),
    ((httpx.DecodingError,), BadAnswer, "{name} gave an answer that is not read: {cause}.", "unknown"),
    ((httpx.TransportError, OSError), Unavailable, "{name} broke off the connection before it answered.", "unknown"),
)
"""From the special to the general: what was raised, what it is called here, what it says of the effect."""
_NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"})
"""What OpenSSL calls an answer in plain text, by its version."""
_OF_SHAPE = (ValueError, LookupError, TypeError, AttributeError)
"""What reading an answer of the wrong shape raises."""


def of_status(
    service: str, status: int, headers: Mapping[str, str], said: str, *, now: datetime | None = None
) -> ServiceError:
    """Turn an answer of 300 and above into its error; `said` is the service's own sentence ("" for none).

    `headers` are looked up in lower case. 403 is a rate limit where the answer says so (GitHub, Google).
    """
    kind = _kind(status, headers, said)
    words = " ".join(said.split())[:_SAID_MOST] or "without a word of explanation"
    stop = "" if words.endswith((".", "!", "?")) else "."
    return kind(
        f"{name_of(service)} answered {status}: {words}{stop}",
        service=service,
        http_status=status,
        retry_after_seconds=retry_after_seconds(headers, now or datetime.now(UTC)),
        outcome="not_done" if 400 <= status < 500 else None,
    )


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
    """Seconds to wait by `Retry-After` (RFC 9110 10.2.3: seconds or a date), else by `x-ratelimit-reset`."""
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


def without_secrets(text: str, secrets: Iterable[str]) -> str:
    """The text with each secret in it blotted out: services repeat in their errors what they were sent."""
    for secret in secrets:
        text = text.replace(secret, "***") if secret else text
    return text


def of_broken_connection(service: str, error: Exception) -> ServiceError:
    """Turn what an SDK or httpx raised, when no usable answer came, into its error; a ServiceError stays itself."""
    for cause in _causes(error):
        if isinstance(cause, ServiceError):
            return cause
    known = _of_no_connection(service, error)
    for cause in _causes(error):
        known = known or _of_cause(service, cause)
    if known is None and isinstance(error, _OF_SHAPE):
        return of_shape(service, error)
    return known or BadAnswer(
        f"{name_of(service)} gave an answer that cannot be understood ({type(error).__name__}).", service=service
    )


def of_shape(service: str, error: Exception) -> BadAnswer:
    """Turn what reading an answer raised that is not as the service's API promises into its error, in plain words."""
    said = ""
    if isinstance(error, json.JSONDecodeError):
        said = ": it is no JSON"
    elif isinstance(error, KeyError) and error.args:
        said = f": it has no {str(error.args[0])[:100]!r}"
    return BadAnswer(
        f"{name_of(service)} answered something of another shape than its API promises{said}.", service=service
    )


def _of_no_connection(service: str, error: Exception) -> ServiceError | None:
    """Tell the everyday reasons why nothing was even sent: nobody is there, no TLS there, the name leads nowhere."""
    causes = list(_causes(error))
    address = next((_address(cause) for cause in causes if isinstance(cause, httpx.ConnectError)), "")
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        words = f"Nothing answers at {address}." if address else f"{name_of(service)} does not answer."
        remedy = "Start what should answer there, or correct the address."
    elif any(getattr(cause, "reason", "") in _NO_TLS for cause in causes if isinstance(cause, ssl.SSLError)):
        words = f"{address or name_of(service)} does not speak TLS."
        remedy = "Write the address with http:// if that is meant to be so, or correct its port."
    elif any(isinstance(cause, socket.gaierror) for cause in causes) and address:
        words = f"The address {address} is not known."
        remedy = "Check how it is spelled, and that this machine is online."
    else:
        return None
    return Unavailable(words, service=service, remedy=remedy, outcome="not_done")


def _address(error: httpx.ConnectError) -> str:
    try:
        url = error.request.url
    except RuntimeError:  # raised by hand, without a request
        return ""
    return f"{url.scheme}://{url.netloc.decode('ascii')}"


def _of_cause(service: str, cause: BaseException) -> ServiceError | None:
    for types, kind, words, outcome in _BROKEN:
        if isinstance(cause, types):
            return kind(words.format(name=name_of(service), cause=cause), service=service, outcome=outcome)
    return None


def name_of(service: str) -> str:
    """How people call a service."""
    return _NAMES.get(service, service)


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        yield following
        following = following.__cause__ or following.__context__
