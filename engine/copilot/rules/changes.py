"""Changes of a whole workflow in plain words: another value, limits, times, and steps chosen by what they do.

English and German. As in `requests.py`, nothing is guessed: what is not found is not changed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from clients.wording import counted
from engine.base.json_text import JsonObject
from engine.base.step_tree import step_nodes
from engine.copilot.fixes.places import PLACES
from engine.copilot.rules.keeping import asked_before
from engine.copilot.rules.removing import removal
from engine.copilot.rules.requests import WHICH, NotThere, Operation, UnderstoodRequest, chosen_of
from engine.copilot.rules.selecting import SELECTION, does, selected
from engine.copilot.wizard.times import NoSuchTime, times_of
from engine.triggers.cron import cron_words
from engine.workflows.editing.graph import CanvasStep

_I = re.IGNORECASE
_NUMBERS = "zero one two three four five six seven eight nine ten eleven twelve".split()
_ZAHLEN = "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf".split()
_NAMED = r"#[\w-]+|[\w.+-]+@[\w.-]+\w|[\w.-]+/[\w.-]*\w|\d+(?:\.\d+)?|" + "|".join([*_NUMBERS, *_ZAHLEN])
_NEW, _OLD = (rf"[\"'“„`]?(?<!\w)(?P<{one}>{_NAMED})[\"'”“`]?" for one in ("new", "old"))
_REPLACED = (
    re.compile(
        rf"\b(?:to|into|in|to be|nach|zu|an) (?:the )?{_NEW},? (?:and )?(?:not|nicht)(?: to| into| in| nach)? {_OLD}",
        _I,
    ),
    re.compile(
        rf"{_NEW}(?: \w+)? (?:instead of|rather than|statt|anstatt|anstelle von) (?:to |into |in |nach |an )?{_OLD}", _I
    ),
    re.compile(rf"(?:replace|ersetze) {_OLD} (?:by|with|durch) {_NEW}", _I),
    re.compile(
        rf"\b{_OLD} (?:\w+ )?(?:is|are|ist|sind) too (?:early|late|long|short|much|many|few|little),? make it {_NEW}",
        _I,
    ),
)
_EVERYWHERE = re.compile(
    rf"\b(?:use|nimm|benutze) (?:the |das |den |die )?(?P<field>\w+) {_NEW} (?:everywhere|überall)", _I
)
_COUNT = r"(\d{1,3}|one|two|three|four|five|six|eight|ten|ein|eine|zwei|drei|vier|fünf|sechs|acht|zehn)"
_AT_ONCE = re.compile(
    rf"\b(?:no loop|keine schleife)\b.*?\b{_COUNT}\b|\b{_COUNT}(?: \w+)? (?:at once|at a time|at the same time|"
    r"in parallel|parallel|gleichzeitig|auf einmal)\b",
    _I,
)
_NO_LOOP = re.compile(r"\b(?:no loop|keine schleife)\b", _I)
_TIMES = re.compile(
    r"^(?:please )?(?:run|start|do|schedule) (?:this|it|the workflow)\b|^(?:bitte )?(?:starte|führe|lass)\b", _I
)
_APPROVED = re.compile(
    rf"(?:ask me|frag\w* mich) (?:before|vor) (?:{SELECTION}|(?P<words>(?!(?:step|schritt) )[^,.]+))$", _I
)
_REMOVED = re.compile(rf"(?:remove|delete|drop|lösche|entferne) {SELECTION}$", _I)
_NOTED = re.compile(
    r"(?:(?:write|put|add|schreib\w*|setz\w*) )?(?:the |a |die |eine )?(?:note|notiz) [\"“„](?P<text>[^\"”“]+)[\"”“] "
    rf"(?:{SELECTION}|(?:on|to|at|auf|an|bei|zu) {WHICH})$",
    _I,
)
_LIMITED = re.compile(
    rf"{SELECTION},? (?:soll|darf|may|should|must|takes?)\b.*?\b"
    r"(?P<most>(?:at most|höchstens|maximal|no more than) (?P<n>\d+) (?:seconds?|sekunden))",
    _I,
)
_PREFIXED = re.compile(
    r"(?:all|every|each|alle|jede\w?) (?:steps?|schritte?n?),? (?:that|which|der|die) .*?\b(?P<old>[a-z]\w*_)\b"
    r".*?\b(?P<new>[a-z]\w*_)",
    _I,
)
_CALLED = re.compile(
    r"(?:call|nenn|nenne) (?:the |den )?(?:step|schritt) (?P<step>\w+)(?: bitte| please)? (?P<to>[a-z]\w*)$", _I
)
_DEEPEST = 12


def changed(text: str, document: JsonObject, steps: Sequence[CanvasStep]) -> UnderstoodRequest | None:
    """Return the operations that a request for a workflow means; None if it is none of these. Raises NotThere."""
    said = re.sub(r"^(?:please|bitte|ok,?|and|und) ", "", " ".join(text.strip().rstrip(".!").split()), flags=_I)
    for rule in _RULES:
        found = rule(said, document, steps)
        if found is not None:
            return found
    return None


# --- another value


def _replaced(said: str, document: JsonObject, steps: Sequence[CanvasStep]) -> UnderstoodRequest | None:
    del steps
    found = next((match for one in _REPLACED if (match := one.search(said))), None)
    if found is None:
        return None
    old, new, used = _plain(found["old"]), _plain(found["new"]), (found[0],)
    ops = [
        set_value(step, field, with_value(value, old, new))
        for step, field, value in values(document)
        if _has(value, old)
    ]
    if not ops:
        return None
    times = f", {len(ops)} times" if len(ops) > 1 else ""
    return UnderstoodRequest(f"{new} instead of {old}{times}", ops, used)


def _everywhere(said: str, document: JsonObject, steps: Sequence[CanvasStep]) -> UnderstoodRequest | None:
    del steps
    found = _EVERYWHERE.search(said)
    if found is None:
        return None
    field, new = found["field"].casefold(), found["new"]
    if re.fullmatch(PLACES, field):
        return None  # that of inputs is meant, too: see `replacing.py`
    ops = [
        set_value(step, path, new)
        for step, path, value in values(document)
        if path[-1] == field and isinstance(value, str) and "{{" not in value and value != new
    ]
    return (
        UnderstoodRequest(f"{field} {new} everywhere ({counted(len(ops), 'step')})", ops, (found[0],)) if ops else None
    )


def _plain(word: str) -> Any:
    """Return a value as it was said: a number for `60` and for `five`."""
    for names in (_NUMBERS, _ZAHLEN):
        if word.casefold() in names:
            return names.index(word.casefold())
    return json.loads(word) if re.fullmatch(r"\d+(?:\.\d+)?", word) else word


def _has(value: Any, old: Any) -> bool:
    if isinstance(value, list):
        return old in value
    if isinstance(old, str):
        return isinstance(value, str) and "{{" not in value and value.strip() == old
    return not isinstance(value, bool) and value == old


def with_value(value: Any, old: Any, new: Any) -> Any:
    """Return a value, or the members of a list, with a new text or number in place of the old one."""
    if isinstance(value, list):
        return [new if one == old else one for one in value]
    return str(value).replace(old, str(new)) if isinstance(old, str) else new


def values(document: JsonObject) -> Iterator[tuple[str, list[Any], Any]]:
    """Yield the values that steps are given, and the defaults of inputs: the step ("" for inputs), field and value."""
    inputs = document.get("inputs")
    properties = inputs.get("properties") if isinstance(inputs, Mapping) else None
    for name, schema in (properties or {}).items() if isinstance(properties, Mapping) else ():
        if isinstance(schema, Mapping) and "default" in schema:
            yield "", ["inputs", "properties", name, "default"], schema["default"]
    for node in step_nodes(document):
        for path, value in _leaves(node.step.arguments, ["with"]):
            yield node.step.id, path, value


def _leaves(value: Any, path: list[Any]) -> Iterator[tuple[list[Any], Any]]:
    if isinstance(value, Mapping) and len(path) < _DEEPEST:
        for name, one in value.items():
            yield from _leaves(one, [*path, name])
    else:
        yield path, value


# --- limits and times


def _at_once(said: str, document: JsonObject, steps: Sequence[CanvasStep]) -> UnderstoodRequest | None:
    found = _AT_ONCE.search(said)
    if found is None:
        return None
    said_number = next(one for one in found.groups() if one)
    number, used = _count(said_number), (*_NO_LOOP.findall(found[0]), said_number)
    loops = [one for one in steps if one.foreach and _named(one, said)] or [one for one in steps if one.foreach]
    given = {node.step.id: node.step.json.get("parallel", 1) for node in step_nodes(document)}
    loops = [one for one in loops if not isinstance(given[one.id], int) or given[one.id] > number]
    ops = [set_value(one.id, ["parallel"], number) for one in loops]
    return UnderstoodRequest(f"At most {number} at once: {_titles(loops)}", ops, used) if ops else None


def _named(loop: CanvasStep, said: str) -> bool:
    """Return whether words name the items of a loop: `two mails at once` is `each_mail`."""
    item = loop.id.removeprefix("each_").casefold()
    return re.search(rf"\b{re.escape(item)}s?\b", said, _I) is not None


def _count(word: str) -> int:
    if word.isdigit():
        return int(word)
    names = _NUMBERS if word.casefold() in _NUMBERS else _ZAHLEN
    return 1 if word.casefold().startswith("ein") else names.index(word.casefold())


def _timed(said: str, document: JsonObject, steps: Sequence[CanvasStep]) -> UnderstoodRequest | None:
    del steps
    if not _TIMES.search(said):
        return None
    try:
        times = times_of(said)
    except NoSuchTime as error:
        raise NotThere(str(error)) from None
    cron = times.cron
    if not cron:
        return None
    triggers = [one for one in document.get("triggers") or [] if isinstance(one, Mapping)]
    old = next((number for number, one in enumerate(triggers) if one.get("uses") == "schedule"), None)
    if old is not None:
        changed_one = {**triggers[old], "with": {**(triggers[old].get("with") or {}), "cron": cron}}
        made = [changed_one if number == old else dict(one) for number, one in enumerate(triggers)]
    else:
        taken = {one.get("id") for one in triggers}
        id_ = next(one for one in ("times", *(f"times_{n}" for n in range(2, 99))) if one not in taken)
        made = [*map(dict, triggers), {"id": id_, "uses": "schedule", "with": {"cron": cron}}]
    return UnderstoodRequest(f"Start it {cron_words(cron)}", [set_value("", ["triggers"], made)], times.used)


# --- steps by what they do


def _approved(said: str, document: JsonObject, steps: Sequence[CanvasStep]) -> UnderstoodRequest | None:
    found = _APPROVED.search(said)
    if found is None:
        return None
    writes = [one for one in steps if one.effect == "writes"]
    if found["clause"]:
        chosen = [one for one in selected(found["clause"], steps) if one in writes]
    else:
        chosen = [one for one in writes if does(found["words"], one)]
    if not chosen:
        return None
    return UnderstoodRequest(*asked_before(chosen, document))


def _removed(said: str, document: JsonObject, steps: Sequence[CanvasStep]) -> UnderstoodRequest | None:
    found = _REMOVED.search(said)
    if found is None:
        return None
    chosen = _chosen(found["clause"], steps)
    return UnderstoodRequest(f"Remove: {_titles(chosen)}", removal(chosen, document))


def _noted(said: str, document: JsonObject, steps: Sequence[CanvasStep]) -> UnderstoodRequest | None:
    del document
    found = _NOTED.search(said)
    if found is None:
        return None
    chosen = _chosen(found["clause"], steps) if found["clause"] else chosen_of(found, steps)
    ops: list[Operation] = [{"op": "notes", "step": one.id, "text": found["text"]} for one in chosen]
    return UnderstoodRequest(f"A note on: {_titles(chosen)}", ops)


def _limited(said: str, document: JsonObject, steps: Sequence[CanvasStep]) -> UnderstoodRequest | None:
    del document
    found = _LIMITED.search(said)
    if found is None:
        return None
    chosen, seconds = _chosen(found["clause"], steps), int(found["n"])
    ops = [set_value(one.id, ["timeout_seconds"], seconds) for one in chosen]
    return UnderstoodRequest(f"At most {counted(seconds, 'second')}: {_titles(chosen)}", ops, (found["most"],))


def _prefixed(said: str, document: JsonObject, steps: Sequence[CanvasStep]) -> UnderstoodRequest | None:
    del document
    found = _PREFIXED.search(said)
    if found is None or found["old"] == found["new"]:
        return None
    old, new = found["old"], found["new"]
    ops: list[Operation] = [
        {"op": "rename", "step": one.id, "to": new + one.id.removeprefix(old)}
        for one in steps
        if one.id.startswith(old)
    ]
    if not ops:
        raise NotThere(f"The id of no step begins with {old!r}.")
    return UnderstoodRequest(f"Rename {counted(len(ops), 'step')} from {old}… to {new}…", ops)


def _called(said: str, document: JsonObject, steps: Sequence[CanvasStep]) -> UnderstoodRequest | None:
    del document
    found = _CALLED.search(said)
    if found is None or found["step"] not in {one.id for one in steps}:
        return None
    return UnderstoodRequest(
        f"Rename {found['step']} to {found['to']}", [{"op": "rename", "step": found["step"], "to": found["to"]}]
    )


def _chosen(clause: str, steps: Sequence[CanvasStep]) -> list[CanvasStep]:
    chosen = selected(clause, steps)
    if not chosen:
        raise NotThere(f"No step {clause.strip()!r}. The steps are: {', '.join(one.id for one in steps[:20])}.")
    return chosen


def set_value(step: str, path: Sequence[Any], value: Any) -> Operation:
    """Return the operation that sets a field of a step, or of the workflow if the step is ""."""
    field = list(path) if any("." in str(one) for one in path) else ".".join(str(one) for one in path)
    return {"op": "set", **({"step": step} if step else {}), "field": field, "value": value}


def _titles(steps: Sequence[CanvasStep]) -> str:
    return ", ".join(one.title for one in steps)


Rule = Callable[[str, JsonObject, Sequence[CanvasStep]], UnderstoodRequest | None]
_RULES: tuple[Rule, ...] = (
    _everywhere,
    _limited,
    _noted,
    _removed,
    _approved,
    _called,
    _prefixed,
    _replaced,
    _at_once,
    _timed,
)
