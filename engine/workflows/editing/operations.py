"""The operations of the edit language, as they come: `{"ops": [{"op": "remove", "steps": ["label"]}]}`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from clients.wording import did_you_mean, listed
from engine.base.errors import InvalidInput
from engine.documents.shapes import Misfit, faults

MOST = 500
"""The most operations that are applied at once."""
MOST_STEPS = 1_000
"""The most steps that they may name together: each is a pass over the text."""
PathPart = str | int
_Id = Annotated[str, Field(min_length=1, max_length=64)]
_Ids = Annotated[list[_Id], Field(min_length=1, max_length=MOST_STEPS)]


def _parts(field: Any) -> Any:
    """Return a path as a list; a text has its parts joined by dots."""
    return field.split(".") if isinstance(field, str) else field


FieldPath = Annotated[list[PathPart], BeforeValidator(_parts), Field(min_length=1, max_length=64)]
"""`with.title`, or a list of keys and indexes if a key has a dot: `["with", "headers", "X.Y"]`."""


class Operation(BaseModel):
    """The base of all operations."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Placed(Operation):
    """An operation that takes steps to a place; without one: to the end of the workflow."""

    after: _Id | None = None
    before: _Id | None = None
    into: Annotated[str, Field(max_length=80)] | None = None
    """The end of a group (`each_mail`), of a fallback (`label.on_error`), of `on_failure`, or "" for the workflow."""

    @model_validator(mode="after")
    def _one_place(self) -> _Placed:
        given = [name for name in ("after", "before", "into") if getattr(self, name) is not None]
        if len(given) > 1:
            raise Misfit(f"has both {given[0]!r} and {given[1]!r}", "Name one place: after, before or into.")
        return self


class AddStep(_Placed):
    """Add a new step."""

    op: Literal["add"]
    step: dict[str, Any]


class MoveSteps(_Placed):
    """Move steps, in the given order."""

    op: Literal["move"]
    steps: _Ids


class SetField(Operation):
    """Set a field of a step, or of the workflow if there is no `step`."""

    op: Literal["set"]
    step: _Id | None = None
    field: FieldPath
    value: Any


class UnsetField(Operation):
    """Remove a field of a step, or of the workflow if there is no `step`."""

    op: Literal["unset"]
    step: _Id | None = None
    field: FieldPath


class RenameStep(Operation):
    """Change the id of a step, and with it every reference to the step."""

    op: Literal["rename"]
    step: _Id
    to: _Id
    number: Annotated[int, Field(ge=1, le=MOST_STEPS)] | None = None
    """Which one of several steps with this id, from 1 in file order; references stay as they are."""


class WrapSteps(Operation):
    """Put steps that follow each other into a new group."""

    op: Literal["wrap"]
    steps: _Ids
    group: dict[str, Any]


class UnwrapGroup(Operation):
    """Put the steps of a group in its place."""

    op: Literal["unwrap"]
    step: _Id


class RemoveSteps(Operation):
    """Remove steps; what still refers to them is a problem of the workflow."""

    op: Literal["remove"]
    steps: _Ids


class ReplaceStep(Operation):
    """Put another definition in place of a step, which keeps its id."""

    op: Literal["replace_step"]
    step: _Id
    new: dict[str, Any]


class SetNotes(Operation):
    """Set the note of a step for its readers; an empty text removes it."""

    op: Literal["notes"]
    step: _Id
    text: Annotated[str, Field(max_length=10_000)]


AnyOperation = (
    AddStep
    | MoveSteps
    | SetField
    | UnsetField
    | RenameStep
    | WrapSteps
    | UnwrapGroup
    | RemoveSteps
    | ReplaceStep
    | SetNotes
)
_BY_NAME: dict[str, type[AnyOperation]] = {
    get_args(kind.model_fields["op"].annotation)[0]: kind for kind in get_args(AnyOperation)
}


def schema() -> dict[str, Any]:
    """Return the JSON Schema of one operation."""
    return {"oneOf": [kind.model_json_schema() for kind in _BY_NAME.values()]}


def operations(sent: object) -> list[AnyOperation]:
    """Return the operations in a list of JSON objects. Raises InvalidInput with the place, the value and a remedy."""
    if not isinstance(sent, list) or not sent:
        raise InvalidInput(
            f"'ops' must be a list with at least one operation, not {_shown(sent)}.",
            remedy='Send {"ops": [{"op": "remove", "steps": ["label"]}]}.',
            field="ops",
        )
    if len(sent) > MOST:
        raise InvalidInput(f"There are {len(sent)} operations; at most {MOST} are applied at once.", field="ops")
    found = [_operation(index, one) for index, one in enumerate(sent)]
    steps = sum(len(one.steps) for one in found if isinstance(one, MoveSteps | WrapSteps | RemoveSteps))
    if steps > MOST_STEPS:
        raise InvalidInput(
            f"The operations name {steps:,} steps; at most {MOST_STEPS:,} are changed at once.",
            remedy="Send them in parts.",
            field="ops",
        )
    return found


def _operation(index: int, sent: object) -> AnyOperation:
    place = f"ops[{index}]"
    if not isinstance(sent, dict):
        raise InvalidInput(f"{place} must be an object, not {_shown(sent)}.", field=place)
    name = sent.get("op")
    kind = _BY_NAME.get(name) if isinstance(name, str) else None
    if kind is None:
        near = did_you_mean(name, list(_BY_NAME)) if isinstance(name, str) else ""
        raise InvalidInput(
            f"{place}: there is no operation {_shown(name)}.",
            remedy=near or f"There are: {listed(list(_BY_NAME))}.",
            field=f"{place}.op",
        )
    try:
        return kind.model_validate(sent)
    except ValidationError as error:
        fault = faults(error, kind, sent)[0]
        where = ".".join([place, *(str(part) for part in fault.path)])
        raise InvalidInput(f"{place} ({name}): {fault.message}", remedy=fault.remedy, field=where) from error


def _shown(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:60]}…"


def words(operation: AnyOperation) -> str:
    """Return an operation in a few words, for lists and messages: `set with.title of issue`."""
    return " ".join(_words(operation))


def _words(operation: AnyOperation) -> Iterator[str]:
    yield operation.op
    match operation:
        case AddStep():
            yield str(operation.step.get("id", "a step"))
        case SetField() | UnsetField():
            yield ".".join(map(str, operation.field))
            yield f"of {operation.step or 'the workflow'}"
        case MoveSteps() | RemoveSteps() | WrapSteps():
            yield ", ".join(operation.steps)
        case RenameStep():
            yield f"{operation.step} to {operation.to}"
        case _:
            yield operation.step
