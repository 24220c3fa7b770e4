"""Runs of other workflows, for the contract suite."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from engine.names import timestamp
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
        self.rows.append({**row, **more})

    def since(self, time: str, limit: int) -> list[dict[str, Any]]:
        """Give runs as the engine does."""
        ended = [row for row in self.rows if row["ended_at"] >= time]
        return sorted(ended, key=lambda row: (row["ended_at"], row["run_id"]))[:limit]


def _finished(_scene: Scene) -> World:
    runs = Runs()
    return World(
        fields={},
        happen=lambda number: runs.end(number, NOW + timedelta(minutes=number)),
        shown=lambda: list(runs.rows),
        more={"ended_runs": runs.since},
        now=lambda number: NOW + timedelta(minutes=number),
    )


WORLDS = {"workflow.finished": _finished}
