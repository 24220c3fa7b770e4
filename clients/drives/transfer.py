"""Downloads in parts: a broken part is requested again, and versions of a file are never mixed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO

import httpx

from clients.drives.entity_tags import is_same, is_strong
from clients.error_mapping import of_broken_connection
from clients.errors import BadAnswer, Conflict, InvalidRequest, ServiceError
from clients.service import Service
from clients.transport import AS_IT_IS, FILE_BYTES

PART_BYTES = 8 * 1024 * 1024
_IDLE_MOST = 3
"""Requests in a row that brought nothing more."""
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")

AS_FILE = {AS_IT_IS: True, "most_bytes": FILE_BYTES}
"""The request extensions of a download: bytes arrive unchanged, one part at a time in memory."""
Send = Callable[[Mapping[str, str]], AbstractContextManager[httpx.Response]]
"""Sends the request of a download with these headers more, as `httpx.Client.stream`; raises ServiceError for a status
that is neither 200, 206 nor 416."""
_PARTS = {httpx.codes.OK, httpx.codes.PARTIAL_CONTENT, httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE}


@contextmanager
def part_of(
    http: httpx.Client, url: str, headers: Mapping[str, str], refusal: Callable[[httpx.Response], ServiceError]
) -> Iterator[httpx.Response]:
    """Ask for a part of a file, as `Send` does, with all headers that it needs."""
    with http.stream("GET", url, headers=dict(headers), extensions=dict(AS_FILE)) as answer:
        if answer.status_code not in _PARTS:
            answer.read()
            raise refusal(answer)
        yield answer


def received(service: Service, send: Send, into: Path, size: int, limit: int, version: str = "") -> None:
    """Write `size` bytes to a file, asking for them in parts.

    `version` is the ETag: with it no part of another version arrives. Raises InvalidRequest if there are more bytes
    than `limit`, Conflict if the file changes meanwhile, another ServiceError if the connection breaks too often.
    """
    require_within(service, size, limit)
    try:
        _received(service, send, into, size, version)
    except Exception as error:
        raise of_broken_connection(service, error) from error


def _received(service: Service, send: Send, into: Path, size: int, version: str) -> None:
    furthest, idle = 0, 0
    with into.open("wb") as out:
        while out.tell() < size:
            cause: Exception | None = None
            try:
                _part(service, send, out, size, version)
            except (httpx.NetworkError, httpx.RemoteProtocolError) as error:
                cause = error
            # Without ranges, the server begins anew with each request, so the place may move back.
            idle = 0 if out.tell() > furthest else idle + 1
            furthest = max(furthest, out.tell())
            if idle > _IDLE_MOST:
                raise cause or BadAnswer(f"{service.error_name} sent no more of the file.", service=service.name)


def require_within(service: Service, size: int | None, limit: int) -> None:
    """Raise InvalidRequest if a file is too large."""
    if size is not None and size > limit:
        raise InvalidRequest(
            f"The file has {size} bytes, and at most {limit} are taken.",
            service=service.name,
            remedy="Raise `max_bytes` of the step, or take a smaller file.",
        )


def _part(service: Service, send: Send, out: BinaryIO, size: int, version: str) -> None:
    """Append the next part. What came before a connection broke stays."""
    begin, end = out.tell(), min(out.tell() + PART_BYTES, size)
    headers = {"Range": f"bytes={begin}-{end - 1}", **({"If-Range": version} if is_strong(version) else {})}
    with send(headers) as answer:
        is_shorter = answer.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE
        if is_shorter or (version and not is_same(answer.headers.get("etag", version), version)):
            raise Conflict("The file changed while it was downloaded.", service=service.name)
        if answer.status_code == httpx.codes.OK:  # the server ignores ranges, or the file is another one now
            if int(answer.headers.get("content-length", size)) != size:
                raise BadAnswer(
                    f"{service.error_name} sent another number of bytes than it said.", service=service.name
                )
            out.seek(0)
            out.truncate()
            end = size
        elif not _is_range(answer, begin, size):
            raise BadAnswer(f"{service.error_name} sent another part than was asked for.", service=service.name)
        out.writelines(chunk[: end - out.tell()] for chunk in answer.iter_raw())  # never more than was asked for


def _is_range(answer: httpx.Response, begin: int, size: int) -> bool:
    found = _RANGE.fullmatch(answer.headers.get("content-range", ""))
    return found is not None and int(found[1]) == begin and int(found[3]) == size
