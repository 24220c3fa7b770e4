"""Time, for the contract suite: what happens there is an hour that begins."""

from __future__ import annotations

from datetime import timedelta

from tests.engine.triggers.looking import NOW
from tests.engine.triggers.worlds import Scene, World


def _hours(_scene: Scene) -> World:
    return World(
        fields={"cron": "30 * * * *", "missed": "all"},
        happen=lambda number: None,
        now=lambda number: NOW + timedelta(hours=number),
    )


WORLDS = {"schedule": _hours}
