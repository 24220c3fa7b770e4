"""The operations that lead from one workflow to another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.base.json_text import JsonObject, is_alike
from engine.base.step_tree import FAILURE, ON_ERROR
from engine.workflows.differences.changes import ABSENT, Change, fields_changed
from engine.workflows.editing.operations import (
    AddStep,
    AnyOperation,
    MoveSteps,
    RemoveSteps,
    ReplaceStep,
    SetField,
    UnsetField,
)
from engine.workflows.merging.ordering import placed
from engine.workflows.merging.outline import STEPS, TRIGGERS, Outline, has_steps, homes_of, owner_of, whole, whole_step


def transition(old: Outline, new: Outline) -> list[AnyOperation]:
    """Return the operations that turn one workflow into another; equal parts need no operation."""
    fields = list(_fields(old, new))
    early = [one for one, is_late in fields if not is_late]
    late = [one for one, is_late in fields if is_late]
    moves = _Moves(old, new)
    tops = [home for home in ("", FAILURE) if home in new.lists]
    steps = [operation for home in tops for operation in moves.into(home)]
    return [*early, *steps, *_removals(old, new), *late, *_triggers(old, new)]


def _fields(old: Outline, new: Outline) -> Iterator[tuple[AnyOperation, bool]]:
    """Yield the changes of fields, and whether each has to wait until steps have left a list that it removes."""
    before, after = (_without(one.fields, TRIGGERS, STEPS) for one in (old, new))
    yield from _own_fields(None, FAILURE, before, after, whole(new))
    for id_, part in new.parts.items():
        if id_ not in old.parts:
            continue
        was, now = old.parts[id_].fields, part.fields
        if (STEPS in was) == (STEPS in now):
            yield from _own_fields(id_, ON_ERROR, _without(was, STEPS), _without(now, STEPS), whole_step(new, id_))
        elif STEPS in was:
            yield ReplaceStep(op="replace_step", step=id_, new=_without(whole_step(new, id_), "id")), True
        else:
            yield ReplaceStep(op="replace_step", step=id_, new=_as_group(whole_step(old, id_), now)), False
            if has_steps(was.get(ON_ERROR)):
                handler = {ON_ERROR: now[ON_ERROR]} if ON_ERROR in now else {}
                yield from _own_fields(id_, ON_ERROR, {ON_ERROR: was[ON_ERROR]}, handler, whole_step(new, id_))


def _without(fields: JsonObject, *keys: str) -> dict[str, Any]:
    return {key: one for key, one in fields.items() if key not in keys}


def _as_group(was: JsonObject, now: JsonObject) -> dict[str, Any]:
    """Return the fields of a step that becomes a group; its fallback keeps its steps, which leave later."""
    return {**now, ON_ERROR: was[ON_ERROR]} if has_steps(was.get(ON_ERROR)) else {**now}


def _own_fields(
    step: str | None, holder: str, old: JsonObject, new: JsonObject, whole_new: JsonObject
) -> Iterator[tuple[AnyOperation, bool]]:
    """Yield the changes of the fields of a step, or of the workflow; `holder` may hold steps, and is set as a whole."""
    for change in fields_changed(_without(old, holder), _without(new, holder), None):
        yield _operation(step, change), False
    before, after = old.get(holder, ABSENT), new.get(holder, ABSENT)
    if before is not after and (ABSENT in (before, after) or not is_alike(before, after)):
        is_late = before is not ABSENT and has_steps(before)
        value = whole_new[holder] if is_late and after is not ABSENT else after
        yield _operation(step, Change("set", None, (holder,), before, value)), is_late


def _operation(step: str | None, change: Change) -> AnyOperation:
    if change.after is ABSENT:
        return UnsetField(op="unset", step=step, field=list(change.field))
    return SetField(op="set", step=step, field=list(change.field), value=change.after)


class _Moves:
    """Adds and moves steps, list by list, outer before inner."""

    def __init__(self, old: Outline, new: Outline) -> None:
        self._old, self._new = old, new
        self._now = {home: list(ids) for home, ids in old.lists.items()}
        """The lists as they are after the operations so far."""
        self._home = {id_: part.home for id_, part in old.parts.items()}

    def into(self, home: str) -> Iterator[AnyOperation]:
        """Yield the operations that fill a list and those inside its steps."""
        wanted, now = self._new.lists[home], self._now.setdefault(home, [])
        placed_anew = placed([one for one in now if one in wanted], wanted)
        ahead, whole_ones = "", set[str]()
        for id_ in wanted:
            if id_ not in self._old.parts:
                is_whole = not any(one in self._old.parts for one in self._new.inside(id_))
                whole_ones |= {id_} if is_whole else set()
                yield AddStep(op="add", step=self._definition(id_, is_whole=is_whole), **self._target(home, ahead))
                self._put(id_, home, ahead)
            elif id_ in placed_anew and not self._is_there(id_, home, ahead):
                yield MoveSteps(op="move", steps=[id_], **self._target(home, ahead))
                self._put(id_, home, ahead)
            ahead = id_
        for id_ in wanted:
            if id_ not in whole_ones:
                for inner in homes_of(id_):
                    if inner in self._new.lists:
                        yield from self.into(inner)

    def _definition(self, id_: str, *, is_whole: bool) -> dict[str, Any]:
        return whole_step(self._new, id_) if is_whole else {"id": id_, **self._new.parts[id_].fields}

    def _target(self, home: str, ahead: str) -> dict[str, Any]:
        if ahead:
            return {"after": ahead}
        now = self._now[home]
        return {"before": now[0]} if now else {"into": home}

    def _is_there(self, id_: str, home: str, ahead: str) -> bool:
        now = self._now[home]
        return self._home[id_] == home and now.index(id_) == (now.index(ahead) + 1 if ahead else 0)

    def _put(self, id_: str, home: str, ahead: str) -> None:
        if id_ in self._home:
            self._now[self._home[id_]].remove(id_)
        now = self._now[home]
        now.insert(now.index(ahead) + 1 if ahead else 0, id_)
        self._home[id_] = home


def _removals(old: Outline, new: Outline) -> Iterator[AnyOperation]:
    """Yield the removal of the outermost steps that are gone."""
    gone = [id_ for id_ in old.parts if id_ not in new.parts]
    roots = [id_ for id_ in gone if owner_of(old.parts[id_].home) not in gone]
    if roots:
        yield RemoveSteps(op="remove", steps=roots)


def _triggers(old: Outline, new: Outline) -> Iterator[AnyOperation]:
    """Yield the changes of triggers, which are a list but matched by their ids."""
    before, after = (one.fields.get(TRIGGERS, ABSENT) for one in (old, new))
    if not (isinstance(before, Mapping) and isinstance(after, Mapping)):
        if before is not after:
            yield _operation(None, Change("set", None, (TRIGGERS,), before, whole(new).get(TRIGGERS, ABSENT)))
        return
    names = list(before)
    for index, id_ in enumerate(names):
        if id_ in after:
            for change in fields_changed(before[id_], after[id_], None):
                operation = _operation(None, change)
                assert isinstance(operation, SetField | UnsetField)
                yield operation.model_copy(update={"field": [TRIGGERS, index, *change.field]})
    for index in reversed(range(len(names))):  # from the end, so that the indexes before it stay right
        if names[index] not in after:
            yield UnsetField(op="unset", field=[TRIGGERS, index])
    count = sum(id_ in after for id_ in names)
    for number, id_ in enumerate(one for one in after if one not in before):
        yield SetField(op="set", field=[TRIGGERS, count + number], value=after[id_])
