"""What a step type is: its fields, its output, its effect on the world, and how one call is made."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from clients.errors import Conflict, NotFound
from engine.run_file import RunFile

JsonValue = Any
"""A plain JSON value: None, bool, int, float, str, list or dict of such."""


class Effect(StrEnum):
    """What a call does to the world outside."""

    PURE = "pure"
    READS = "reads"
    WRITES = "writes"


class Repeat(StrEnum):
    """What sending a write twice means."""

    SAFE = "safe"
    """The same write twice changes nothing more (add a label)."""
    FINDABLE = "findable"
    """The service can be asked whether the first one arrived (`StepType.find`)."""
    UNFINDABLE = "unfindable"
    """Nobody can tell; it is never sent again without a person."""


class Role(StrEnum):
    """What a field means to the one who must trust the workflow."""

    CONTENT = "content"
    """Takes text from outside."""
    DESTINATION = "destination"
    """Where it goes: recipient, repository, URL, database, path. Text from outside may not decide it."""
    INSTRUCTION = "instruction"
    """What a model is told to do. Text from outside may not decide it."""
    OPTION = "option"
    """Anything else: numbers, switches, filters."""


def _role(role: Role, title: str, default: Any, extra: dict[str, Any]) -> Any:
    schema = {"role": str(role)}
    for key in ("format", "widget"):
        if key in extra:
            schema[key] = extra.pop(key)
    return Field(default, title=title, json_schema_extra=dict(schema), **extra)


def content(title: str, default: Any = ..., **extra: Any) -> Any:
    """Declare a field that takes text from outside."""
    return _role(Role.CONTENT, title, default, extra)


def destination(title: str, default: Any = ..., **extra: Any) -> Any:
    """Declare a field that decides where something goes; `format` names the picker, e.g. `github-repository`."""
    return _role(Role.DESTINATION, title, default, extra)


def instruction(title: str, default: Any = ..., **extra: Any) -> Any:
    """Declare a field that tells a model what to do."""
    return _role(Role.INSTRUCTION, title, default, extra)


def option(title: str, default: Any = ..., **extra: Any) -> Any:
    """Declare any other field."""
    return _role(Role.OPTION, title, default, extra)


def outside(title: str, default: Any = ..., **extra: Any) -> Any:
    """Declare an output field that holds text from outside (a subject, a body, a comment)."""
    return Field(default, title=title, json_schema_extra={"outside": True}, **extra)


class Fields(BaseModel):
    """The arguments of one call; an unknown name is an error."""

    model_config = ConfigDict(extra="forbid", strict=False, arbitrary_types_allowed=False)


class Output(BaseModel):
    """The answer of one call, as workflows see it."""

    model_config = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class Receipt:
    """What the service gave in return for a write: its own id, and an address that a person can open."""

    id: str
    url: str = ""


@dataclass
class Usage:
    """Tokens of model calls, added up over attempts; `cost_usd` is None where the price is not known."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None


def _no_files(file: RunFile) -> bytes:
    raise LookupError(f"there is no run that holds {file.name!r}")


@dataclass
class Call:
    """One call of one step: what it gets, and where it leaves what a person wants to see later."""

    fields: Any
    """An instance of the step type's `fields` model."""
    client: Any = None
    """The opened client of the step's connection (a class of `clients/`), or None."""
    marker: str = ""
    """Writes only: 32 letters and digits, the same for every attempt of the same write, never for another."""
    intended_at: datetime | None = None
    """Writes only: when this write was first about to be sent; nothing older can be its effect."""
    attempt: int = 1
    started_at: datetime | None = None
    """When this attempt began (aware, UTC): steps that need the time take it from here."""
    made_by_others: frozenset[str] = frozenset()
    """Writes without a marker that are looked for or made again: ids (of receipts) that are other writes' work."""
    prompts: Mapping[str, Any] = field(default_factory=dict)
    """The prompts of the run's definition, by the reference that the step's `prompt` field holds."""
    render: Callable[[Any, Mapping[str, JsonValue]], list[dict[str, str]]] | None = None
    """Fills a prompt's variables: (prompt, variables) -> messages [{role, content}]."""
    usage: Usage = field(default_factory=Usage)
    request: dict[str, JsonValue] = field(default_factory=dict)
    """What was really sent, where it says more than the arguments (a model's rendered messages)."""
    read: Callable[[RunFile], bytes] = _no_files
    """Gives the content of a file that a field holds; read before anything is sent. Raises InvalidRequest."""
    on_text: Callable[[str], None] | None = None
    """Takes a model's answer piece by piece, for people who watch the run; nothing depends on it. None: nobody can."""

    @property
    def is_again(self) -> bool:
        """Whether an earlier attempt, maybe of a process that is gone, may have written something."""
        if self.intended_at is None or self.started_at is None:
            return self.attempt > 1
        return self.attempt > 1 or self.started_at - self.intended_at > timedelta(seconds=1)


@dataclass(frozen=True)
class WaitUntil:
    """Returned instead of an output: the run waits, without a thread, until `due_at`, then has `output`."""

    due_at: datetime
    output: dict[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True)
class StopRun:
    """Returned instead of an output: the run ends here, succeeded, with these outputs; nothing new starts."""

    outputs: dict[str, JsonValue] = field(default_factory=dict)
    message: str = ""


@dataclass(frozen=True)
class AskPerson:
    """Returned instead of an output: the run waits until a person approves (`approvals`), or says no."""

    message: str
    details: JsonValue = None
    """What the person is shown beside the message."""


@dataclass(frozen=True)
class CallWorkflow:
    """Returned instead of an output: another workflow runs as a run of its own; its outputs are the output."""

    workflow: str
    inputs: dict[str, JsonValue] = field(default_factory=dict)


Wish = WaitUntil | StopRun | AskPerson | CallWorkflow
"""What a step may want of the engine instead of giving an output."""

Result = JsonValue | Wish
"""What `StepType.call` may return."""


@dataclass(frozen=True)
class Written:
    """A write that a run made, as its log tells it: what `StepType.undo` and `update` work from."""

    arguments: Mapping[str, JsonValue]
    output: JsonValue
    receipt: Receipt
    marker: str
    """The marker that the write bears in the service."""
    done_at: datetime
    updated: bool = False
    """Whether it brought to new fields what an earlier write had made: what that said before is known to nobody."""
    taken_back: AbstractSet[str] = frozenset()
    """Undo: the markers of what the run wrote and the undo took back before this one, and of what that took."""


class CannotUndo(Exception):
    """An undo that must not be made: somebody changed the target since; the message says what."""


@contextmanager
def changes_respected() -> Iterator[None]:
    """Turn a client's Conflict, which says what somebody changed since, into CannotUndo."""
    try:
        yield
    except Conflict as error:
        raise CannotUndo(error.message) from error


_GONE = "It was deleted since. `orchestra runs rerun RUN --force` writes it anew."


@contextmanager
def gone_explained() -> Iterator[None]:
    """Say what to do where the thing to update is there no more."""
    try:
        yield
    except NotFound as error:
        error.remedy = _GONE
        raise


_UPDATED = "It brought up to date what an earlier run had made, and what it said before is not known."


class Kind(ABC):
    """What `uses` can name: a step type or a trigger type."""

    name: ClassVar[str]
    """`service.action`, the value of `uses`."""
    title: ClassVar[str]
    """What it does, for people: "Create an issue"."""
    service: ClassVar[str | None] = None
    """The service whose connection it needs; None for none."""
    connection_optional: ClassVar[bool] = False
    fields: ClassVar[type[Fields]]

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Mapping[str, Any]) -> list[tuple[str, str]]:
        """What the schema of the fields cannot say: [(field, message)]; called by the compiler."""
        return []


class StepType(Kind):
    """One kind of step. A new one is a class in a new file of `engine/steps/`; everything else finds it there."""

    done: ClassVar[str] = ""
    """Writes: what has happened to a thing it was done to, in one word: "labelled"."""
    effect: ClassVar[Effect] = Effect.PURE
    repeat: ClassVar[Repeat | None] = None
    lag_seconds: ClassVar[float] = 0.0
    """Findable writes: how long the service may still hide a fresh write from `find`."""
    timeout_seconds: ClassVar[float] = 60.0
    hands_on: ClassVar[frozenset[str]] = frozenset()
    """Fields that `call` only puts into its result: what is large in them is not read (see engine/runner/values.py)."""
    streams: ClassVar[bool] = False
    """Models: whether the answer is text that people can see come (`Call.on_text`)."""
    is_for_output: ClassVar[bool] = False
    """Pure ones: whether the output is all that it is for, so that one which nothing uses was not meant."""
    output: ClassVar[type[Output] | None] = None
    """None where the shape depends on the fields: then override `output_schema`."""

    @abstractmethod
    def call(self, call: Call) -> Result:
        """Make one attempt and return the output.

        Runs in a worker thread (pure ones on the engine's loop: they must not block). Raises ServiceError.
        """

    def find(self, call: Call) -> JsonValue | None:
        """Findable writes: the output as `call` would have given it, if this very write arrived, else None.

        Must use a read that the service keeps consistent, never a search index. Raises OutcomeUnknown where this
        account cannot tell: then a person is asked, as for unfindable writes.
        """
        raise NotImplementedError(self.name)

    def is_marked(self, fields: Any) -> bool:
        """Findable writes: whether what it makes bears the marker; if not, what an equal write makes looks the same.

        Then `call.made_by_others` tells what to leave out, and where an equal write is open itself a person decides.
        """
        return True

    undoes: ClassVar[str] = ""
    """Writes: what undoing it does, for people: "closes the issue with a note". Empty: it cannot be undone."""
    stays: ClassVar[str] = ""
    """Writes with `undoes`: what is left in the service all the same: "the closed issue and the note"."""
    lasts: ClassVar[str] = "There is no way to take it back."
    """Writes without `undoes`: why it cannot be undone, as a sentence."""

    def why_kept(self, written: Written) -> str:
        """Writes: why this one cannot be taken back whatever the service says; empty where it can. Asks no service."""
        if not self.undoes:
            return self.lasts
        return _UPDATED if written.updated else ""

    def undo(self, call: Call, written: Written) -> None:
        """Writes with `undoes`: take the write back. Doing it again after it was done must change nothing more.

        `call.fields` are the fields it was made with, `call.marker` marks what the undo itself writes (a note).
        Raises CannotUndo where somebody changed the target since, ServiceError.
        """
        raise NotImplementedError(self.name)

    updates: ClassVar[bool] = False
    """Writes: whether `update` can bring what an earlier write made to new fields."""

    def update(self, call: Call, written: Written) -> JsonValue:
        """Writes with `updates`: change what an earlier write made to `call.fields`, and return the new output.

        Doing it twice is the same as once. Raises ServiceError (NotFound where it is gone).
        """
        raise NotImplementedError(self.name)

    def receipt(self, output: JsonValue) -> Receipt:
        """Writes: what to keep of an output for ever."""
        return Receipt(id=str(output.get("id", "")), url=str(output.get("url", "")))

    def target(self, fields: Any) -> str:
        """Writes: writes with the same target run one at a time (a repository, a database)."""
        return ""

    def effect_of(self, arguments: Mapping[str, JsonValue]) -> tuple[Effect, Repeat | None]:
        """The effect of a call with these arguments, where it depends on them (an HTTP method)."""
        return self.effect, self.repeat

    def output_schema(self, arguments: Mapping[str, JsonValue], prompts: Mapping[str, Any]) -> dict[str, JsonValue]:
        """JSON Schema of the output, for the compiler.

        `arguments` are the step's fields as written (with their `{{ }}`); `prompts` the prompts that it names.
        """
        return self.output.model_json_schema(mode="serialization") if self.output else {}
