"""Texts of Notion pages that were changed in the current minute: a second change in it shows only in the text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from clients.errors import ServiceError
from engine.base.clock import moment_of
from engine.base.json_text import JsonObject
from engine.plugins.trigger import Look

_MINUTE = timedelta(seconds=65)
"""When the minute of a page is certainly over, with some seconds for differences between Notion's servers."""
_GIVEN_UP = timedelta(minutes=10)
"""When to stop trying to read a text."""
_MOST_READ = 20
"""Texts read in one poll, at three requests per second; other pages wait until their minute is over."""


Seen = Sequence[str]
"""[minute, fingerprint of the first text, part] of a page: see `Texts`."""


class Texts:
    """The texts of one poll, for pages whose minute is not over: read when a page is first seen, and until it is over.

    The cursor stores {page: [minute, fingerprint of the first text, part]}: the fingerprint until the minute is over,
    the part (see `part`) as long as the page is listed.
    """

    def __init__(self, look: Look) -> None:
        self._look = look
        self._known: Mapping[str, Seen] = (look.cursor or {}).get("texts", {})
        self._kept: dict[str, Seen] = {}
        self._reads_left = _MOST_READ
        self._there: datetime | None = None

    def part(self, page: JsonObject) -> str | None:
        """Return what distinguishes the text of a page from the first one seen in the same minute; empty for that one.

        Return None if this is unknown before the minute is over; the page has to wait until then.
        """
        # The time of the response with the first page: whatever is read from now on is later.
        self._there = self._there or self._look.client.clock.now() or self._look.now
        minute, first, part = self._known.get(page["id"], ("", "", ""))
        if minute != page["last_edited_at"]:
            return self._begun(page)
        if first:
            present = self._read(page)
            part = part if present is None else "" if present == first else present
            is_last = self._is_over(page, _GIVEN_UP if present is None else _MINUTE)
            first = "" if is_last else first
        self._keep(page, first, part)
        return str(part)

    def cursor(self, *, has_more: bool) -> dict[str, Seen]:
        """Return what the cursor stores; `has_more`: include the pages yet to be listed."""
        return {**self._known, **self._kept} if has_more else self._kept

    def _begun(self, page: JsonObject) -> str | None:
        if self._is_over(page, _MINUTE):
            return ""
        if self._reads_left < 1:
            return None
        self._keep(page, self._read(page) or "", "")
        return ""

    def _keep(self, page: JsonObject, first: str, part: str) -> None:
        if first or part:
            self._kept[page["id"]] = [page["last_edited_at"], first, part]

    def _read(self, page: JsonObject) -> str | None:
        """Return the fingerprint of a text; None if it cannot be read now, which does not stop the poll."""
        if self._reads_left < 1:
            return None
        self._reads_left -= 1
        try:
            return str(self._look.client.pages.fingerprint(page["id"]))
        except ServiceError:
            return None

    def _is_over(self, page: JsonObject, after: timedelta) -> bool:
        assert self._there is not None
        return self._there >= moment_of(page["last_edited_at"]).replace(second=0, microsecond=0) + after
