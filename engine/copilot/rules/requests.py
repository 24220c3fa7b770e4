"""Changes said in plain words, as operations: `rename step a to b`, `remove label`, `set title of issue to …`.

English and German. What is not understood is not a request: nothing is guessed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from clients.wording import nearest
from engine.base.errors import OrchestraError
from engine.base.json_text import JsonObject
from engine.copilot.fixes.records import asking_always
from engine.copilot.rules.keeping import asked_before, given, tried
from engine.copilot.rules.removing import removal
from engine.copilot.wizard.unused import hidden
from engine.plugins.registry import step_type
from engine.workflows.editing.graph import CanvasStep

Operation = dict[str, Any]
_STEP = r"(?:(?:the |den |die |der )?(?:step|schritt) )?[\"'`]?(?P<step>[\w .-]{1,80}?)[\"'`]?"
WHICH = (
    r"(?:(?:all|every|each|allen?|jeden|jedem) (?:the )?(?P<which>[\w.]{1,40}?)[- ]?(?:steps?|schritten?|schritte)?|"
    + _STEP
    + ")"
)
"""Part of a pattern: a step by its id or title, or all of a service, a type or an effect; see `chosen_of`."""
_ID = r"[\"'`]?(?P<to>(?-i:[a-z][a-z0-9_]{0,63}))[\"'`]?"
_FIELD = r"(?:the |das |den )?[\"'`]?(?P<field>[\w.]{1,80})[\"'`]?"


def _form(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"{pattern}\Z", re.IGNORECASE | re.DOTALL)


_TRIES = _form(rf"(?:retry|wiederhole) {WHICH} (?:up to |bis zu )?(?P<n>\d{{1,2}}) (?:times|mal|x)")
_APPROVE = _form(rf"(?:ask me before|approve|require approval (?:for|of)|frage mich vor|genehmige) {WHICH}")
_RENAME = _form(rf"(?:rename|benenne) {_STEP} (?:to|into|in|zu) {_ID}(?: um)?")
_REMOVE = _form(rf"(?:remove|delete|drop|lösche|entferne) {_STEP}")
_SET = _form(rf"(?:set|change|setze) {_FIELD} (?:of|in|von) {_STEP} (?:to|auf|zu) (?P<value>.+)")
_SECOND = re.compile(
    r"(?:,|;|\b(?:and|und|then|dann|plus)\b)(?: (?:also|auch|then|dann))?(?: (?:set|change|setze))? (?:the |das |den )?"
    r"[\"'`]?(?P<field>[\w.]{1,80})[\"'`]?(?: (?:of|in|von) [\w .-]{1,80}?)? (?:to|auf|zu) ",
    re.IGNORECASE,
)
"""In a value: one more field that is set."""
_TITLE = _form(r"(?:call|title|nenne?) (?:this|the|diesen|den) (?:workflow|ablauf) (?P<value>.+)")
_RETITLE = _form(
    r"(?:rename|benenne) (?:this|the|diesen|den) (?:workflow|ablauf) (?:to|into|as|in|zu) (?P<value>.+?)(?: um)?"
)
_RENAME_TO = _form(rf"(?:rename|benenne) {_STEP} (?:to|into|in|zu) (?P<to>\S+|[\"'`].+[\"'`])(?: um)?")
_ALL = frozenset({"step", "steps", "schritt", "schritte", "schritten"})
_FEWEST = 2
"""Attempts: fewer are no retry."""
_EFFECTS = {"write": "writes", "writing": "writes", "read": "reads", "reading": "reads"}
_EFFECTS |= {"schreibende": "writes", "schreibenden": "writes", "lesende": "reads", "lesenden": "reads"}
_OF_STEP = frozenset({"title", "if", "foreach", "key", "retry", "timeout_seconds", "connection", "note", "approve"})


class UnderstoodRequest(Struct, frozen=True):
    """What a request means."""

    words: str
    """For people: what would be done."""
    ops: list[Operation]
    used: tuple[str, ...] = ()
    """The parts of the request that became operations: numbers, times, and words of negation that were understood."""


class NotThere(Exception):
    """A request names a step that there is not; the message says which ones there are."""


def understood(text: str, document: JsonObject, steps: Sequence[CanvasStep]) -> UnderstoodRequest | None:
    """Return the operations that a request means, None if it is no change in a known form. Raises NotThere."""
    said = re.sub(r"^(?:please|bitte) ", "", " ".join(text.strip().rstrip(".!").split()), flags=re.IGNORECASE)
    for pattern, meaning in _FORMS:
        found = pattern.match(said)
        if found:
            return replace(meaning(found, document, steps), used=_used(found))
    return None


def _used(found: re.Match[str]) -> tuple[str, ...]:
    """Return the whole request, but not a value of several words that is neither JSON, an expression nor quoted."""
    value = (found.groupdict().get("value") or "").strip()
    is_plain = " " in value and isinstance(_value(value), str) and not re.match(r"[\"'`{]", value)
    return (found[0][: found.start("value")],) if is_plain else (found[0],)


def _retry(found: re.Match[str], document: JsonObject, steps: Sequence[CanvasStep]) -> UnderstoodRequest:
    chosen, attempts = chosen_of(found, steps), int(found["n"])
    if attempts < _FEWEST:
        raise NotThere(f"A step is tried once in any case: say how often in all, {_FEWEST} times or more.")
    return UnderstoodRequest(*tried(chosen, attempts, document))


def _approve(found: re.Match[str], document: JsonObject, steps: Sequence[CanvasStep]) -> UnderstoodRequest:
    chosen = [one for one in chosen_of(found, steps) if one.effect == "writes"]
    if not chosen:
        raise NotThere("None of these steps writes anything, so there is nothing to approve.")
    return UnderstoodRequest(*asked_before(chosen, document))


def _rename(found: re.Match[str], document: JsonObject, steps: Sequence[CanvasStep]) -> UnderstoodRequest:
    del document
    step = _step(found["step"], steps)
    return UnderstoodRequest(
        f"Rename {step.id} to {found['to']}", [{"op": "rename", "step": step.id, "to": found["to"]}]
    )


def _rename_to(found: re.Match[str], document: JsonObject, steps: Sequence[CanvasStep]) -> UnderstoodRequest:
    """Say what cannot be an id. Raises NotThere, always."""
    del document
    step, wanted = _step(found["step"], steps), found["to"].strip("\"'`")
    raise NotThere(
        f"{wanted!r} cannot be the id of {step.title}: it needs small letters, digits and _, and begins with a letter."
    )


def _remove(found: re.Match[str], document: JsonObject, steps: Sequence[CanvasStep]) -> UnderstoodRequest:
    step = _step(found["step"], steps)
    return UnderstoodRequest(f"Remove {step.title}", removal([step], document))


def _change(found: re.Match[str], document: JsonObject, steps: Sequence[CanvasStep]) -> UnderstoodRequest:
    step, field = _step(found["step"], steps), found["field"]
    second = _second(found["value"], steps)
    if second:
        raise NotThere(
            f"This sets {field} and {second}. Say one at a time, such as: set {field} of {step.id} to … . If it is all "
            "one value, put it in quotation marks."
        )
    is_own = field.startswith("with.") or (field in _OF_STEP and not _takes(step, field))
    path, value = field if is_own else f"with.{field}", _value(found["value"])
    if path == "approve" and value == "always":
        value = asking_always(given(document, "approve").get(step.id))
    return UnderstoodRequest(f"Set {field} of {step.title}", [_set(step.id, path, value)])


def _second(value: str, steps: Sequence[CanvasStep]) -> str:
    """Return the field that a value goes on to set, as in `A and title to B`, "" if it is one value."""
    for found in _SECOND.finditer(hidden(value)):
        field = found["field"].removeprefix("with.")
        if field in _OF_STEP or any(_takes(one, field) for one in steps):
            return found["field"]
    return ""


def _entitle(found: re.Match[str], document: JsonObject, steps: Sequence[CanvasStep]) -> UnderstoodRequest:
    del document, steps
    title = found["value"].strip("\"'`").strip()
    if not title:
        raise NotThere("A workflow needs a title: say it in quotation marks.")
    return UnderstoodRequest(f"Call it {title}", [{"op": "set", "field": "title", "value": title}])


Meaning = Callable[[re.Match[str], JsonObject, Sequence[CanvasStep]], UnderstoodRequest]
_FORMS: tuple[tuple[re.Pattern[str], Meaning], ...] = (
    (_TRIES, _retry),
    (_APPROVE, _approve),
    (_RETITLE, _entitle),
    (_RENAME, _rename),
    (_RENAME_TO, _rename_to),
    (_SET, _change),
    (_TITLE, _entitle),
    (_REMOVE, _remove),
)


def _takes(step: CanvasStep, field: str) -> bool:
    """Return whether the type of a step has a field of this name."""
    try:
        return field in step_type(step.uses).fields.model_fields
    except OrchestraError:
        return False


def _set(step: str, field: str, value: Any) -> Operation:
    return {"op": "set", "step": step, "field": field, "value": value}


def _value(text: str) -> Any:
    """Return a value as it was written: JSON, or else the text itself without quotation marks around it."""
    try:
        return json.loads(text)
    except ValueError:
        return text.strip("\"'`")


def chosen_of(found: re.Match[str], steps: Sequence[CanvasStep]) -> list[CanvasStep]:
    """Return the steps that a request is about: one, or all of a service, a type or an effect."""
    which = found.groupdict().get("which")
    if not which:
        return [_step(found["step"], steps)]
    word = which.casefold().rstrip(".")
    effect = _EFFECTS.get(word) or _EFFECTS.get(word.rstrip("s"))
    calls = [one for one in steps if one.kind != "group"]
    chosen = [one for one in calls if one.effect == effect or _is_of(word, one)] if word not in _ALL else calls
    if not chosen:
        services = ", ".join(sorted({one.uses.partition(".")[0] for one in calls}))
        raise NotThere(f"No step is of {which!r}. The steps use: {services}.")
    return chosen


def _is_of(word: str, step: CanvasStep) -> bool:
    return word in (step.service.casefold(), step.uses.casefold(), step.uses.casefold().partition(".")[0])


def _step(name: str, steps: Sequence[CanvasStep]) -> CanvasStep:
    """Return the step of an id or a title. Raises NotThere."""
    wanted = name.strip().casefold()
    known = {one.title.casefold(): one for one in reversed(steps)} | {one.id.casefold(): one for one in steps}
    if wanted in known:
        return known[wanted]
    near = nearest(wanted, list(known))
    hint = (
        f" Did you mean {known[near].id!r}?" if near else f" The steps are: {', '.join(one.id for one in steps[:20])}."
    )
    raise NotThere(f"There is no step {name.strip()!r}.{hint}")
