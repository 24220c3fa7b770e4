"""The one way out of this program: every SDK sends its requests through the HTTP client that is made here."""

from __future__ import annotations

import functools
import ssl
import time
from collections.abc import Iterator
from typing import Any

import httpx

from clients.deadline import deadline, seconds_left
from clients.patience import STUMBLES, present_patience
from clients.pool import Pool
from clients.sent import leaves
from clients.sockets import Forbidden, Gate

__all__ = ["AnswerRefused", "AnswerTooLarge", "Forbidden", "borrowed", "deadline", "http_client", "origin"]

MAX_ANSWER_BYTES = 10 * 1024 * 1024
FILE_BYTES = 50 * 1024 * 1024
"""How much is read at most of an answer whose request says `most_bytes` (a download), however much it says."""
CONNECT_SECONDS = 10.0
IDLE_CONNECTION_SECONDS = 3.0
"""Common servers close an idle connection after 5 s: a write should not meet that moment."""


class AnswerRefused(httpx.DecodingError):
    """The answer is larger than is read, or packed in a way that hides its size."""


class AnswerTooLarge(AnswerRefused):
    """The answer is larger than is read."""


def http_client(
    *,
    allowed_origins: frozenset[str] | None = None,
    public_only: bool = False,
    allow_hosts: frozenset[str] = frozenset(),
) -> httpx.Client:
    """Make an HTTP client that threads may share: no proxies, no redirects, no cookies, no retries.

    `allowed_origins` (`scheme://host:port`): any other is refused before a socket opens. `public_only`: hosts whose
    addresses are not all public are refused, but those in `allow_hosts` (`host` or `host:port`).
    A refusal raises Forbidden; answers over 10 MB (the request's extension `most_bytes` says another limit) raise
    AnswerTooLarge.
    """
    gate = Gate(public_only=public_only, allow_hosts=frozenset(host.lower() for host in allow_hosts))
    return _client(_Transport(gate, allowed_origins))


def borrowed(http: httpx.Client) -> httpx.Client:
    """Make a client with headers and base URL of its own that sends through `http`.

    For SDKs that write their token and base URL into the client they are given: the shared one stays clean.
    """
    return _client(_Borrowed(http))


def _client(transport: httpx.BaseTransport) -> httpx.Client:
    return _Client(
        transport=transport,
        trust_env=False,
        follow_redirects=False,
        timeout=httpx.Timeout(None, connect=CONNECT_SECONDS),
    )


class _NoCookies(httpx.Cookies):
    """Stays empty, without looking at any answer."""

    def extract_cookies(self, response: httpx.Response) -> None:
        """Take none."""

    def set_cookie_header(self, request: httpx.Request) -> None:
        """Send none."""


class _Client(httpx.Client):
    """A client that keeps no cookies."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._cookies = _NoCookies()


@functools.cache
def _trusted() -> ssl.SSLContext:
    """The certificates that are trusted: `SSL_CERT_FILE` where it is set, else those of certifi; slow to read."""
    return httpx.create_ssl_context()


class _Transport(httpx.HTTPTransport):
    """httpx's transport with its connections made by a gate, and its answers limited in size."""

    def __init__(self, gate: Gate, allowed_origins: frozenset[str] | None) -> None:
        self._allowed_origins = allowed_origins
        self._pool: Any = Pool(gate, _trusted(), IDLE_CONNECTION_SECONDS)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request, a read perhaps again (patience.py); raises Forbidden and httpx.TransportError."""
        for pause in present_patience().pauses_before(request.method):
            try:
                response = self._sent(request)
            except httpx.NetworkError:
                pass
            else:
                if response.status_code not in STUMBLES or "retry-after" in response.headers:
                    return response
                response.close()
            time.sleep(pause)
        return self._sent(request)

    def _sent(self, request: httpx.Request) -> httpx.Response:
        self._check_origin(request.url)
        seconds_left(None, httpx.ConnectTimeout)  # nothing is begun when the time is over
        leaves(request.method)
        # A packed answer could unpack to any size, so none is asked for and none is read.
        request.headers["Accept-Encoding"] = "identity"
        response = super().handle_request(request)
        try:
            most = min(int(request.extensions.get("most_bytes", MAX_ANSWER_BYTES)), FILE_BYTES)
            _refuse_unread(response, most)
        except AnswerRefused:
            response.close()
            raise
        assert isinstance(response.stream, httpx.SyncByteStream)
        response.stream = _Limited(response.stream, most)
        return response

    def _check_origin(self, url: httpx.URL) -> None:
        if self._allowed_origins is not None and origin(url) not in self._allowed_origins:
            raise Forbidden(
                f"{origin(url)} is not one of the addresses that may be reached now.",
                remedy="Only the demo is reached now: leave out `--demo`, or on a server switch the service to Mine.",
            )


def origin(url: httpx.URL | str) -> str:
    """Give `scheme://host:port` of an address, the port always written."""
    url = httpx.URL(url)
    port = url.port or {"https": 443, "http": 80}.get(url.scheme, 0)
    host = f"[{url.host}]" if ":" in url.host else url.host
    return f"{url.scheme}://{host}:{port}"


def _refuse_unread(response: httpx.Response, most: int) -> None:
    packed = response.headers.get("content-encoding", "identity").lower()
    if packed not in {"", "identity"}:
        raise AnswerRefused(f"the answer is packed ({packed}), though that was not asked for")
    announced = response.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > most:
        raise AnswerTooLarge(f"the answer is too large ({announced} bytes; at most {most} are read)")


class _Limited(httpx.SyncByteStream):
    """An answer's bytes, until there are too many."""

    def __init__(self, inner: httpx.SyncByteStream, most: int) -> None:
        self._inner, self._most = inner, most

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for part in self._inner:
            size += len(part)
            if size > self._most:
                raise AnswerTooLarge(f"the answer is too large (over {self._most} bytes)")
            yield part

    def close(self) -> None:
        self._inner.close()


class _Borrowed(httpx.BaseTransport):
    """Sends what it gets through another client, which stays open for its other users."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._http.send(request, stream=True)
