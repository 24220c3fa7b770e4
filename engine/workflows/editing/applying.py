"""Apply operations to the text of a workflow: each is a few splices, and all else stays as its author wrote it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from itertools import groupby
from typing import Any

from msgspec import Struct

from clients.wording import listed
from engine.base.errors import InvalidFile, InvalidInput, OrchestraError
from engine.base.step_tree import FAILURE, ON_ERROR, step_nodes
from engine.compiler.definition.identifiers import step_id_fault
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
)
from engine.workflows.editing.edited_text import EditedText
from engine.workflows.editing.operations import (
    AddStep,
    AnyOperation,
    MoveSteps,
    RemoveSteps,
    RenameStep,
    ReplaceStep,
    SetField,
    SetNotes,
    UnsetField,
    UnwrapGroup,
    WrapSteps,
    words,
)
from engine.workflows.editing.step_homes import STEPS, ids_in, ids_inside
from engine.workflows.editing.steps_in_text import StepsInText, read
from engine.workflows.editing.writing import is_one_line, value_at, writer
from engine.workspace.step_renames import StepRenames, composed

Renamer = Callable[[JsonFile, StepRenames], Sequence[Splice]]
"""Returns the splices that change the ids of steps everywhere. Raises OrchestraError."""
NOTE = "note"


class Applied(Struct, frozen=True):
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
    place in the list, `operation` its index, `reason` the message without it).
    """
    editing = _Editing(read(text, file), rename)
    for is_rename, together in groupby(enumerate(operations), lambda one: isinstance(one[1], RenameStep)):
        _apply(editing, list(together), is_one_change=is_rename)
    text, splices = editing.steps.file.text, editing.splices
    read(text, file)  # once more as a whole, as it will be read from now on
    renames = composed(
        *([(one.step, one.to)] for one in operations if isinstance(one, RenameStep) and one.number is None)
    )
    return Applied(text, tuple(splices), "; ".join(map(words, operations)), renames)


def _apply(editing: _Editing, operations: Sequence[tuple[int, AnyOperation]], *, is_one_change: bool = False) -> None:
    """Apply operations in order, each with its index; with `is_one_change`, renames that do not meet at once."""
    renames = [one for _, one in operations if isinstance(one, RenameStep)] if is_one_change else []
    if len(renames) > 1:
        if not editing.renamed(renames):
            half = len(operations) // 2  # some of them meet: smaller parts can still be one change
            _apply(editing, operations[:half], is_one_change=True)
            _apply(editing, operations[half:], is_one_change=True)
        return
    for index, operation in operations:
        try:
            editing.apply(operation)
        except OrchestraError as error:
            raise _placed(error, index, operation) from error


def _placed(error: OrchestraError, index: int, operation: AnyOperation) -> InvalidInput:
    """Return an error that names the operation."""
    said, remedy = error.message, error.remedy
    if isinstance(error, InvalidFile) and error.problems:  # the text after the operation
        first = next((one for one in error.problems if one.severity == "error"), error.problems[0])
        said, remedy = first.message, first.remedy or remedy
    details = {**error.details, "field": f"ops[{index}]", "operation": index, "reason": said}
    return InvalidInput(f"ops[{index}] ({words(operation)}): {said}", remedy=remedy, **details)


class _Editing(EditedText):
    """Operations on one text."""

    def __init__(self, steps: StepsInText, rename: Renamer) -> None:
        super().__init__(steps)
        self._renamer = rename

    def apply(self, operation: AnyOperation) -> None:
        """Apply it, by the method named after it. Raises InvalidInput, and what the renamer raises."""
        getattr(self, f"_{operation.op}")(operation)

    def _add(self, operation: AddStep) -> None:
        self._require_new_ids([operation.step])
        path, index = self._target(operation, operation.into or "")
        file = self._steps.file
        write = writer(file, (*path, index), operation.step, is_one_line=is_one_line(file, path))
        self._change(inserted(file, path, index, write))

    def _rename(self, operation: RenameStep) -> None:
        steps = self._steps
        if operation.number is not None:
            self._tell_apart(operation.step, operation.number, operation.to)
            return
        self._change(*self._renamer(steps.file, [(steps.node(operation.step).step.id, operation.to)]))

    def _tell_apart(self, step: str, number: int, to: str) -> None:
        """Give one of several steps with the same id another one."""
        nodes = [one for one in self._steps.nodes if one.step.id == step]
        if number > len(nodes):
            said = f"There are {len(nodes)} steps {step!r}, and no number {number}."
            raise InvalidInput(said, remedy="Count them from 1, in the order of the file.")
        fault = step_id_fault(to)
        if fault is not None or to in self._steps.ids:
            said = f"The id {to!r} is taken." if fault is None else f"'to' {fault[0]}, not {to!r}."
            raise InvalidInput(said, remedy="Choose another one." if fault is None else fault[1])
        self._put((*nodes[number - 1].place, "id"), to)

    def renamed(self, operations: Sequence[RenameStep]) -> bool:
        """Return whether all of these could be done at once, which takes no longer than one; else nothing is done."""
        if any(one.number is not None for one in operations):
            return False
        if len({id_ for one in operations for id_ in (one.step, one.to)}) < 2 * len(operations):
            return False
        steps = self._steps
        try:
            self._change(*self._renamer(steps.file, [(steps.node(one.step).step.id, one.to) for one in operations]))
        except OrchestraError:
            return False
        return True

    def _remove(self, operation: RemoveSteps) -> None:
        for step in operation.steps:
            steps = self._steps
            self._change(removed(steps.file, steps.node(step).place))

    def _target(self, operation: AddStep | MoveSteps, into: str) -> tuple[JsonPath, int]:
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

    def _move(self, operation: MoveSteps) -> None:
        steps = operation.steps
        beside, is_after = operation.after or operation.before, operation.after is not None
        self._require_outside(steps, operation, beside)
        for step in steps:
            at = MoveSteps(op="move", steps=[step], after=beside) if is_after else operation
            path, index = self._target(at, operation.into or "")
            file, place = self._steps.file, self._steps.node(step).place
            start, end = span(file, place)
            write = partial(_at_indent, file.text[start:end], indent_at(file.text, start))
            # Put in first, so that what separates the steps of a list can be read from it.
            self._change(inserted(file, path, index, write))
            self._change(removed(self._steps.file, _shifted(place, path, index)))
            if beside is None or is_after:
                beside, is_after = step, True

    def _require_outside(self, steps: Sequence[str], operation: MoveSteps, beside: str | None) -> None:
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

    def _wrap(self, operation: WrapSteps) -> None:
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

    def _unwrap(self, operation: UnwrapGroup) -> None:
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
        self._require_new_ids([new], allowed=set(ids_inside(node.step.json)))
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

    def _set(self, operation: SetField) -> None:
        path, steps = self._path(operation.step, operation.field), self._steps
        new = _steps_of(operation) if operation.field in ([FAILURE], [ON_ERROR]) else None
        if new is not None:
            self._require_new_ids(new, allowed=set(ids_in(value_at(steps.document, path[:-1]), str(path[-1]))))
        self._put(path, operation.value)

    def _unset(self, operation: UnsetField) -> None:
        self._take(self._path(operation.step, operation.field))

    def _notes(self, operation: SetNotes) -> None:
        node = self._steps.node(operation.step)
        if operation.text:
            self._put((*node.place, NOTE), operation.text)
        elif NOTE in node.step.json:
            self._take((*node.place, NOTE))


def _steps_of(operation: SetField) -> list[Any] | None:
    """Return the steps in the value of `on_failure` or `on_error`; None if it has no list of steps."""
    value = operation.value.get(STEPS) if isinstance(operation.value, Mapping) else operation.value
    return value if isinstance(value, list) and all(isinstance(one, Mapping) for one in value) else None


def _free(id_: str, taken: set[str]) -> str:
    # An id has at most 64 characters.
    return next(name for number in range(2, len(taken) + 3) if (name := f"{id_[:60]}_{number}") not in taken)


def _shifted(place: JsonPath, path: JsonPath, index: int) -> JsonPath:
    """Return where a step is after an insertion into the list at `path`."""
    depth = len(path)
    if place[:depth] == path and len(place) > depth and index <= int(place[depth]):
        return (*path, int(place[depth]) + 1, *place[depth + 1 :])
    return place


def _at_indent(raw: str, old: str, layout: Layout) -> str:
    return reindented(raw, old, layout.indent)
