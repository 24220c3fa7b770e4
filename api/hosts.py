"""Which Host and Origin headers are ours: what keeps foreign pages from reaching a server on loopback."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_DEFAULT_PORTS = {"http": 80, "https": 443}
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def host_name(host: str) -> str | None:
    """Return the name in a Host header, lower case, without port; None if it is not a plain host and port."""
    try:
        parts = urlsplit(f"//{host}")
        port = parts.port
    except ValueError:
        return None
    plain = parts.netloc == host and parts.username is None and parts.password is None and port != 0
    return parts.hostname.rstrip(".") if plain and parts.hostname else None


def is_same_origin(headers: Headers) -> bool:
    """Say whether the one Origin header names the host that the request was sent to.

    The scheme is not compared: behind a proxy that ends TLS the server does not know it.
    """
    origins, hosts = headers.getlist("origin"), headers.getlist("host")
    if len(origins) != 1 or len(hosts) != 1:
        return False
    try:
        origin = urlsplit(origins[0])
        here = urlsplit(f"//{hosts[0]}")
        port = _DEFAULT_PORTS.get(origin.scheme)
        return port is not None and (origin.hostname, origin.port or port) == (here.hostname, here.port or port)
    except ValueError:
        return False


def known_hosts(bound_to: str) -> Callable[[str], bool]:
    """Return a test for Host names that a server bound to `bound_to` answers.

    A page elsewhere can make its own name resolve to this machine (DNS rebinding), but not make a name of ours or
    an address: these pass, and on loopback only loopback's.
    """
    bound = bound_to.lower().rstrip(".")
    if bound in _LOOPBACK or not bound:
        return _LOOPBACK.__contains__
    ours = _LOOPBACK | {bound, socket.gethostname().lower(), socket.getfqdn().lower()}
    return lambda name: name in ours or _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


class HostCheck:
    """Refuses requests and websockets that were sent to a name which is not ours, before anything else looks."""

    def __init__(self, app: ASGIApp, bound_to: Callable[[], str]) -> None:
        self.app = app
        self._bound_to = bound_to
        self._is_known: Callable[[str], bool] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or answer 421 (RFC 9110, 15.5.20)."""
        if scope["type"] not in {"http", "websocket"} or self._is_ours(Headers(scope=scope)):
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await refuse_websocket(receive, send)
        else:
            text = "This server does not answer to that host name. Open the address that it printed at its start.\n"
            await PlainTextResponse(text, 421)(scope, receive, send)

    def _is_ours(self, headers: Headers) -> bool:
        if self._is_known is None:
            self._is_known = known_hosts(self._bound_to())
        hosts = headers.getlist("host")
        name = host_name(hosts[0]) if len(hosts) == 1 else None
        return name is not None and self._is_known(name)


async def refuse_websocket(receive: Receive, send: Send, code: int = 4403) -> None:
    """Refuse a websocket before it is open; the browser sees HTTP 403."""
    await receive()
    await send({"type": "websocket.close", "code": code})
