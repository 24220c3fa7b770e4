"""What an HTTP status or a broken connection means, in the words of `clients.errors`, for every service alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from clients.errors import (
    AuthError,
    BadAnswer,
    Conflict,
    InvalidRequest,
    NotFound,
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


def of_status(
    service: str, status: int, headers: Mapping[str, str], said: str, *, now: datetime | None = None
) -> ServiceError:
    """Turn an answer of 300 and above into its error; `said` is the service's own sentence ("" for none).

    `headers` are looked up in lower case. 403 is a rate limit where the answer says so (GitHub, Google).
    """
    kind = _kind(status, headers, said)
    words = " ".join(said.split())[:_SAID_MOST] or "without a word of explanation"
    return kind(
        f"{service} answered {status}: {words}",
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
    named = any(word in words for word in ("ratelimit", "quotaexceeded", "usagelimit"))
    return named or headers.get("x-ratelimit-remaining") == "0" or "retry-after" in headers


def retry_after_seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds to wait by `Retry-After` (RFC 9110 10.2.3: seconds or a date), else by `x-ratelimit-reset`."""
    waits = headers.get("retry-after", "").strip()
    if waits.isascii() and waits.isdigit():
        return float(waits)
    if waits:
        return _until(waits, now)
    reset = headers.get("x-ratelimit-reset", "").strip()
    if headers.get("x-ratelimit-remaining") == "0" and reset.isascii() and reset.isdigit():
        return max(0.0, float(reset) - now.timestamp())
    return None


def _until(date: str, now: datetime) -> float | None:
    try:
        due = parsedate_to_datetime(date)
    except ValueError:
        return None
    due = due if due.tzinfo else due.replace(tzinfo=UTC)
    return max(0.0, (due - now).total_seconds())


def of_broken_connection(service: str, error: Exception) -> ServiceError:
    """Turn what an SDK or httpx raised, when no usable answer came, into its error; a ServiceError stays itself."""
    for cause in _causes(error):
        if isinstance(cause, ServiceError):
            return cause
    for cause in _causes(error):
        known = _of_cause(service, cause)
        if known:
            return known
    return BadAnswer(f"{service} gave an answer that cannot be understood ({type(error).__name__}).", service=service)


def _of_cause(service: str, cause: BaseException) -> ServiceError | None:
    if isinstance(cause, httpx.ConnectTimeout | httpx.PoolTimeout):
        return Timeout(f"{service} cannot be reached in time.", service=service, outcome="not_done")
    if isinstance(cause, httpx.TimeoutException | TimeoutError):
        return Timeout(f"{service} gave no whole answer in time.", service=service)
    if isinstance(cause, httpx.ConnectError | httpx.UnsupportedProtocol | httpx.InvalidURL | ConnectionRefusedError):
        return Unavailable(f"{service} cannot be reached: {cause}", service=service, outcome="not_done")
    if isinstance(cause, httpx.LocalProtocolError):
        return InvalidRequest(f"{service} cannot be asked like this: {cause}", service=service)
    if isinstance(cause, httpx.DecodingError):
        return BadAnswer(f"{service} gave an answer that is not read: {cause}.", service=service)
    if isinstance(cause, httpx.TransportError | OSError):
        return Unavailable(f"{service} broke off the connection before it answered.", service=service)
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        yield following
        following = following.__cause__ or following.__context__
