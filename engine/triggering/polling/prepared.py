"""An item that a trigger has found, ready to be stored."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct, structs

from clients.errors import BadAnswer
from engine.base.clock import timestamp
from engine.base.json_text import whole_text
from engine.base.plain_values import plain_json
from engine.expressions.json_values import compact_json
from engine.plugins.trigger import Item
from engine.store.acceptances import RunEntry
from engine.store.triggering.triggers import ItemRecord, TriggerKey

_LONGEST_TITLE = 300
_LARGEST_VALUE_BYTES = 256 * 1024


class Prepared(Struct, frozen=True):
    """A new item, ready to be stored: with a run, left out, to be read again later, or dead."""

    item: Item
    entry: RunEntry | None = None
    error: Mapping[str, str] | None = None
    attempts: int = 0
    """Number of polls in which it could not be read, if it is to be read again; else 0."""

    @property
    def state(self) -> str:
        """Return the state to store in its row."""
        if self.error is not None:
            return "failing" if self.attempts else "dead"
        return "started" if self.entry is not None else "skipped"

    def record(self, key: TriggerKey, now: datetime) -> ItemRecord:
        """Return what is stored of it, for the trigger that has found it."""
        item = self.item
        return ItemRecord(
            **structs.asdict(key),
            item=item.id,
            state=self.state,
            run_id=None if self.entry is None else self.entry.acceptance["run_id"],
            title=short_title(item),
            seen_at=timestamp(now),
            item_at=None if item.at is None else timestamp(item.at),
            note=item.skip,
            error=None if self.error is None else compact_json(dict(self.error)),
            value=self.kept_value,
            attempts=self.attempts,
        )

    @property
    def kept_value(self) -> str | None:
        """The value of a dead item, as far as it is stored."""
        return _kept_value(self.item) if self.error is not None else None


def short_title(item: Item) -> str:
    """Return the title of an item, shortened between whole characters if it is very long."""
    return whole_text(item.title[:_LONGEST_TITLE])


def short_sender(item: Item) -> str:
    """Return whom an item is from, shortened as its title is."""
    return whole_text(item.sender[:_LONGEST_TITLE])


def _kept_value(item: Item) -> str | None:
    """Return the value of a dead item as JSON; None if it is too large or not JSON, then a retry reads it again."""
    if item.value is None:
        return None
    try:
        text = compact_json(plain_json(dict(item.value)))
    except (BadAnswer, TypeError):  # the error that made it dead must not stop the poll as well
        return None
    return text if len(text.encode("utf-8", "replace")) <= _LARGEST_VALUE_BYTES else None
