"""Apply operations to the text of a workflow: each is a few splices, and all else stays as its author wrote it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import partial
from typing import Any

from engine.base.errors import InvalidFile, InvalidInput, OrchestraError
from engine.base.json_text import is_same
from engine.base.step_tree import FAILURE, ON_ERROR, step_nodes
from engine.base.wording import did_you_mean, listed
from engine.compiler.definition.model import step_id_fault
from engine.documents.json_file import JsonFile, JsonPath
from engine.documents.json_splice import (
    Layout,
    Splice,
    indent_at,
    inserted,
    members,
    reindented,
    removed,
    replaced,
    span,
    spliced,
)
from engine.workflows.editing.operations import (
    Add,
    AnyOperation,
    Move,
    Notes,
    Remove,
    Rename,
    ReplaceStep,
    Set,
    Unset,
    Unwrap,
    Wrap,
    words,
)
from engine.workflows.editing.steps_in_text import STEPS, StepsInText, read
from engine.workflows.editing.writing import checked, dotted, is_one_line, value_at, writer
from engine.workspace.canonical import form_at
from engine.workspace.step_renames import composed

Renamer = Callable[[JsonFile, str, str], Sequence[Splice]]
"""Returns the splices that change the id of a step everywhere. Raises OrchestraError."""
NOTE = "note"


@dataclass(frozen=True)
class Applied:
    """The text after operations, and the splices that lead to it: each refers to the text that those before it give."""

    text: str
    splices: tuple[Splice, ...]
    words: str
    """The operations, in a few words."""
    renames: tuple[tuple[str, str], ...] = ()
    """The steps that got another id: (old, new)."""


def applied(text: str, file: str, operations: Sequence[AnyOperation], rename: Renamer) -> Applied:
    """Apply operations in order, all or none; `file` is the name used in problems.

    Raises InvalidFile (the text is not a JSON object), InvalidInput (an operation cannot be applied; `field` is its
    place in the list, `operation` its index).
    """
    read(text, file)
    splices: list[Splice] = []
    for index, operation in enumerate(operations):
        try:
            editing = _Editing(text, file, rename)
            editing.apply(operation)
            read(editing.text, file)
        except OrchestraError as error:
            raise _placed(error, index, operation) from error
        splices += editing.splices
        text = editing.text
    renames = composed(*([(one.step, one.to)] for one in operations if isinstance(one, Rename)))
    return Applied(text, tuple(splices), "; ".join(map(words, operations)), renames)


def _placed(error: OrchestraError, index: int, operation: AnyOperation) -> InvalidInput:
    """Return an error that names the operation."""
    said, remedy = error.message, error.remedy
    if isinstance(error, InvalidFile) and error.problems:  # the text after the operation
        first = next((one for one in error.problems if one.severity == "error"), error.problems[0])
        said, remedy = first.message, first.remedy or remedy
    details = {**error.details, "field": f"ops[{index}]", "operation": index}
    return InvalidInput(f"ops[{index}] ({words(operation)}): {said}", remedy=remedy, **details)


class _Editing:
    """One operation on one text; `splices` is what it takes."""

    def __init__(self, text: str, file: str, rename: Renamer) -> None:
        self.text, self._file, self._renamer = text, file, rename
        self.splices: list[Splice] = []

    @property
    def _steps(self) -> StepsInText:
        return read(self.text, self._file)

    def apply(self, operation: AnyOperation) -> None:
        """Apply it, by the method named after it. Raises InvalidInput, and what the renamer raises."""
        getattr(self, f"_{operation.op}")(operation)

    def _change(self, *splices: Splice) -> None:
        self.splices += splices
        self.text = spliced(self.text, splices)

    def _add(self, operation: Add) -> None:
        self._require_new_ids([operation.step])
        path, index = self._target(operation, operation.into or "")
        file = self._steps.file
        write = writer(file, (*path, index), operation.step, is_one_line=is_one_line(file, path))
        self._change(inserted(file, path, index, write))

    def _rename(self, operation: Rename) -> None:
        steps = self._steps
        self._change(*self._renamer(steps.file, steps.node(operation.step).step.id, operation.to))

    def _remove(self, operation: Remove) -> None:
        for step in operation.steps:
            steps = self._steps
            self._change(removed(steps.file, steps.node(step).place))

    def _target(self, operation: Add | Move, into: str) -> tuple[JsonPath, int]:
        """Return (path of the list, index) of the place of a step; make the list if it is missing."""
        beside = operation.after or operation.before
        if beside is not None:
            place = self._steps.node(beside).place
            return place[:-1], int(place[-1]) + (operation.after is not None)
        path = self._steps.list_in(into)
        if path is None:
            self._make_list(into)
            path = self._steps.list_in(into)
        assert path is not None
        return path, len(members(self._steps.file, path).spans)

    def _make_list(self, into: str) -> None:
        steps = self._steps
        holder, key = steps.holder_of(into), STEPS if into == "" else FAILURE if into == FAILURE else ON_ERROR
        if key in value_at(steps.document, holder):
            raise InvalidInput(
                f"{key!r} is {json.dumps(value_at(steps.document, holder)[key])[:60]} here, and not a list of steps.",
                remedy=f"Unset {key!r} first.",
            )
        value: Any = [] if key == STEPS else {STEPS: []}
        self._add_key(steps.file, (*holder, key), value)

    def _move(self, operation: Move) -> None:
        steps = operation.steps
        beside, is_after = operation.after or operation.before, operation.after is not None
        self._require_outside(steps, operation, beside)
        for step in steps:
            at = Move(op="move", steps=[step], after=beside) if is_after else operation
            path, index = self._target(at, operation.into or "")
            file, place = self._steps.file, self._steps.node(step).place
            start, end = span(file, place)
            write = partial(_at_indent, file.text[start:end], indent_at(file.text, start))
            # Put in first, so that what separates the steps of a list can be read from it.
            self._change(inserted(file, path, index, write))
            self._change(removed(self._steps.file, _shifted(place, path, index)))
            if beside is None or is_after:
                beside, is_after = step, True

    def _require_outside(self, steps: Sequence[str], operation: Move, beside: str | None) -> None:
        """Raise InvalidInput if a step is to be moved beside or into itself."""
        found = self._steps
        if len(set(steps)) < len(steps):
            raise InvalidInput(f"A step is named twice: {listed(steps)}.", remedy="Name each once.")
        into = operation.into.partition(".")[0] if operation.into else ""
        target = beside or (into if into != FAILURE else "")
        around = {one.step.id for one in found.node(target).up()} if target else set[str]()
        for step in steps:
            if found.node(step).step.id in around:
                raise InvalidInput(
                    f"The step {step!r} cannot be moved into or beside itself.", remedy="Choose another place."
                )
            if any(one.step.id in steps for one in found.node(step).up() if one.step.id != step):
                raise InvalidInput(
                    f"The step {step!r} is inside another step that is moved.", remedy="Name only the outer one."
                )

    def _wrap(self, operation: Wrap) -> None:
        if STEPS in operation.group:
            raise InvalidInput(
                "'group' has 'steps' of its own.", remedy="Leave them out: those in 'steps' of wrap go in."
            )
        self._require_new_ids([operation.group])
        file = self._steps.file
        path, first = self._steps.siblings(operation.steps)
        found = members(file, path)
        start, end = found.spans[first][0], found.spans[first + len(operation.steps) - 1][1]
        raw, layout = file.text[start:end], found.layout()
        group = writer(file, (*path, first), {**operation.group, STEPS: []}, is_one_line=False)
        self._change(Splice(start, raw, group(layout)))
        write = partial(_at_indent, raw, layout.indent)
        self._change(inserted(self._steps.file, (*path, first, STEPS), 0, write))

    def _unwrap(self, operation: Unwrap) -> None:
        step, steps = operation.step, self._steps
        node, file = steps.node(step), steps.file
        if not node.step.is_group:
            raise InvalidInput(f"The step {step!r} is not a group.", remedy="Only a group can be unwrapped.")
        if isinstance(node.step.json.get(ON_ERROR), Mapping):
            raise InvalidInput(
                f"The group {step!r} has steps in 'on_error', which would be lost.",
                remedy=f"Move them, and unset 'on_error' of {step!r} first.",
            )
        inner = members(file, (*node.place, STEPS))
        if not inner.spans:
            self._change(removed(file, node.place))
            return
        start, end = span(file, node.place)
        raw = reindented(inner.raw(), indent_at(file.text, inner.spans[0][0]), indent_at(file.text, start))
        self._change(Splice(start, file.text[start:end], raw))

    def _replace_step(self, operation: ReplaceStep) -> None:
        steps = self._steps
        node = steps.node(operation.step)
        new = operation.new if "id" in operation.new else {"id": operation.step, **operation.new}
        if new["id"] != operation.step:
            raise InvalidInput(
                f"The new definition has the id {new['id']!r} in place of {operation.step!r}.",
                remedy="Leave 'id' out, and use rename to change it.",
            )
        inside = {one.step.id for one in steps.nodes if node in one.up()}
        self._require_new_ids([new], allowed=inside)
        self._change(replaced(steps.file, node.place, writer(steps.file, node.place, new, is_one_line=False)))

    def _require_new_ids(self, steps: Sequence[Mapping[str, Any]], allowed: AbstractSet[str] = frozenset()) -> None:
        """Raise InvalidInput for an id that is missing, is not one, or is taken."""
        taken = set(self._steps.ids) - allowed
        for node in step_nodes({STEPS: list(steps)}):
            id_ = node.step.json.get("id")
            if not isinstance(id_, str) or not id_:
                raise InvalidInput("A step needs an 'id'.", remedy='Add one, such as "id": "read_mail".')
            fault = step_id_fault(id_)
            if fault is not None:
                raise InvalidInput(f"The id of a step {fault[0]}, not {id_!r}.", remedy=fault[1])
            if id_ in taken:
                raise InvalidInput(
                    f"There is already a step {id_!r}.", remedy=f"Choose another id, such as {_free(id_, taken)!r}."
                )
            taken.add(id_)

    def _path(self, step: str | None, field: Sequence[str | int]) -> JsonPath:
        place = () if step is None else self._steps.node(step).place
        if field[0] == STEPS or (field[0] in (FAILURE, ON_ERROR) and len(field) > 1):
            raise InvalidInput(
                f"{'.'.join(map(str, field))!r} holds steps.",
                remedy="Use add, move, remove or replace_step, which name steps by their ids.",
            )
        if field == ["id"]:
            raise InvalidInput(
                "The id of a step cannot be set or removed."
                if step
                else "The id of a workflow cannot be changed: its receipts and triggers depend on it.",
                remedy="Use rename, which changes the references, too." if step else "Leave 'id' out.",
            )
        return (*place, *self._with_indexes(place, field))

    def _with_indexes(self, place: JsonPath, field: Sequence[str | int]) -> Iterator[str | int]:
        """Yield the parts of a field; digits that name an entry of a list are its index."""
        holder = value_at(self._steps.document, place)
        for part in field:
            is_index = isinstance(holder, list) and isinstance(part, str) and part.isdecimal() and len(part) < 8
            yield (index := int(part) if is_index else part)
            if isinstance(holder, Mapping):
                holder = holder.get(index) if isinstance(index, str) else None
            elif isinstance(holder, list) and isinstance(index, int) and 0 <= index < len(holder):
                holder = holder[index]
            else:
                holder = None

    def _set(self, operation: Set) -> None:
        self._put(self._path(operation.step, operation.field), operation.value)

    def _unset(self, operation: Unset) -> None:
        self._take(self._path(operation.step, operation.field))

    def _put(self, path: JsonPath, value: Any) -> None:
        file = self._steps.file
        holder, depth = self._deepest(path)
        if depth == len(path):
            if not is_same(value_at(file.value, path), checked(value)):
                self._change(replaced(file, path, writer(file, path, value, is_one_line=False)))
            return
        if any(isinstance(part, int) for part in path[depth + 1 :]):
            raise InvalidInput(f"{dotted(path)}: there is no list yet.", remedy="Set the list as a whole.")
        for part in reversed(path[depth + 1 :]):
            value = {part: value}
        if holder == []:
            self._change(replaced(file, path[:depth], writer(file, path[:depth], [value], is_one_line=False)))
        elif isinstance(holder, list):
            self._change(
                inserted(file, path[:depth], len(holder), writer(file, path[: depth + 1], value, is_one_line=False))
            )
        else:
            self._add_key(file, path[: depth + 1], value)

    def _deepest(self, path: JsonPath) -> tuple[Any, int]:
        """Return (what is there, its depth) of the longest part of a path that exists.

        Raises InvalidInput if the rest of the path cannot be made.
        """
        holder: Any = self._steps.document
        for depth, part in enumerate(path):
            if isinstance(holder, Mapping) and isinstance(part, str):
                if part not in holder:
                    return holder, depth
            elif isinstance(holder, list) and isinstance(part, int):
                if part == len(holder) and depth == len(path) - 1:
                    return holder, depth
                if not 0 <= part < len(holder):
                    raise InvalidInput(
                        f"{dotted(path[:depth])} has {len(holder)} entries, and no number {part} (from 0).",
                        remedy=f"Give 0 to {len(holder)}; {len(holder)} adds one.",
                    )
            else:
                raise _no_way(path, depth, holder)
            holder = holder[part]
        return holder, len(path)

    def _add_key(self, file: JsonFile, path: JsonPath, value: Any) -> None:
        """Add a key where the canonical form has it: behind the nearest of the keys that come before it."""
        key = str(path[-1])
        there = [str(one) for one in members(file, path[:-1]).keys]
        order = form_at("workflow", path[:-1]).keys
        ahead = order[: order.index(key)] if key in order else there
        where = max((there.index(one) + 1 for one in ahead if one in there), default=0)
        write = writer(file, path, value, is_one_line=False)
        self._change(inserted(file, path[:-1], where, write, key))

    def _take(self, path: JsonPath) -> None:
        file = self._steps.file
        holder: Any = file.value
        for depth, part in enumerate(path):
            known = list(holder) if isinstance(holder, Mapping) else []
            is_entry = isinstance(holder, list) and isinstance(part, int) and 0 <= part < len(holder)
            if part not in known and not is_entry:
                near = did_you_mean(str(part), known) if known else ""
                raise InvalidInput(f"{dotted(path[: depth + 1])} is not there.", remedy=near or "Leave this out.")
            holder = holder[part]
        self._change(removed(file, path))

    def _notes(self, operation: Notes) -> None:
        node = self._steps.node(operation.step)
        if operation.text:
            self._put((*node.place, NOTE), operation.text)
        elif NOTE in node.step.json:
            self._take((*node.place, NOTE))


def _no_way(path: JsonPath, depth: int, holder: Any) -> InvalidInput:
    there = "text" if isinstance(holder, str) else "an object" if isinstance(holder, dict) else json.dumps(holder)
    if isinstance(holder, list):
        return InvalidInput(f"{dotted(path[:depth])} is a list.", remedy='Name an entry by its number: ["links", 0].')
    return InvalidInput(
        f"{dotted(path[:depth])} is {there}, and has no part {path[depth]!r}.", remedy="Set it as a whole."
    )


def _free(id_: str, taken: set[str]) -> str:
    return next(name for number in range(2, len(taken) + 3) if (name := f"{id_[:60]}_{number}") not in taken)


def _shifted(place: JsonPath, path: JsonPath, index: int) -> JsonPath:
    """Return where a step is after an insertion into the list at `path`."""
    depth = len(path)
    if place[:depth] == path and len(place) > depth and index <= int(place[depth]):
        return (*path, int(place[depth]) + 1, *place[depth + 1 :])
    return place


def _at_indent(raw: str, old: str, layout: Layout) -> str:
    return reindented(raw, old, layout.indent)
