"""One HTTP request as a workflow specifies it, and as it is sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from msgspec import Struct

from clients.errors import InvalidRequest
from clients.http.service import HTTP

SERVICE = HTTP.name
READS = frozenset({"GET", "HEAD"})
METHODS = READS | {"POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
# Set by the connection itself; a workflow that sets them could smuggle a second request (RFC 9112 11.2).
_OWN_HEADERS = frozenset({"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer"})
_MEDIA_TYPE = re.compile(r"[!#-'*+.^-~0-9A-Z-]+/[!#-'*+.^-~0-9A-Z-]+(?: *;[ -~]*)?")


@dataclass(frozen=True)
class FileUpload:
    """A file to upload."""

    name: str
    content: bytes = field(repr=False)
    media_type: str

    @property
    def kind(self) -> str:
        """Its media type, if valid: it comes from whoever sent the file, and a line end in it would begin a header."""
        return self.media_type if _MEDIA_TYPE.fullmatch(self.media_type) else "application/octet-stream"


class WebRequest(Struct, frozen=True):
    """One request with at most one body (`json`, `text`, `form` with `files`, `file`). None: no such body."""

    method: str
    url: str
    headers: Mapping[str, str] = {}
    query: Mapping[str, Any] = {}
    json: Any = None
    text: str | None = None
    form: Mapping[str, Any] | None = None
    files: Mapping[str, FileUpload] = {}
    file: FileUpload | None = None
    most_bytes: int | None = None
    """Maximum size of the answer; None for the default of 10 MB."""

    def request(self, http: httpx.Client) -> httpx.Request:
        """Build the request; raises InvalidRequest."""
        method = self.method.upper()
        if method not in METHODS:
            raise InvalidRequest(f"{self.method!r} is not a supported method.", service=SERVICE)
        url = address(self.url)
        headers, body = own_headers(self.headers), self._body()
        if self.file is not None and not any(name.lower() == "content-type" for name in headers):
            headers["Content-Type"] = self.file.kind
        try:
            url = url.copy_merge_params(_pairs(self.query)) if self.query else url
            request = http.build_request(method, url, headers=headers, **body)
        except (ValueError, TypeError) as error:
            raise InvalidRequest(f"The request cannot be written: {error}", service=SERVICE) from None
        if self.most_bytes is not None:
            request.extensions["most_bytes"] = self.most_bytes
        return request

    def _body(self) -> dict[str, Any]:
        if self.json is not None:
            return {"json": self.json}
        if self.text is not None:
            return {"content": self.text.encode("utf-8", "replace")}
        if self.file is not None:
            return {"content": self.file.content}
        if self.files:
            parts = {name: (one.name, one.content, one.kind) for name, one in self.files.items()}
            return {"files": parts, "data": _fields(self.form or {})}
        return {} if self.form is None else {"data": _fields(self.form)}


def address(text: str) -> httpx.URL:
    """Parse a URL; raises InvalidRequest if it is invalid or contains a password."""
    try:
        url = httpx.URL(text.strip())
    except (httpx.InvalidURL, ValueError) as error:
        raise InvalidRequest(f"The address cannot be read: {error}", service=SERVICE) from None
    if url.scheme not in {"http", "https"} or not url.host:
        raise InvalidRequest("An address begins with https:// or http:// and a host.", service=SERVICE)
    if url.userinfo:
        raise InvalidRequest(
            "The address contains a user name or password.",
            service=SERVICE,
            remedy="Put them in a connection: `user` and `password`.",
        )
    return url


def own_headers(given: Mapping[str, str]) -> dict[str, str]:
    """Return a workflow's headers; raises InvalidRequest for headers that the connection sets itself."""
    own = sorted(_OWN_HEADERS & {name.strip().lower() for name in given})
    if own:
        raise InvalidRequest(f"The header {own[0]} is set by the connection itself.", service=SERVICE)
    return dict(given)


def _pairs(given: Mapping[str, Any]) -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = []
    for name, value in given.items():
        pairs += [(name, each) for each in (value if isinstance(value, list) else [value]) if each is not None]
    return pairs


def _fields(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a form; None is left out, and a list is sent as one field per value."""
    return {name: value for name, value in given.items() if value is not None}
