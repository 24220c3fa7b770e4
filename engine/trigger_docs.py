"""Generate `docs/trigger-types.md` from the trigger types: `python -m engine.trigger_docs > docs/trigger-types.md`."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Mapping

from engine.base.services import is_for, services
from engine.plugins.registry import trigger_types
from engine.plugins.step import fields_schema
from engine.plugins.trigger import TriggerType
from engine.step_docs import field_rows, output_rows

_HEAD = """# Trigger types

A workflow names what starts it in `triggers` ([Triggers](triggers.md)): the type in `uses`, what it watches in `with`.
This page is written from the types themselves (`python -m engine.trigger_docs > docs/trigger-types.md`); a test fails
when it is out of date.

- **Fields** are constants: when a trigger polls, there is nothing to compute them from yet. `destination` and `option`
  mean the same as for [steps](steps.md).
- **Item.** What `item` is in the trigger's `inputs`. "From outside" marks text that somebody else wrote.
"""
_FIELDS = "| Field | Type | Default | Takes | What |"
_AT_ONCE = ", and at once when the service tells of something new, if it can."
_STARTS = {"now": "`--from now`", "last": "`--last N`", "since": "`--since TIME`"}


def trigger_types_page() -> str:
    """Return the whole page as Markdown."""
    every = trigger_types()
    return "\n".join([_HEAD, _contents(every), *map(_section, every.values())])


def _contents(every: Mapping[str, TriggerType]) -> str:
    rows = [f"| [`{name}`](#{name.replace('.', '')}) | {kind.title} |" for name, kind in every.items()]
    return "\n".join(["| Type | Starts a run for |", "| --- | --- |", *rows, ""])


def _section(kind: TriggerType) -> str:
    fields, item = fields_schema(kind.fields), kind.item_schema()
    lines = [f"## `{kind.name}`\n", f"**{kind.title}.** {inspect.getdoc(type(kind)) or ''}\n", *_facts(kind), ""]
    if fields.get("properties"):
        lines += [
            "| Field | Type | Default | Takes | What |",
            "| --- | --- | --- | --- | --- |",
            *field_rows(fields),
            "",
        ]
    if item.get("properties"):
        lines += ["| Item | Type | From outside |", "| --- | --- | --- |", *output_rows(item, item, ""), ""]
    return "\n".join(lines)


def _facts(kind: TriggerType) -> Iterator[str]:
    if not kind.is_watched:
        yield "- Nothing is watched, and it cannot be turned on."
        return
    if kind.service is not None:
        known = " or ".join(f"`{one.name}`" for one in services() if is_for(one.name, kind.service))
        yield f"- Needs a connection to {known}."
    at_once = _AT_ONCE if kind.listens else "."
    yield f"- Polls every {kind.poll_seconds:g} seconds, unless `poll_seconds` says otherwise{at_once}"
    yield f"- The first time it is turned on: {', '.join(_STARTS[one] for one in kind.start_from)}."
    if kind.remembered_days is not None:
        yield f"- It remembers items for {kind.remembered_days} days; after that, only its cursor tells old from new."


if __name__ == "__main__":
    sys.stdout.write(trigger_types_page())
