"""The changes from one document of a workflow to another, by step: what was added, removed, moved, renamed or set."""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct

from engine.base.json_text import JsonObject, is_same
from engine.base.step_tree import FAILURE, ON_ERROR, home_of, step_nodes
from engine.workspace.step_renames import StepRenames

ABSENT: Any = object()
"""The value of a field that is not there."""
_MOST_RENAMES = 50
Kind = Literal["added", "removed", "moved", "renamed", "set"]


class ChangedStep(Struct, frozen=True):
    """A step as a change names it."""

    id: str
    title: str
    parent: str
    """The id of the step around it, `on_failure`, or "" for the workflow."""
    previous: str
    """The id of the step before it in its list, "" for the first one."""
    json: JsonObject


class Change(Struct, frozen=True):
    """One change: of a step, or of a field of it; `step` is None for the workflow itself."""

    kind: Kind
    step: ChangedStep | None = None
    """As it is now, or was if it has been removed."""
    field: tuple[str, ...] = ()
    before: Any = ABSENT
    after: Any = ABSENT
    """The values of a field; for `renamed` the ids."""

    @property
    def touched(self) -> tuple[str, ...]:
        """What it is about: the id of the step, "" for the workflow, and the field, `@place` for a move."""
        owner = self.step.id if self.step is not None else ""
        if self.kind == "set":
            return (owner, *self.field)
        return (owner, "@place") if self.kind == "moved" else (owner,)


def changes(old: object, new: object, renames: StepRenames = ()) -> list[Change]:
    """Return the changes between two documents, the ones of the workflow itself first, then by step in file order.

    What is not a workflow counts as an empty one. `renames`: the steps known to have another id, (old, new).
    """
    return changes_with(old, new, _renames(_object(old), _object(new), renames))


def changes_with(old: object, new: object, names: Mapping[str, str]) -> list[Change]:
    """Return the changes as `changes` does; only the steps in `names` have another id, {old: new}."""
    before, after = _object(old), _object(new)
    if names:
        before = _renamed(before, names)
    was, now = _steps(before), _steps(after)
    without = ("steps", FAILURE) if "id" in before and "id" in after else ("steps", FAILURE, "id")  # saving adds an id
    found = list(_fields((), _own(before, without), _own(after, without), None))
    found += [Change("removed", one) for id_, one in was.items() if id_ not in now]
    moved = _moved(was, now)
    for id_, step in now.items():
        if id_ in names.values():
            old_id = next(one for one, other in names.items() if other == id_)
            found.append(Change("renamed", step, (), old_id, id_))
        if id_ not in was:
            found.append(Change("added", step))
            continue
        if id_ in moved:
            found.append(Change("moved", step))
        found += _fields((), _own(was[id_].json, ("id", "steps")), _own(step.json, ("id", "steps")), step)
    return found


def _object(value: object) -> JsonObject:
    return value if isinstance(value, Mapping) else {}


def _own(value: JsonObject, without: Sequence[str]) -> dict[str, Any]:
    """Return the fields of a step or workflow without its steps; triggers by id."""
    own = {key: one for key, one in value.items() if key not in without}
    handler = own.get(ON_ERROR)
    if isinstance(handler, Mapping) and "steps" in handler:
        own[ON_ERROR] = {key: one for key, one in handler.items() if key != "steps"} or "its steps"
    triggers = own.get("triggers")
    if isinstance(triggers, list) and triggers and all(isinstance(one, dict) and "id" in one for one in triggers):
        own["triggers"] = {str(one["id"]): one for one in triggers}
    return own


def _steps(document: JsonObject) -> dict[str, ChangedStep]:
    """Return the steps by id; further ones with the same id get a number."""
    found: dict[str, ChangedStep] = {}
    last: dict[tuple[Any, ...], str] = {}
    for node in step_nodes(document):
        around = node.place[:-1]
        id_ = node.step.id
        key = id_ if id_ not in found else f"{id_}#{len(found)}"
        found[key] = ChangedStep(key, node.step.title, home_of(node), last.get(around, ""), node.step.json)
        last[around] = key
    return found


def fields_changed(old: JsonObject, new: JsonObject, step: ChangedStep | None) -> Iterator[Change]:
    """Yield the changes from the fields of a step to others; `step` is None for fields of the workflow."""
    yield from _fields((), old, new, step)


def renames_between(old: object, new: object, known: StepRenames = ()) -> dict[str, str]:
    """Return {old id: new id} of the steps that have another id.

    A new id is known from `known`, or two steps are similar and at the same place, or they are equal wherever they are
    and no third step equals them.
    """
    found = _renames(_object(old), _object(new), known)
    was, now = _steps(_object(old)), _steps(_object(new))
    gone = _by_definition(step for id_, step in was.items() if id_ not in now and id_ not in found)
    come = _by_definition(step for id_, step in now.items() if id_ not in was and id_ not in found.values())
    both = [definition for definition in gone if len(gone[definition]) == len(come[definition]) == 1]
    return found | {gone[one][0]: come[one][0] for one in both}


def _by_definition(steps: Iterable[ChangedStep]) -> Mapping[str, list[str]]:
    """Return the ids of steps by everything else that defines them."""
    found = defaultdict[str, list[str]](list)
    for step in steps:
        own = {key: one for key, one in step.json.items() if key != "id"}
        found[json.dumps(own, sort_keys=True)].append(step.id)
    return found


def _fields(path: tuple[str, ...], old: Any, new: Any, step: ChangedStep | None) -> Iterator[Change]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in [*old, *(key for key in new if key not in old)]:
            yield from _fields((*path, key), old.get(key, ABSENT), new.get(key, ABSENT), step)
    elif old is not new and (old is ABSENT or new is ABSENT or not is_same(old, new)):
        yield Change("set", step, path, old, new)


def _moved(was: Mapping[str, ChangedStep], now: Mapping[str, ChangedStep]) -> set[str]:
    """Return the steps with another parent, and of each list the fewest that explain another order."""
    both = [id_ for id_ in now if id_ in was]
    found = {id_ for id_ in both if was[id_].parent != now[id_].parent}
    ranks = {id_: rank for rank, id_ in enumerate(was)}
    lists: dict[str, list[str]] = {}
    for id_ in both:
        if id_ not in found:
            lists.setdefault(now[id_].parent, []).append(id_)
    for ids in lists.values():
        kept = rising([ranks[id_] for id_ in ids])
        found.update(id_ for id_ in ids if ranks[id_] not in kept)
    return found


def rising(ranks: Sequence[int]) -> set[int]:
    """Return the members of a longest rising subsequence of different numbers."""
    # Patience sorting: at each index, the smallest number with which a rising sequence of that length ends.
    tops: list[int] = []
    before: dict[int, int | None] = {}
    for rank in ranks:
        at = bisect_left(tops, rank)
        before[rank] = tops[at - 1] if at else None
        tops[at : at + 1] = [rank]
    found, one = set[int](), tops[-1] if tops else None
    while one is not None:
        found.add(one)
        one = before[one]
    return found


# --- another id


def _renames(old: JsonObject, new: JsonObject, known: StepRenames) -> dict[str, str]:
    """Return {old id: new id} of the steps that are known to have another id, or are at the same place and similar."""
    was, now = _steps(old), _steps(new)
    found = {one: other for one, other in known if one in was and other in now}
    gone = [one for one in was if one not in now and one not in found]
    come = [one for one in now if one not in was and one not in found.values()]
    if not gone or not come or max(len(gone), len(come)) > _MOST_RENAMES:
        return found
    places = {node.place: node.step.id for node in step_nodes(new)}
    for node in step_nodes(old):
        id_, other = node.step.id, places.get(node.place, "")
        if id_ in gone and other in come and _uses_same(was[id_], now[other]):
            found[id_] = other
    return found


def _uses_same(one: ChangedStep, other: ChangedStep) -> bool:
    """Return whether two steps do the same, and have the same title or the same arguments."""
    mine, its = ({key: step.json.get(key) for key in ("uses", "foreach")} for step in (one, other))
    if not is_same(mine, its) or len(set(one.json) ^ set(other.json)) > 1:
        return False
    is_same_call = "with" in one.json and is_same(one.json["with"], other.json.get("with"))
    return is_same_call or is_same(one.json.get("title"), other.json.get("title"))


def _renamed(document: Any, names: Mapping[str, str]) -> Any:
    """Return a document with other ids for steps, also in its expressions, as far as they are plain."""
    pattern = re.compile(rf"(?<=\bsteps\.)({'|'.join(map(re.escape, names))})\b")

    def of(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {inner: of(one, inner) for inner, one in value.items()}
        if isinstance(value, list):
            return [of(one, key) for one in value]
        if isinstance(value, str) and (key in ("id", "needs")):
            return names.get(value, value)
        return pattern.sub(lambda match: names[match[1]], value) if isinstance(value, str) else value

    return of(document)
