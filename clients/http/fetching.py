"""A document as it was fetched, and what asks later whether it has changed (RFC 9110 13.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from msgspec import Struct


class DocumentVersion(Struct, frozen=True):
    """A server's names for the present state of a document; empty if it gives none."""

    etag: str = ""
    modified: str = ""

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> DocumentVersion:
        """Return the version that the headers of an answer name; their names are in lower case."""
        return cls(headers.get("etag", ""), headers.get("last-modified", ""))

    @property
    def headers(self) -> dict[str, str]:
        """The headers that ask for the document only if it has another state."""
        named = {"If-None-Match": self.etag, "If-Modified-Since": self.modified}
        return {name: value for name, value in named.items() if value}


@dataclass(frozen=True)
class FetchedDocument:
    """A document."""

    status: int
    url: str
    """The address that answered, after redirects."""
    content: bytes = field(repr=False)
    content_type: str
    version: DocumentVersion

    @property
    def media_type(self) -> str:
        """Its media type without parameters, in lower case."""
        return self.content_type.partition(";")[0].strip().lower()
