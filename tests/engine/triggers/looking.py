"""Looks at a trigger type as the engine does: an id that was seen is not new again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.plugins.trigger import Around, Found, Item, Look, Start, TriggerType

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@dataclass
class Looker:
    """Keeps the cursor and the ids of one trigger between looks."""

    kind: TriggerType
    fields: dict[str, Any]
    client: Any = None
    start: Start = field(default_factory=Start)
    root: Path = Path("/nowhere")
    time_zone: str = "UTC"
    limit: int = 100
    cursor: Any = None
    seen: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    ended_runs: Any = lambda _after, _most: []
    last_end: Any = lambda: 0
    inbox: Any = None
    private: frozenset[Path] = frozenset()

    def request(self, now: datetime = NOW) -> Look:
        """What a look is made with."""
        around = Around(self.root, self.time_zone, "work", self.ended_runs, self.last_end, self.inbox, self.private)
        fields = self.kind.fields.model_validate(self.fields)
        return Look(fields, self.client, now, self.cursor, self.start, self._unseen, around, self.limit)

    def look(self, now: datetime = NOW) -> Sequence[Item]:
        """Look once, read what is new, and move on; return the new items that start a run, in order."""
        look = self.request(now)
        found = self.kind.look(look)
        fresh: list[Item] = []
        for item in found.items:
            if item.id not in self.seen and item.id not in {one.id for one in fresh}:
                fresh.append(item if item.skip or item.value is not None else self.kind.read(look, item))
        self._keep(found, fresh)
        return [item for item in fresh if not item.skip]

    def look_until_done(self, now: datetime = NOW) -> list[Item]:
        """Look until there is no more."""
        every: list[Item] = []
        while True:
            every += self.look(now)
            if not self.has_more:
                return every

    has_more: bool = False
    next_at: datetime | None = None

    def _keep(self, found: Found, fresh: Iterable[Item]) -> None:
        self.cursor, self.has_more, self.next_at = found.cursor, found.has_more, found.look_again_at
        self.seen |= {item.id for item in fresh}
        if found.note:
            self.notes.append(found.note)

    def _unseen(self, ids: Iterable[str]) -> list[str]:
        return [one for one in ids if one not in self.seen]
