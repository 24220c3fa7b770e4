"""The place from which a trigger begins to read, as it is stored."""

from __future__ import annotations

import json

from engine.base.clock import moment_of, timestamp
from engine.expressions.json_values import compact_json
from engine.plugins.trigger import Start
from engine.store.triggering.triggers import TriggerRecord


def needs_start(trigger: TriggerRecord) -> bool:
    """Tell whether the start must be chosen again because the trigger's state was lost."""
    return trigger.cursor is None and not trigger.turned_on_by


def start_text(start: Start) -> str:
    """Return a start as it is stored."""
    since = None if start.since is None else timestamp(start.since)
    return compact_json({name: value for name, value in (("last", start.last), ("since", since)) if value is not None})


def start_of(text: str) -> Start:
    """Parse the text that `start_text` returned."""
    kept = json.loads(text)
    since = kept.get("since")
    return Start(last=kept.get("last"), since=None if since is None else moment_of(since))
