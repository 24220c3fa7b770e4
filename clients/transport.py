"""Creates the HTTP clients through which every SDK sends its requests: the program's only way out over HTTP."""

from __future__ import annotations

import functools
import itertools
import ssl
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx

from clients import AGENT
from clients.deadline import deadline, seconds_left
from clients.errors import InvalidRequest
from clients.pool import Pool
from clients.read_retry import STUMBLES, present_retry_policy
from clients.reads import ConnectionReads
from clients.reads_only import checked, require_read
from clients.request_tracking import leaves
from clients.secrets import known
from clients.sockets import Forbidden, NetworkGate

__all__ = [
    "AnswerRefused",
    "AnswerTooLarge",
    "Forbidden",
    "borrowed",
    "client_of",
    "deadline",
    "http_client",
    "origin",
    "rewriting",
    "unpacked",
]

_PRODUCT = AGENT.partition("/")[0].lower()
_OF_BODY = frozenset({"content-length", "transfer-encoding"})
"""Headers that httpx adds by the body."""
AS_IT_IS = "as_it_is"
"""A request extension: its answer is not redacted here, as it brings new secrets, or its client redacts it."""
PACKED = "packed"
"""A response extension: the codings of an answer that cannot be undone; only of a request that has `AS_IT_IS`."""
MAX_ANSWER_BYTES = 10 * 1024 * 1024
FILE_BYTES = 50 * 1024 * 1024
"""Upper limit on the answer to a request that sets `most_bytes` (a download), whatever it asks for."""
GZIP = b"\x1f\x8b\x08"
"""Begins data that are compressed by gzip (RFC 1952 2.3)."""
_READ_CODINGS = frozenset({"gzip", "x-gzip", "deflate"})
_CODINGS_MOST = 2
_PIECE_BYTES = 65_536
_ANY_HEADER = zlib.MAX_WBITS | 32
"""Of gzip or zlib."""
CONNECT_SECONDS = 10.0
IDLE_CONNECTION_SECONDS = 3.0
"""Common servers close an idle connection after 5 s; a write should not hit that moment."""


class AnswerRefused(httpx.DecodingError):
    """The answer is too large, or compressed in a way that cannot be read."""


class AnswerTooLarge(AnswerRefused):
    """The answer is too large."""


def http_client(
    *,
    allowed_origins: frozenset[str] | None = None,
    public_only: bool = False,
    allow_hosts: frozenset[str] = frozenset(),
    reads: ConnectionReads = ConnectionReads(),  # noqa: B008 - it is frozen
    any_path: bool = False,
) -> httpx.Client:
    """Create an HTTP client that threads may share: no proxies, redirects, cookies or retries.

    `allowed_origins` (`scheme://host:port`): any other is refused before a socket opens. `public_only`: hosts with
    addresses that are not public are refused, except those in `allow_hosts` (`host` or `host:port`).
    A refusal raises Forbidden; answers over 10 MB (or the request's extension `most_bytes`) raise
    AnswerTooLarge. `reads` are the requests that may leave inside `reads_only()`; any other raises WriteRefused there.
    An address with `.` or `..` as a part of its path raises InvalidRequest: the addresses of an API have names and ids
    in them, and httpx would resolve such a part, and ask for something else. `any_path`: for addresses as people write
    them, such as links.
    """
    gate = NetworkGate(public_only=public_only, allow_hosts=frozenset(host.lower() for host in allow_hosts))
    transport = _Transport(gate, allowed_origins, reads, names_itself=not any_path)
    return client_of(transport, any_path=any_path)


def borrowed(http: httpx.Client) -> httpx.Client:
    """Create a client with its own headers and base URL that sends through `http`.

    For SDKs that write their token and base URL into the client they are given: the shared one stays clean.
    """
    return client_of(_Borrowed(http))


def rewriting(http: httpx.Client, rewrite: Callable[[bytes], bytes]) -> httpx.Client:
    """Create a client that sends through `http`, which it closes with itself, and rewrites the body of each request.

    `rewrite` returns as many bytes as it gets.
    """
    return client_of(_Rewriting(http, rewrite))


def client_of(transport: httpx.BaseTransport, *, any_path: bool = False) -> httpx.Client:
    """Create a client that sends through a transport, without proxies, redirects, cookies or limits of its own."""
    return _Client(
        any_path=any_path,
        headers={"User-Agent": AGENT},
        transport=transport,
        trust_env=False,
        follow_redirects=False,
        timeout=httpx.Timeout(None, connect=CONNECT_SECONDS),
    )


class _NoCookies(httpx.Cookies):
    """An always empty cookie jar."""

    def extract_cookies(self, response: httpx.Response) -> None:
        """Ignore an answer's cookies."""

    def set_cookie_header(self, request: httpx.Request) -> None:
        """Send no cookies."""


class _Client(httpx.Client):
    """A client that keeps no cookies; see `http_client` for `any_path`."""

    def __init__(self, *, any_path: bool, **options: Any) -> None:
        super().__init__(**options)
        self._cookies, self._any_path = _NoCookies(), any_path

    def build_request(self, method: str, url: httpx.URL | str, **more: Any) -> httpx.Request:
        """Return a request, as httpx does. Raises InvalidRequest."""
        if not self._any_path and isinstance(url, str):
            _require_plain_path(url)
        return super().build_request(method, url, **more)


def _require_plain_path(url: str) -> None:
    """Raise InvalidRequest if a part of a path is a dot segment (RFC 3986, 3.3), written out or encoded."""
    dots = [part for part in unquote(urlsplit(url).path).split("/") if part in {".", ".."}]
    if dots:
        raise InvalidRequest(
            f"{dots[0]!r} is not a name or an id: the request would go to another address.",
            service="http",
            remedy="Correct the value that it comes from.",
        )


def _name(request: httpx.Request) -> None:
    """Put this program before the name of the SDK that makes a request."""
    given = request.headers.get("user-agent", "")
    if _PRODUCT not in given.lower():
        request.headers["User-Agent"] = f"{AGENT} {given}".rstrip()


@functools.cache
def trusted() -> ssl.SSLContext:
    """Return the trusted CAs: `SSL_CERT_FILE` if it is set, or certifi's; slow to load."""
    return httpx.create_ssl_context()


class _Transport(httpx.BaseTransport):
    """Sends requests over connections that a gate opens, and limits the size of answers."""

    def __init__(
        self, gate: NetworkGate, allowed_origins: frozenset[str] | None, reads: ConnectionReads, *, names_itself: bool
    ) -> None:
        self._allowed_origins, self._reads, self._names_itself = allowed_origins, reads, names_itself
        self._pool = Pool(gate, trusted(), IDLE_CONNECTION_SECONDS)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request, retrying reads (read_retry.py); raises Forbidden, WriteRefused and httpx.TransportError."""
        if self._names_itself:
            _name(request)
        require_read(request, self._reads)
        for pause in present_retry_policy().pauses_before(request.method):
            try:
                response = self._sent(request)
            except httpx.NetworkError:
                pass
            else:
                # A server that names a time is not asked again before it.
                if response.status_code not in STUMBLES or "retry-after" in response.headers:
                    return response
                response.close()
            time.sleep(pause)
        return self._sent(request)

    def _sent(self, request: httpx.Request) -> httpx.Response:
        self._check_origin(request.url)
        seconds_left(None, httpx.ConnectTimeout)  # nothing is started after the deadline
        leaves(request.method)
        # A compressed answer may expand to any size. None is requested; one that comes all the same is limited, too.
        request.headers["Accept-Encoding"] = "identity"
        with checked():
            response = self._pool.handle_request(request)
        try:
            most = min(int(request.extensions.get("most_bytes", MAX_ANSWER_BYTES)), FILE_BYTES)
            codings = _codings(request, response)
            if request.method != "HEAD":  # it announces a size, and sends nothing
                _refuse_unread(response, most)
        except AnswerRefused:
            response.close()
            raise
        assert isinstance(response.stream, httpx.SyncByteStream)
        response.stream = _Limited(response.stream, most)
        for _ in codings:
            response.stream = _Limited(_Unpacked(response.stream), most)
        if AS_IT_IS not in request.extensions:
            known.keep_from(f"requests to {origin(request.url)}", request.headers)
            _redact(response)
        return response

    def close(self) -> None:
        """Close all connections; requests in progress fail."""
        self._pool.close()

    def _check_origin(self, url: httpx.URL) -> None:
        if self._allowed_origins is not None and origin(url) not in self._allowed_origins:
            raise Forbidden(
                f"{origin(url)} must not be contacted now.",
                remedy="Only the demo can be reached now: leave out `--demo`, or on a server switch to Mine.",
            )


def origin(url: httpx.URL | str) -> str:
    """Return `scheme://host:port` of a URL, always with the port."""
    url = httpx.URL(url)
    port = url.port or {"https": 443, "http": 80}.get(url.scheme, 0)
    host = f"[{url.host}]" if ":" in url.host else url.host
    return f"{url.scheme}://{host}:{port}"


def _refuse_unread(response: httpx.Response, most: int) -> None:
    announced = response.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > most:
        raise AnswerTooLarge(f"the answer is too large ({announced} bytes; at most {most} are read)")


def _codings(request: httpx.Request, response: httpx.Response) -> list[str]:
    """Return the codings of an answer that must be undone, and remove them from its headers. Raises AnswerRefused.

    A part of a file is one of the bytes that are stored (RFC 9110 14.2), so it stays as it is.
    """
    named = response.headers.get("content-encoding", "").lower().split(",")
    codings = [one.strip() for one in named if one.strip() not in {"", "identity"}]
    if not codings or request.method == "HEAD":
        return []
    is_part = "range" in request.headers
    is_known = len(codings) <= _CODINGS_MOST and _READ_CODINGS.issuperset(codings)
    if not is_known and not is_part:
        names = ", ".join(codings)[:100]
        if AS_IT_IS not in request.extensions:
            raise AnswerRefused(f"the answer is compressed ({names}), although that was not requested")
        response.extensions[PACKED] = names
    del response.headers["content-encoding"]
    if is_part or not is_known:
        return []
    response.headers.pop("content-length", None)
    return codings


def unpacked(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the content of gzip, zlib or deflate data (RFC 1950 to 1952), in pieces of at most 64 KB.

    Other data stay as they are: some servers name a coding that a proxy before them has undone. Raises
    AnswerRefused if they are damaged, or end too early.
    """
    pieces = iter(parts)
    begin = b""
    for part in pieces:
        begin += part
        if len(begin) >= len(GZIP):
            break
    reader = _inflater(begin)
    if reader is None:
        yield from (part for part in (begin, *pieces) if part)
        return
    for part in itertools.chain((begin,), pieces):
        waiting, is_full = part, False
        while waiting or is_full:
            if reader.eof:  # after a member of gzip comes another, or padding (RFC 1952 2.2)
                if not waiting.startswith(GZIP[: len(waiting)]):
                    return
                reader = zlib.decompressobj(_ANY_HEADER)
            found = _inflated(reader, waiting)
            yield found
            waiting = reader.unused_data if reader.eof else reader.unconsumed_tail
            is_full = len(found) == _PIECE_BYTES and not reader.eof
    if not reader.eof:
        raise AnswerRefused("the answer ends before what is compressed in it does")


def _inflater(begin: bytes) -> Any:
    """Return a decompressor for data with this beginning; None if they are not compressed."""
    if begin.startswith(GZIP):
        return zlib.decompressobj(_ANY_HEADER)
    if len(begin) < len(GZIP):
        return None
    has_zlib_header = begin[0] & 0x0F == zlib.DEFLATED and int.from_bytes(begin[:2], "big") % 31 == 0
    reader = zlib.decompressobj(_ANY_HEADER if has_zlib_header else -zlib.MAX_WBITS)
    try:
        reader.copy().decompress(begin, _PIECE_BYTES)
    except zlib.error:
        return None
    return reader


def _inflated(reader: Any, packed: bytes) -> bytes:
    try:
        found: bytes = reader.decompress(packed, _PIECE_BYTES)
    except zlib.error as error:
        raise AnswerRefused("the answer is damaged: what is compressed in it cannot be read") from error
    return found


def _redact(response: httpx.Response) -> None:
    """Redact every known secret in an answer, whatever its status: services echo what they were sent."""
    pairs = response.headers.multi_items()
    values = known.in_each([value for _, value in pairs])
    response.headers = httpx.Headers([(name, value) for (name, _), value in zip(pairs, values, strict=True)])
    assert isinstance(response.stream, httpx.SyncByteStream)
    is_live = "text/event-stream" in response.headers.get("content-type", "").lower()
    response.stream = _Blotted(response.stream, is_live=is_live)


class _Blotted(httpx.SyncByteStream):
    """An answer's bytes with secrets redacted: as a whole, since one may span two chunks; a live answer by lines."""

    def __init__(self, inner: httpx.SyncByteStream, *, is_live: bool) -> None:
        self._inner, self._is_live = inner, is_live

    def __iter__(self) -> Iterator[bytes]:
        kept = bytearray()
        for part in self._inner:
            kept += part
            end = kept.rfind(b"\n") + 1 if self._is_live else 0
            if end:
                yield known.in_bytes(bytes(kept[:end]))
                del kept[:end]
        if kept:
            yield known.in_bytes(bytes(kept))

    def close(self) -> None:
        self._inner.close()


class _Limited(httpx.SyncByteStream):
    """An answer's bytes, up to a limit."""

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


class _Unpacked(httpx.SyncByteStream):
    """An answer's bytes without their compression."""

    def __init__(self, inner: httpx.SyncByteStream) -> None:
        self._inner = inner

    def __iter__(self) -> Iterator[bytes]:
        return unpacked(self._inner)

    def close(self) -> None:
        self._inner.close()


class _Rewriting(httpx.BaseTransport):
    """Sends requests through a client of its own, with other bodies."""

    def __init__(self, http: httpx.Client, rewrite: Callable[[bytes], bytes]) -> None:
        self._http, self._rewrite = http, rewrite

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        content = self._rewrite(request.read())
        headers = [(name, value) for name, value in request.headers.multi_items() if name not in _OF_BODY]
        sent = httpx.Request(
            request.method, request.url, headers=headers, content=content, extensions=request.extensions
        )
        return self._http.send(sent, stream=True)

    def close(self) -> None:
        self._http.close()


class _Borrowed(httpx.BaseTransport):
    """Sends requests through another client, which stays open for its other users."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._http.send(request, stream=True)
