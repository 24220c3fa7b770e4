"""What a service declares to change nothing: kinds of HTTP requests, or commands. Anything else may be a write."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from msgspec import Struct

if TYPE_CHECKING:
    import httpx

BASE = "base_url"
SERVER = "server"
ANYWHERE = "anywhere"

_NEVER_READ = frozenset({"PUT", "PATCH", "DELETE", "CONNECT"})
_REDEFINING = frozenset({"upgrade", "x-http-method-override", "x-http-method", "x-method-override"})
"""Headers that make something else of a request: another protocol, or the method that some frameworks take instead."""
_PART = r"(?!\.{1,2}(?:/|\Z))(?:[A-Za-z0-9._~-]|%40|%23)+"
"""One part of a path: not `..`, and nothing encoded but `@` and `#`, since it could be a slash to the server."""
_PARTS = re.compile(r"BODY\.PEEK\[[A-Z0-9.() -]*\](?:<\d+(?:\.\d+)?>)?")
_PORTS = {"https": 443, "http": 80}


class ReadRequest(Struct, frozen=True):
    """One kind of request that changes nothing, not even what counts as read or seen."""

    method: str
    path: str
    """Below `at`, with its slash: `*` is one part of a path, `*:verb` one with that end, `**` at the end all that
    follows."""
    at: str = BASE
    """`base_url`: the connection's address; `server`: the root of its host; `anywhere`: any address; else an origin.

    The host of an origin may begin with `*.`: any host below that domain.
    """
    body: Callable[[bytes], bool] | None = None
    """Whether a body only reads, where the address alone does not say so; then the address has no parameters."""
    body_is: str = ""
    """What such a body is, for people: "a query"."""

    def __post_init__(self) -> None:
        if not self.method.isupper() or self.method in _NEVER_READ:
            raise ValueError(f"{self.method!r} is not the method of a read")
        if not self.path.startswith("/") or "**" in self.path[:-2]:
            raise ValueError(f"{self.path!r} must begin with a slash, and have `**` only at its end")

    def fits(self, request: httpx.Request, base_url: str) -> bool:
        """Return whether a request is of this kind; `base_url` is the connection's ("": it has none)."""
        path = request.url.raw_path.partition(b"?")[0].decode("ascii")
        if request.method != self.method:
            return False
        if self.at != ANYWHERE:
            start = urlsplit(base_url if self.at in {BASE, SERVER} else self.at)
            before = start.path.rstrip("/") if self.at == BASE else ""
            if not _is_at(request.url, start) or not path.startswith(before):
                return False
            path = path[len(before) :]
        is_there = re.fullmatch(_pattern(self.path), path) is not None
        return is_there and (self.body is None or (not request.url.query and self.body(request.read())))

    def __str__(self) -> str:
        """Return the request as people read it: `GET /v1/**`."""
        where = {BASE: "", SERVER: " (at the root of the server)", ANYWHERE: " (at any address)"}
        place = f"{self.method} {self.path if self.at in where else self.at + self.path}{where.get(self.at, '')}"
        return f"{place} ({self.body_is})" if self.body else place


class ConnectionReads(Struct, frozen=True):
    """The reads of one connection."""

    kinds: Iterable[ReadRequest] = ()
    base_url: str = ""
    title: str = "This client"
    """The service, as people call it."""

    def include(self, request: httpx.Request) -> bool:
        """Return whether a request only reads."""
        is_plain = _REDEFINING.isdisjoint(request.headers)
        return is_plain and any(kind.fits(request, self.base_url) for kind in self.kinds)


class ReadCommands(Struct, frozen=True):
    """The commands of a protocol that change nothing."""

    protocol: str
    names: frozenset[str]
    sign_in: str
    """The command that signs in: its lines after the first are no commands."""
    has_tags: bool
    """Whether a line begins with a tag, as in IMAP."""
    arguments: Mapping[str, re.Pattern[str]]
    """The pattern for the arguments of a command, in capitals, with `BODY.PEEK[…]` as `PEEKED`."""

    def __str__(self) -> str:
        """Return the commands as people read them."""
        return ", ".join(f"`{name}`" for name in sorted(self.names))

    def name_in(self, line: bytes) -> str:
        """Return the command of a line, without its tag and without arguments, which may be secret."""
        words = line.decode("ascii", "replace").upper().split(" ")[self.has_tags :]
        return " ".join(words[:2] if words[:1] == ["UID"] else words[:1])

    def include(self, line: bytes) -> bool:
        """Return whether a line is a whole command that changes nothing."""
        if re.search(rb"[\r\n\0]|\{\d+\+?\}\Z", line):  # two lines to some servers, or arguments that are yet to come
            return False
        name = self.name_in(line)
        kind = name.removeprefix("UID ")
        if kind not in self.names:
            return False
        given = line.decode("ascii", "replace").upper().partition(f"{name} ")[2]
        return kind not in self.arguments or bool(self.arguments[kind].fullmatch(_PARTS.sub("PEEKED", given)))


def _is_at(url: httpx.URL, start: SplitResult) -> bool:
    given = (url.scheme, url.port or _PORTS.get(url.scheme))
    if given != (start.scheme, start.port or _PORTS.get(start.scheme)):
        return False
    host = start.hostname or ""
    return url.host.endswith(host[1:]) if host.startswith("*.") else url.host == host


def _pattern(path: str) -> str:
    """Return the regular expression of a path with `*` and `**`."""
    parts = [
        _PART + re.escape(part[1:]) if part == "*" or part.startswith("*:") else re.escape(part)
        for part in path.removesuffix("**").split("/")
    ]
    return "/".join(parts) + (".*" if path.endswith("**") else "")
