"""Support for a TLS proxy in front of this server (`server.public_url`): the public name and the client's address."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Protocol
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send


class ProxySettings(Protocol):
    """The settings under `server` in config.yaml."""

    @property
    def public_url(self) -> str:
        """The address at which browsers reach this server; empty without a proxy."""

    @property
    def trusted_proxies(self) -> list[str]:
        """The addresses and networks of proxies on other machines."""


class BehindProxy:
    """Restores each request to what the browser sent: scheme, host and the browser's own address.

    Only a proxy on this machine or a configured one is trusted, and only if it passes the public name as Host.
    """

    def __init__(self, app: ASGIApp, settings: Callable[[], ProxySettings]) -> None:
        self.app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, restored if it was sent to the public name."""
        if scope["type"] in {"http", "websocket"}:
            settings = self._settings()
            if settings.public_url and is_trusted(_peer(scope), settings.trusted_proxies):
                scope = _as_sent(scope, settings)
        await self.app(scope, receive, send)


def is_trusted(address: str, proxies: list[str]) -> bool:
    """Return whether an address belongs to this machine or to a configured proxy."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    found = getattr(found, "ipv4_mapped", None) or found
    return found.is_loopback or any(found in ipaddress.ip_network(one, strict=False) for one in proxies)


def _as_sent(scope: Scope, settings: ProxySettings) -> Scope:
    headers, public = Headers(scope=scope), urlsplit(settings.public_url)
    if headers.getlist("host") != [headers.get("host")] or headers["host"].lower() != public.netloc:
        return scope  # only Host is proof: a page whose name was made to lead here can set any other header
    is_websocket = scope["type"] == "websocket"
    scheme = {"https": "wss", "http": "ws"}[public.scheme] if is_websocket else public.scheme
    others = [(name, value) for name, value in scope["headers"] if name != b"host"]
    client = (_client(headers, settings.trusted_proxies) or _peer(scope), 0)
    return {**scope, "scheme": scheme, "headers": [(b"host", public.netloc.encode()), *others], "client": client}


def _client(headers: Headers, proxies: list[str]) -> str:
    """Return the last address in X-Forwarded-For that is not a proxy's: anybody can write what comes before it."""
    addresses = [one.strip() for line in headers.getlist("x-forwarded-for") for one in line.split(",")]
    for address in reversed(addresses):
        if not is_trusted(address, proxies):
            return address if _is_address(address) else ""
    return ""


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _peer(scope: Scope) -> str:
    return str(scope["client"][0]) if scope.get("client") else ""
