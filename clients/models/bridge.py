"""Lets an SDK that is built on httpx2 send through this program's own HTTP client.

So its requests meet the same rules as all others (`clients/transport.py`): where they may go, what may leave while a
plan is made, how long they take, how much is read, and which secrets are redacted.
"""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import httpx2


def bridged(http: httpx.Client) -> httpx2.Client:
    """Return a client of httpx2 that sends through `http`; it has no connections of its own to close."""
    return httpx2.Client(transport=_Bridge(http), trust_env=False, follow_redirects=False, timeout=None)


class _Bridge(httpx2.BaseTransport):
    """Raises the errors of httpx and of `clients.errors`, which the SDK passes on."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        content = request.read()
        sent = self._http.build_request(
            request.method, str(request.url), headers=request.headers.multi_items(), content=content
        )
        answer = self._http.send(sent, stream=True)
        return httpx2.Response(answer.status_code, headers=answer.headers.multi_items(), stream=_Body(answer))


class _Body(httpx2.SyncByteStream):
    def __init__(self, answer: httpx.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        yield from self._answer.iter_raw()

    def close(self) -> None:
        self._answer.close()
