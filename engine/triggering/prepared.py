"""A thing that a trigger has found, on its way to disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from clients.errors import BadAnswer
from engine.expressions.expressions import compact_json
from engine.names import timestamp
from engine.runner.outside_values import plain_json, whole_text
from engine.store.acceptances import Entry
from engine.trigger import Item

_LONGEST_TITLE = 300
_LARGEST_VALUE_BYTES = 256 * 1024


@dataclass(frozen=True)
class Prepared:
    """A new thing, ready to be stored: with a run, left out, or dead."""

    item: Item
    entry: Entry | None = None
    error: Mapping[str, str] | None = None

    @property
    def state(self) -> str:
        """What its row says."""
        if self.error is not None:
            return "dead"
        return "started" if self.entry is not None else "skipped"

    def row(self, now: datetime) -> dict[str, Any]:
        """Return what its row holds beside the key."""
        item = self.item
        return {
            "item": item.id,
            "state": self.state,
            "run_id": None if self.entry is None else self.entry.acceptance["run_id"],
            "title": short_title(item),
            "seen_at": timestamp(now),
            "item_at": None if item.at is None else timestamp(item.at),
            "note": item.skip,
            "error": None if self.error is None else compact_json(dict(self.error)),
            "value": _kept_value(item) if self.error is not None else None,
        }


def short_title(item: Item) -> str:
    """Return how people know a thing, cut where a stranger has made it very long, of whole characters only."""
    return whole_text(item.title[:_LONGEST_TITLE])


def _kept_value(item: Item) -> str | None:
    """Return the value of a dead thing; None where it is too large or no JSON, and is read anew when it is retried."""
    if item.value is None:
        return None
    try:
        text = compact_json(plain_json(dict(item.value)))
    except (BadAnswer, TypeError):  # what made it dead must not break off the look, too
        return None
    return text if len(text.encode("utf-8", "replace")) <= _LARGEST_VALUE_BYTES else None
