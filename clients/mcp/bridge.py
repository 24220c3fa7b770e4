"""Lets the SDK, which is asynchronous, send through this program's own HTTP client and its rules."""

from __future__ import annotations

import httpx
import httpx2
from anyio import to_thread

from clients.mcp.service import method_of

_GIVEN_BY_US = frozenset({"host", "content-length", "transfer-encoding", "connection"})
_KEPT_FROM_SDK = frozenset({"content-encoding", "location"})
"""`location`: it would send a call again, up to 20 times, wherever on its host the server says."""


class Bridge(httpx2.AsyncBaseTransport):
    """Sends messages; `failure` is why the latest question got no answer: an error, or an answer that refused it."""

    def __init__(self, http: httpx.Client, token: str) -> None:
        self._http, self._token = http, token
        self.failure: Exception | httpx.Response | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a message, and read its whole answer; nothing listens beside it."""
        if request.method != "POST":
            return httpx2.Response(405)  # as from a server without a stream to listen to
        headers = [(name, one) for name, one in request.headers.multi_items() if name.lower() not in _GIVEN_BY_US]
        if self._token:
            headers.append(("Authorization", f"Bearer {self._token}"))
        body = await request.aread()
        is_question = not method_of(body).startswith("notifications/")
        sent = self._http.build_request("POST", str(request.url), headers=headers, content=body)
        self.failure = None if is_question else self.failure
        try:
            answer = await to_thread.run_sync(self._http.send, sent)
        except Exception as error:
            self.failure = error if is_question else self.failure
            raise
        if is_question and answer.status_code >= 300:
            self.failure = answer
        plain = [(name, one) for name, one in answer.headers.multi_items() if name.lower() not in _KEPT_FROM_SDK]
        return httpx2.Response(answer.status_code, headers=plain, content=answer.content)
