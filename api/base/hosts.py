"""Host and Origin checks, which keep foreign pages from reaching a server on loopback."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from typing import Protocol
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_DEFAULT_PORTS = {"http": 80, "https": 443}
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def host_name(host: str) -> str | None:
    """Return the name in a Host header, lower case, without port; None if the header is not a plain host and port."""
    try:
        parts = urlsplit(f"//{host}")
        port = parts.port
    except ValueError:
        return None
    plain = parts.netloc == host and parts.username is None and parts.password is None and port != 0
    return parts.hostname.rstrip(".") if plain and parts.hostname else None


def is_same_origin(headers: Headers) -> bool:
    """Return whether the request has one Origin header, and it names the host that the request was sent to.

    The scheme is not compared: behind a proxy that terminates TLS the server does not know it.
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


def is_loopback(bound_to: str) -> bool:
    """Return whether a server that is bound to this host is reached from its own machine only."""
    name = bound_to.lower().rstrip(".")
    return name in _LOOPBACK or (_is_address(name) and ipaddress.ip_address(name).is_loopback)


class HostSettings(Protocol):
    """The settings under `server` in config.yaml."""

    @property
    def host(self) -> str:
        """The host that the server is bound to."""

    @property
    def public_url(self) -> str:
        """The address at which browsers reach the server through a proxy; empty without one."""


def known_hosts(bound_to: str, public_url: str = "") -> Callable[[str], bool]:
    """Return a test for the Host names of a server that is bound to `bound_to` and proxied at `public_url`.

    A page elsewhere can make its own name resolve to this machine (DNS rebinding), but it cannot send a name of ours
    or an IP address. So these pass; on loopback, only the names and addresses of loopback do.
    """
    bound = bound_to.lower().rstrip(".")
    public = frozenset({urlsplit(public_url).hostname or "localhost"})
    if bound in _LOOPBACK or not bound:
        return (_LOOPBACK | public).__contains__
    ours = _LOOPBACK | public | {bound, socket.gethostname().lower(), socket.getfqdn().lower()}
    return lambda name: name in ours or _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


class HostCheck:
    """Refuses requests and websockets sent to a name that is not ours, before anything else sees them."""

    def __init__(self, app: ASGIApp, server: Callable[[], HostSettings]) -> None:
        self.app = app
        self._server = server
        self._is_known: Callable[[str], bool] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or answer 421 (RFC 9110, 15.5.20)."""
        if scope["type"] not in {"http", "websocket"} or self._is_ours(Headers(scope=scope)):
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await refuse_websocket(receive, send)
        else:
            text = (
                "This server does not answer to that host name. Open the address that it printed when it started; "
                "behind a proxy, set `server.public_url` in config.yaml.\n"
            )
            await PlainTextResponse(text, 421)(scope, receive, send)

    def _is_ours(self, headers: Headers) -> bool:
        if self._is_known is None:
            server = self._server()
            self._is_known = known_hosts(server.host, server.public_url)
        hosts = headers.getlist("host")
        name = host_name(hosts[0]) if len(hosts) == 1 else None
        return name is not None and self._is_known(name)


async def refuse_websocket(receive: Receive, send: Send, code: int = 4403) -> None:
    """Refuse a websocket before it is open; the browser sees HTTP 403."""
    await receive()  # `websocket.connect`: ASGI expects it to be received before the answer
    await send({"type": "websocket.close", "code": code})
