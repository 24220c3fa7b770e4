"""What Notion pages say while their last minute is not over: a further change of the text shows nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from clients.errors import ServiceError
from engine.names import moment_of
from engine.trigger import Look

_MINUTE = timedelta(seconds=65)
"""When the minute that a page names is surely over, with some seconds for Notion's servers among each other."""
_GIVEN_UP = timedelta(minutes=10)
"""When a text that cannot be read is not asked for any more."""
_MOST_READ = 20
"""So many texts are read in one look, at three requests a second; further pages wait until their minute is over."""


class Texts:
    """The texts of one look: of a page whose minute is unfinished, read when it is first seen and until that is over.

    The cursor keeps {page: [minute, the first text's fingerprint, the part]}: the fingerprint until the minute is over,
    the part (`part`) for as long as the page is listed.
    """

    def __init__(self, look: Look) -> None:
        self._look = look
        self._known: Mapping[str, Any] = (look.cursor or {}).get("texts", {})
        self._kept: dict[str, Any] = {}
        self._reads_left = _MOST_READ
        self._there: datetime | None = None

    def part(self, page: Mapping[str, Any]) -> str | None:
        """Return what tells a page's text from the first one seen within the same minute: empty where it is that one.

        None: nobody can tell before the minute is over, and the page is to wait so long.
        """
        # By the answer that lists the first page: what is read from now on is later than that.
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

    def cursor(self, *, has_more: bool) -> dict[str, Any]:
        """Return what the cursor keeps; `has_more`: also of the pages that are yet to be listed."""
        return {**self._known, **self._kept} if has_more else self._kept

    def _begun(self, page: Mapping[str, Any]) -> str | None:
        if self._is_over(page, _MINUTE):
            return ""
        if self._reads_left < 1:
            return None
        self._keep(page, self._read(page) or "", "")
        return ""

    def _keep(self, page: Mapping[str, Any], first: str, part: str) -> None:
        if first or part:
            self._kept[page["id"]] = [page["last_edited_at"], first, part]

    def _read(self, page: Mapping[str, Any]) -> str | None:
        """The text's fingerprint; None where it cannot be read now, which holds up no look."""
        if self._reads_left < 1:
            return None
        self._reads_left -= 1
        try:
            return str(self._look.client.pages.fingerprint(page["id"]))
        except ServiceError:
            return None

    def _is_over(self, page: Mapping[str, Any], after: timedelta) -> bool:
        assert self._there is not None
        return self._there >= moment_of(page["last_edited_at"]).replace(second=0, microsecond=0) + after
