"""Requests to Microsoft Graph: one answer, all pages of a list, or what has changed since a link."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from clients.error_mapping import reading, require_object
from clients.errors import BadAnswer
from clients.listing import Json
from clients.microsoft.refusals import refusals_of
from clients.oauth.api import OAuthApi
from clients.oauth.app import TokenSource
from clients.transport import origin

_NEXT, _DELTA = "@odata.nextLink", "@odata.deltaLink"


class Graph:
    """The API for one account. Raises only errors of `clients.errors`."""

    def __init__(
        self, http: httpx.Client, tokens: TokenSource, base_url: str, headers: Mapping[str, str] | None = None
    ) -> None:
        self.http, self.refusal = http, refusals_of(tokens.app)
        self.api = OAuthApi(http, tokens, self.refusal)
        self._service, self._headers = tokens.app.service, dict(headers or {})
        self._origin, self.url = origin(base_url), f"{base_url.rstrip('/')}/v1.0"

    def get(self, url: str) -> Json:
        """Read an object from the API, and from nowhere else: links to the next page come with an answer."""
        return require_object(self._service, self.asked("GET", url))

    def asked(self, method: str, url: str, *, headers: Mapping[str, str] | None = None, **more: Any) -> Any:
        """Return the JSON of an answer, None if it has no content."""
        return self.api.asked(method, self._own(url), headers={**self._headers, **(headers or {})}, **more)

    def content(self, url: str) -> bytes:
        """Return the bytes of an answer."""
        return self.api.answered("GET", self._own(url), headers=dict(self._headers)).content

    def pages(self, url: str) -> Iterator[Json]:
        """Yield the members of a list, page by page."""
        following: str | None = url
        while following is not None:
            page = self.get(following)
            with reading(self._service):
                found = list(page["value"])
            yield from found
            following = page.get(_NEXT)

    def changes(self, link: str) -> tuple[list[Json], str]:
        """Return the changed objects since a link, the latest state of each, and the next link.

        An object without an id is told each time that it comes: it cannot be known again.
        """
        found: dict[str, Json] = {}
        with reading(self._service):
            page = self.get(link)
            while True:
                for one in page["value"]:
                    known = one.get("id") if isinstance(one, dict) else None
                    found[known if isinstance(known, str) else f"without an id {len(found)}"] = one
                if _DELTA in page:
                    return list(found.values()), str(page[_DELTA])
                page = self.get(page[_NEXT])

    def _own(self, url: str) -> str:
        try:
            is_own = origin(url) == self._origin
        except (TypeError, httpx.InvalidURL):  # a link to the next page may be anything
            is_own = False
        if not is_own:
            raise BadAnswer(f"{self._service.title} names an address of another server.", service=self._service.name)
        return url
