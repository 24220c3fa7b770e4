"""Runs of other workflows, for the contract suite."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from engine.base.clock import milliseconds_of, timestamp
from tests.engine.triggers.looking import NOW
from tests.engine.triggers.worlds import Scene, World


@dataclass
class Runs:
    """Runs that have ended."""

    rows: list[dict[str, Any]] = field(default_factory=list)

    def end(self, number: int, at: datetime, **more: Any) -> None:
        """Let a run end."""
        row = {
            "run_id": f"20261120T120000Z-aaaaa{number:03}",
            "workflow": "other",
            "title": "Other",
            "status": "succeeded",
            "sentence": "All went well.",
            "started_by": "local:ada",
            "ended_at": timestamp(at),
            "demo": False,
            "chain": [],
        }
        number = max(self.last() + 1, milliseconds_of(at))
        self.rows.append({**row, "end_number": number, **more})

    def last(self) -> int:
        """Give the highest end number."""
        return max((one["end_number"] for one in self.rows), default=0)

    def since(self, number: int, limit: int) -> list[dict[str, Any]]:
        """Give runs as the engine does."""
        ended = [row for row in self.rows if row["end_number"] >= number]
        return sorted(ended, key=lambda row: row["end_number"])[:limit]


def _finished(_scene: Scene) -> World:
    runs = Runs()
    return World(
        fields={},
        happen=lambda number: runs.end(number, NOW + timedelta(minutes=number)),
        shown=lambda: list(runs.rows),
        more={"ended_runs": runs.since, "last_end": runs.last},
        now=lambda number: NOW + timedelta(minutes=number),
    )


WORLDS = {"workflow.finished": _finished}
