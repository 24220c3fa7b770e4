"""From what HTTP and the network say to the errors of the clients: one table for every service."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
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
    408: Timeout,
    409: Conflict,
    410: NotFound,
    412: Conflict,
    429: RateLimited,
}
_WORDS: Mapping[type[ServiceError], str] = {
    AuthError: "refuses the credentials or what they may do",
    NotFound: "does not have it, or does not show it to this account",
    Conflict: "says that it was changed meanwhile",
    RateLimited: "asks to slow down",
    Unavailable: "is not working right now",
    Timeout: "did not answer in time",
    InvalidRequest: "does not accept the request",
    BadAnswer: "answered something that cannot be understood",
}


def error_of_status(
    service: str, status: int, headers: Mapping[str, str], said: str = "", *, rate_limited: bool = False
) -> ServiceError:
    """Map an answer that is no success to an error; `said` is the service's own sentence, `headers` any case.

    `rate_limited`: the service's body says so (a 403 may be one). 4xx = not done; 5xx and 3xx by their class.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    limited = status == 403 and (rate_limited or "retry-after" in lower or lower.get("x-ratelimit-remaining") == "0")
    kind = RateLimited if limited else _kind(status)
    return kind(
        _sentence(service, _WORDS[kind], said or f"status {status}"),
        service=service,
        http_status=status,
        retry_after_seconds=retry_after_seconds(lower) if kind in {RateLimited, Unavailable} else None,
        outcome="not_done" if status < 500 else None,
    )


def _kind(status: int) -> type[ServiceError]:
    if status >= 500:
        return Unavailable
    return _BY_STATUS.get(status, InvalidRequest)


def retry_after_seconds(headers: Mapping[str, str], *, now: float | None = None) -> float | None:
    """Read how long to wait from `retry-after` (seconds or date, RFC 9110 10.2.3), else `x-ratelimit-reset`.

    `headers` in lower case; `now` is seconds since 1970, the present by default. None where neither says.
    """
    now = time.time() if now is None else now
    text = headers.get("retry-after", "").strip()
    if text:
        return _seconds(text, now)
    reset = headers.get("x-ratelimit-reset", "").strip()
    if reset.isdigit() and headers.get("x-ratelimit-remaining", "0") == "0":
        return max(0.0, int(reset) - now)
    return None


def _seconds(text: str, now: float) -> float | None:
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except ValueError:
        return None


def error_of_network(service: str, error: BaseException) -> ServiceError | None:
    """Map what went wrong on the way (an httpx error, also one that an SDK wrapped) to an error; None if none did.

    Not connected = not done; anything later is unknown, since the request may have arrived.
    """
    for cause in _causes(error):
        if isinstance(cause, ServiceError):
            cause.service = cause.service or service
            return cause
        if isinstance(cause, httpx.TransportError | httpx.DecodingError | httpx.InvalidURL):
            return _of_httpx(service, cause)
    return None


def _of_httpx(service: str, error: Exception) -> ServiceError:
    match error:
        case httpx.ConnectTimeout() | httpx.PoolTimeout():
            return _failure(Timeout, service, error, "not_done")
        case httpx.TimeoutException():
            return _failure(Timeout, service, error, "unknown")
        case httpx.ConnectError():
            return _failure(Unavailable, service, error, "not_done", "cannot be reached")
        case httpx.DecodingError():
            return _failure(BadAnswer, service, error, "unknown")
        case httpx.UnsupportedProtocol() | httpx.LocalProtocolError() | httpx.InvalidURL():
            return _failure(InvalidRequest, service, error, "not_done", "cannot be asked like this")
    return _failure(Unavailable, service, error, "unknown", "broke the connection off")


def _failure(
    kind: type[ServiceError], service: str, error: Exception, outcome: Outcome, words: str = ""
) -> ServiceError:
    return kind(_sentence(service, words or _WORDS[kind], str(error)), service=service, outcome=outcome)


def bad_answer(service: str, why: str, *, http_status: int | None = None) -> BadAnswer:
    """Make the error for a success that cannot be read (not JSON, empty, a field missing)."""
    return BadAnswer(_sentence(service, _WORDS[BadAnswer], why), service=service, http_status=http_status)


def _sentence(service: str, words: str, detail: str) -> str:
    name = {"github": "GitHub", "notion": "Notion", "gmail": "Gmail", "openai": "The model service"}.get(
        service, "The service"
    )
    detail = " ".join(detail.split())[:500].rstrip(".")
    return f"{name} {words}: {detail}." if detail else f"{name} {words}."


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__
