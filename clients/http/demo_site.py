"""The web as the demo has it: one site, whose pages a stand-in on this machine serves."""

from __future__ import annotations

import threading
from collections.abc import Callable

import httpx

from clients.transport import Forbidden, client_of

HOST = "news.example.com"
"""Nobody can have this name (RFC 2606), so on real accounts, too, it leads to the stand-in and to no stranger."""
STRANGER = "demo_site_by_stranger"
"""Extension of a request that a redirect of another site asks for: it does not reach, nor start, the stand-in."""
_CONTROLS = "_demo"


class DemoSite(httpx.BaseTransport):
    """Sends requests for the demo's site to its stand-in, and all others through another client.

    `address` starts the stand-in and returns where it is, or "" if there is none. `reach` opens a client for it.
    """

    def __init__(self, others: httpx.Client, address: Callable[[], str], reach: Callable[[str], httpx.Client]) -> None:
        self._others, self._address, self._reach = others, address, reach
        self._site: tuple[httpx.URL, httpx.Client] | None = None
        self._lock = threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request. Raises as the client that sends it; Forbidden for the controls of the stand-in."""
        is_asked = request.url.host == HOST and STRANGER not in request.extensions
        if is_asked and _CONTROLS in request.url.path.lower().split("/"):
            raise Forbidden(f"{HOST}/{_CONTROLS} is for the tests of the demo only.", service="http")
        site = self._opened() if is_asked else None
        if site is None:
            return self._others.send(request, stream=True)
        address, client = site
        there = address.copy_with(raw_path=request.url.raw_path)
        headers = [(name, value) for name, value in request.headers.raw if name.lower() != b"host"]
        extensions = dict(request.extensions)
        sent = client.build_request(
            request.method, there, headers=headers, content=request.read(), extensions=extensions
        )
        return client.send(sent, stream=True)

    def close(self) -> None:
        """Close the connections."""
        self._others.close()
        if self._site is not None:
            self._site[1].close()

    def _opened(self) -> tuple[httpx.URL, httpx.Client] | None:
        """Return where the stand-in is now: another process may have started it again."""
        address = self._address()
        if not address:
            return None
        with self._lock:
            if self._site is None or self._site[0] != httpx.URL(address):
                if self._site is not None:
                    self._site[1].close()
                self._site = (httpx.URL(address), self._reach(address))
            return self._site


def site_client(others: httpx.Client, address: Callable[[], str], reach: Callable[[str], httpx.Client]) -> httpx.Client:
    """Return a client that finds the demo's site at the address of its stand-in."""
    return client_of(DemoSite(others, address, reach), any_path=True)
