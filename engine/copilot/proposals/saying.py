"""What a proposal changes, as a person says it: what starts a workflow, what it takes, what each new step does.

Changes of what is there already are said as in the list of versions (engine/workflows/differences/sentences.py).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any

from msgspec.structs import replace

from clients.wording import listed
from engine.base.errors import OrchestraError
from engine.base.json_text import JsonObject
from engine.base.services import declaration
from engine.base.step_tree import step_nodes
from engine.base.wording import number_text
from engine.documents.line_differences import unified
from engine.outgoing import hidden_characters
from engine.plugins.registry import step_type, trigger_type
from engine.plugins.step import Role, fields_schema
from engine.triggers.cron import cron_words
from engine.workflows.differences.changes import ABSENT, Change, ChangedStep
from engine.workflows.differences.sentences import field_words, sentence, shown
from engine.workspace.blanks import is_untouched

_LONGEST = 80
_MOST_ARGUMENTS = 6
_EMPTY: tuple[Any, ...] = (None, "", [], {})


def said(found: Iterable[Change], new: object) -> list[str]:
    """Return sentences about changes that have made the document `new`, with a full stop."""
    titles = {one.step.id: one.step.title for one in step_nodes(new)}
    return [f"{words}." for one in found for words in _said(one, titles)]


def without_blank(found: Sequence[Change], old: object) -> list[Change]:
    """Return changes without the end of what a new file has, unless a person has written something in it."""
    if not is_untouched(old):
        return list(found)
    return [one for one in found if not _takes_sample(one)]


def _takes_sample(change: Change) -> bool:
    """Return whether a change takes away what an untouched file has: its step, or a field other than the title."""
    is_field = change.step is None and change.after is ABSENT and change.field != ("title",)
    return is_field or change.kind == "removed"


def starts(trigger: JsonObject) -> str:
    """Return what a trigger starts a workflow for, without a full stop: "Starts when a mail arrives in Gmail"."""
    given = _object(trigger.get("with"))
    uses = str(trigger.get("uses") or "")
    try:
        kind = trigger_type(uses)
    except OrchestraError:
        return f"Starts by: {uses}"
    when = f"Starts when {kind.happens}" if kind.happens else f"Starts by: {kind.title}"
    if uses == "schedule" and isinstance(given.get("cron"), str):
        words = cron_words(given.pop("cron"))
        when = f"Starts {words[:1].lower()}{words[1:]}"
    elif uses == "schedule" and isinstance(given.get("every_seconds"), int | float):
        when = f"Starts every {number_text(given.pop('every_seconds'))} seconds"
    told = _arguments(given)
    return f"{when} ({told})" if told else when


def _said(change: Change, titles: Mapping[str, str]) -> list[str]:
    if change.step is not None:
        if change.kind == "added":
            return [_new_step(change.step, titles)]
        return [sentence(one) for one in _each_argument(change)]
    match change.field:
        case ["triggers"] if isinstance(change.after, Mapping):
            return [starts(_object(one)) for one in change.after.values()]
        case ["triggers", _] if change.before is ABSENT and isinstance(change.after, Mapping):
            return [starts(change.after)]
        case ["inputs"] if isinstance(change.after, Mapping):
            return [*_inputs(change.after)]
        case ["outputs"] if isinstance(change.after, Mapping):
            return [f"It returns {listed([*map(str, change.after)])}"]
        case ["inputs", "required"] if isinstance(change.after, list):
            return [f"These inputs must be given: {listed([*map(str, change.after)]) or 'none'}"]
        case ["triggers" | "inputs" | "outputs" as name] if change.after is ABSENT:
            return [_NO_MORE[name]]
    return [sentence(change)]


_NO_MORE = {
    "triggers": "It no longer starts by itself",
    "inputs": "It no longer takes inputs",
    "outputs": "It no longer returns anything",
}


def _each_argument(change: Change) -> list[Change]:
    """Return a change, or if all arguments go at once, one for each: its name says where something went."""
    if change.field != ("with",) or change.after is not ABSENT or not _object(change.before):
        return [change]
    return [replace(change, field=("with", name), before=one) for name, one in change.before.items()]


def _inputs(schema: JsonObject) -> Iterator[str]:
    needed = schema.get("required")
    for name, one in _object(schema.get("properties")).items():
        title = str(_object(one).get("title") or name)
        must = "" if isinstance(needed, list) and name in needed else ", which may be left out"
        yield f"It takes the input {_short(title)}{must}"


def _new_step(step: ChangedStep, titles: Mapping[str, str]) -> str:
    own = step.json
    what = [does] if (does := _does(own)) else []
    what += [
        field_words(Change("set", step, (name,), ABSENT, own[name]))
        for name in ("foreach", "if", "on_error")
        if name in own
    ]
    what += ["a person is asked before each call"] if own.get("approve") == "always" else []
    where = f" in {_short(titles.get(step.parent, step.parent))}" if step.parent else ""
    return f"New step {_short(step.title)}{where}: {', '.join(what)}"


def _does(step: JsonObject) -> str:
    """Return what a step does: "create an issue (GitHub, repository: acme/app)"; "" for a loop."""
    uses = str(step.get("uses") or "")
    if not uses:
        return "" if step.get("foreach") is not None else "a group of steps"
    try:
        kind = step_type(uses)
        service = declaration(kind.service).title if kind.service else ""
    except OrchestraError:
        return uses
    schemas = fields_schema(kind.fields).get("properties", {})
    places = {name for name, one in schemas.items() if one.get("role") == Role.DESTINATION}
    account = f"connection: {_short(str(step['connection']))}" if step.get("connection") else ""
    told = ", ".join(filter(None, [service, account, _arguments(_object(step.get("with")), places)]))
    return f"{kind.title[:1].lower()}{kind.title[1:]}{f' ({told})' if told else ''}"


def _arguments(given: JsonObject, places: Collection[str] = ()) -> str:
    """Return the arguments that fit into a sentence: "repository: acme/app, labels: bug, …".

    `places`: those that say where something goes. They come first and are never left out, even if an expression
    computes them.
    """
    filled = {name: one for name, one in given.items() if one not in _EMPTY}
    first = {name: _value(one) or shown(one) for name, one in filled.items() if name in places}
    others = {name: _value(one) for name, one in filled.items() if name not in places and "{{" not in json.dumps(one)}
    fitting = [*filter(itemgetter(1), others.items())][: max(0, _MOST_ARGUMENTS - len(first))]
    told = [f"{name.replace('_', ' ')}: {words}" for name, words in [*first.items(), *fitting]]
    return ", ".join([*told, "…"] if len(told) < len(filled) else told)


def _value(value: object) -> str:
    """Return a value in words, "" for a nested one: the difference of the text shows that."""
    match value:
        case bool():
            return "yes" if value else "no"
        case int() | float():
            return str(value)
        case str():
            return _short(value.strip().removeprefix("{{").removesuffix("}}").strip() if _is_whole(value) else value)
        case list() if value and not any(isinstance(one, dict | list) for one in value):
            return listed([_value(one) for one in value])
    return ""


def _is_whole(text: str) -> bool:
    """Return whether a text is one expression and nothing else."""
    text = text.strip()
    return text.startswith("{{") and text.endswith("}}") and text.count("{{") == 1


def _short(text: str) -> str:
    line = " ".join(text.split())
    line = "".join(one if one.isprintable() else "\ufffd" for one in line)
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"


def _object(value: object) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}


def diff(file: str, before: str, after: str) -> str:
    """Return the unified difference of two texts of a file, with hidden characters shown."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    lines = unified(old, new, file, file)
    return hidden_characters.shown("".join(one if one.endswith("\n") else f"{one}\n" for one in lines))[0]
