"""The web as the demo has it: one site, whose pages a stand-in on this machine serves."""

from __future__ import annotations

import httpx

HOST = "news.example.com"
"""Nobody can have this name (RFC 2606): whoever leaves the demo meets no stranger at an address of it."""


class DemoSite(httpx.BaseTransport):
    """Sends requests for the demo's site to its stand-in, and all others on as they are, where they are refused."""

    def __init__(self, inner: httpx.Client, address: str) -> None:
        self._inner, self._address = inner, httpx.URL(address)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request. Raises Forbidden for any other host."""
        if request.url.host != HOST:
            return self._inner.send(request, stream=True)
        there = self._address.copy_with(raw_path=request.url.raw_path)
        headers = [(name, value) for name, value in request.headers.raw if name.lower() != b"host"]
        extensions = dict(request.extensions)
        sent = self._inner.build_request(
            request.method, there, headers=headers, content=request.read(), extensions=extensions
        )
        return self._inner.send(sent, stream=True)

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()


def site_client(http: httpx.Client, address: str) -> httpx.Client:
    """Return a client that finds the demo's site at the address of its stand-in, which `http` reaches."""
    return httpx.Client(transport=DemoSite(http, address), timeout=httpx.Timeout(None))
