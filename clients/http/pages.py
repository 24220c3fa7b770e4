"""Paginated lists: where the next page is, and when to stop."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
from msgspec import Struct

from clients.errors import BadAnswer, InvalidRequest, ServiceError
from clients.http.answer import body_of
from clients.http.request import SERVICE
from clients.transport import origin

BYTES_MOST = 20 * 1024 * 1024
"""Of all pages together."""


class Pagination(Struct, frozen=True):
    """How a service paginates.

    `items`: path of the list in the JSON, names joined by dots; "" if the JSON is the list itself.
    `next`: path of the next page's URL or cursor; "" for the `Link` header (RFC 8288).
    `cursor`: the query parameter that takes the value at `next`; "" if that is a URL.
    """

    items: str = ""
    next: str = ""
    cursor: str = ""
    pages: int = 10


class Pages:
    """The pages read so far."""

    def __init__(self, paging: Pagination, first: httpx.URL) -> None:
        self._paging, self._first = paging, first
        self.items: list[Any] = []
        self.count = 0
        self.notes: list[str] = []
        """Notes on parts of the pages that were not read, in sentences."""
        self._bytes = 0
        self._seen = {str(first)}

    def take(self, answer: httpx.Response) -> httpx.URL | None:
        """Add a page; return the URL of the next one, None for the last. Raises BadAnswer, InvalidRequest."""
        body = body_of(answer)
        content, self.notes = body.json, [*self.notes, *body.notes]
        found = _at(content, self._paging.items)
        if not isinstance(found, list):
            raise self._no_list(answer, content)
        self.items += found
        self.count += 1
        self._bytes += len(answer.content)
        following = self._following(answer, content)
        if following is None:
            return None
        # Some servers name the last page as its own next one: without this, it would be read until the limit.
        if str(following) in self._seen:
            raise _misread("The server named a page as the next one that was already read.")
        self._seen.add(str(following))
        return following

    @property
    def is_full(self) -> bool:
        """Whether the limit is reached; there may be further pages."""
        return self.count >= self._paging.pages or self._bytes >= BYTES_MOST

    def _no_list(self, answer: httpx.Response, content: Any) -> ServiceError:
        """Return BadAnswer (it may pass) if the answer is not JSON, and InvalidRequest for JSON of another shape."""
        items = self._paging.items
        words = (
            f"The answer of {origin(answer.request.url)} {f'has no list at {items!r}' if items else 'is not a list'}."
        )
        if content is None:
            return BadAnswer(" ".join([words, *self.notes]), service=SERVICE)
        return InvalidRequest(
            words, service=SERVICE, remedy="Correct `paging.items`: it says where the list is in the answer."
        )

    def _following(self, answer: httpx.Response, content: Any) -> httpx.URL | None:
        if not self._paging.next:
            link = _next_link(answer)
            return self._joined(answer, link) if link else None
        value = _at(content, self._paging.next)
        # Services write these on the last page; 0 is a cursor like any other number.
        if value is None or value == "" or value is False:
            return None
        if not isinstance(value, str | int) or isinstance(value, bool):
            raise _misread(f"The value at {self._paging.next!r} is neither an address nor a cursor.")
        if self._paging.cursor:
            # The first address has the other parameters, and no old cursor.
            return self._first.copy_set_param(self._paging.cursor, str(value))
        return self._joined(answer, str(value))

    def _joined(self, answer: httpx.Response, link: str) -> httpx.URL:
        """Return the URL of the next page: the link is untrusted and may not lead to another place."""
        try:
            url = answer.request.url.join(link)
        except (httpx.InvalidURL, ValueError) as error:
            raise _misread("The address of the next page cannot be read.") from error
        if origin(url) != origin(self._first):
            raise _misread(f"The next page would be on another server ({origin(url)}).")
        return url


def _next_link(answer: httpx.Response) -> str | None:
    """Return the address of the next page; a link may have several relations, in any case (RFC 8288 2.1.1, 3.3)."""
    for link in answer.links.values():
        relations = " ".join(value for name, value in link.items() if name.lower() == "rel")
        if "next" in relations.lower().split():
            return link["url"]
    return None


def _misread(words: str) -> InvalidRequest:
    return InvalidRequest(
        words, service=SERVICE, remedy="Correct `paging`: `next` and `cursor` say where to find the next page."
    )


def _at(content: Any, path: str) -> Any:
    """Return the value at a dotted path in a JSON value, or None."""
    for name in _names(path):
        content = content.get(name) if isinstance(content, dict) else None
    return content


def _names(path: str) -> Iterator[str]:
    return iter(path.split(".")) if path else iter(())
