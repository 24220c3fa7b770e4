"""What a trigger watches, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dashboard.base.language import t
from dashboard.parts.step_words import bare_label
from dashboard.parts.times import duration
from dashboard.parts.values import json_text
from engine.base.errors import UnknownName
from engine.plugins.registry import trigger_type
from engine.triggers.cron import cron_words

SCHEDULE = "schedule"
_INBOX = "in:inbox"
_TIMES = ("cron", "every_seconds", "time_zone")


def watched_words(uses: str, fields: Mapping[str, Any], zone: str) -> str:
    """Return what a trigger of a type watches; `zone` is the time zone of schedules that name none."""
    if uses != SCHEDULE:
        return " · ".join(_fields(uses, fields))
    rest = {name: one for name, one in fields.items() if name not in _TIMES}
    return " · ".join(filter(None, [schedule_words(fields, zone), *_fields(uses, rest)]))


def schedule_words(fields: Mapping[str, Any], zone: str) -> str:
    """Return when a schedule fires; its times are in `zone`, unless it names another. "" if it has none yet."""
    cron, every = fields.get("cron"), fields.get("every_seconds")
    if cron and isinstance(cron, str):
        return t("{when}, in the time zone {zone}", when=cron_words(cron, t), zone=fields.get("time_zone") or zone)
    return t("Every {time}", time=duration(every)) if isinstance(every, int | float) else ""


def _fields(uses: str, fields: Mapping[str, Any]) -> Iterator[str]:
    """Yield each field in words; without those that are empty or off."""
    try:
        known = trigger_type(uses).fields.model_json_schema().get("properties", {})
    except UnknownName:
        known = {}
    for name, value in fields.items():
        label = bare_label(str(known.get(name, {}).get("title") or name.replace("_", " ")))
        if value is True:
            yield label
        elif value == _INBOX and name == "query":
            yield t("What comes into the inbox")
        elif value not in (None, "", False, []):
            yield f"{label}: {_shown(value)}"


def _shown(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    return value if isinstance(value, str) else json_text(value)
