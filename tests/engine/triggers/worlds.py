"""Where the contract suite tries a trigger type: a world in which something new can happen.

A file `<family>_world.py` beside this one has `WORLDS`: trigger type -> what makes its world from a `Scene`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from clients.errors import ServiceError
from engine.plugins.registry import trigger_types
from engine.plugins.trigger import Start, TriggerType
from tests.conftest import StandIns
from tests.engine.triggers.looking import NOW, Looker


@dataclass
class Scene:
    """What a world is made of: an empty folder, the stand-ins, and the one way out."""

    folder: Path
    standins: StandIns
    http: httpx.Client


@dataclass
class World:
    """One trigger in a world where things happen.

    `happen` makes one new thing and returns the time at which it is to be seen there; it may take the number of the
    thing into a title. `shown` is all that the service holds. `fail` lets the next call fail; None where no service is
    asked.
    """

    fields: Mapping[str, Any]
    happen: Callable[[int], object]
    shown: Callable[[], Any] = lambda: None
    client: Any = None
    fail: Callable[[], None] | None = None
    fails_with: type[ServiceError] = ServiceError
    more: Mapping[str, Any] = field(default_factory=dict)
    """More of what a Looker takes."""
    now: Callable[[int], datetime] = lambda number: NOW
    """When the look after the n-th thing is made."""
    is_state: bool = False
    """Whether a look sees what is there now: things that happen between two looks are one."""

    def looker(self, kind: TriggerType, start: Start | None = None) -> Looker:
        """The trigger, not looked at yet."""
        return Looker(kind, dict(self.fields), self.client, start or Start(), **self.more)


def worlds() -> dict[str, Callable[[Scene], World]]:
    """What makes the world of each trigger type, by its name."""
    found: dict[str, Callable[[Scene], World]] = {}
    for path in sorted(Path(__file__).parent.glob("*_world.py")):
        found.update(importlib.import_module(f"tests.engine.triggers.{path.stem}").WORLDS)
    return found


def kinds() -> list[str]:
    """Every trigger type that something can start."""
    return [name for name in trigger_types() if name != "manual"]
