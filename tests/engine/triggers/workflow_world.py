"""Ended runs, for the contract suite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from engine.names import timestamp
from tests.engine.triggers.looking import NOW
from tests.engine.triggers.worlds import Scene, World


def _ended(_scene: Scene) -> World:
    ended: list[dict[str, Any]] = []

    def happen(number: int) -> None:
        at = timestamp(NOW + timedelta(minutes=number))
        run = {"run_id": f"20261120T12{number:02}00Z-aaaaaaaa", "workflow": "other", "title": "Other", "ended_at": at}
        ended.append({**run, "status": "succeeded", "sentence": "Done.", "started_by": "owner", "demo": False})

    def ended_runs(after: str, most: int) -> Sequence[Mapping[str, Any]]:
        return [run for run in ended if run["ended_at"] >= after][:most]

    return World(
        fields={},
        happen=happen,
        shown=lambda: list(ended),
        more={"ended_runs": ended_runs},
        now=lambda number: NOW + timedelta(minutes=number),
    )


WORLDS = {"workflow.finished": _ended}
