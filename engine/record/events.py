"""What happens to a run, one type per kind of event, and their JSON in the journal.

A run's events are its whole history: its document and all that a resumed run knows follow from them. Each type lists
what its event may tell; `ABSENT` marks what it does not tell, which is not the same as null: a step may have null as
its output. They are named tuples, because a long run makes and reads tens of thousands of them, and a frozen dataclass
takes five times as long to make.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, Literal, NamedTuple, TypeAlias

from engine.base.statuses import RunStatus, StepStatus

JsonObject: TypeAlias = dict[str, Any]
"""A JSON object whose members belong to users, services or other records."""


class Absent(Enum):
    """The mark of what an event does not tell; false, like null."""

    ABSENT = "absent"

    def __bool__(self) -> Literal[False]:
        return False


ABSENT = Absent.ABSENT
Text: TypeAlias = str | Absent | None
Flag: TypeAlias = bool | Absent
Object: TypeAlias = JsonObject | Absent | None


class RunStarted(NamedTuple):
    """A process began to work on the run."""

    at: str


class RunResumed(NamedTuple):
    """The run continued after a wait, an interruption, a failure or a restart."""

    at: str
    by: Text = ABSENT
    """The person who asked for it, or `engine`."""
    newest: Flag = ABSENT
    """Whether it continues with another definition than before."""
    previous_hash: Text = ABSENT
    """The `workflow_hash` of the definition before."""


class DefinitionTaken(NamedTuple):
    """The definition of the run was replaced with the current one."""

    at: str
    previous_hash: str


class RunWaiting(NamedTuple):
    """Every branch of the run only waits: the run is suspended."""

    at: str
    due_at: str | None = None


class RunFailing(NamedTuple):
    """The run has failed, and its `on_failure` steps begin."""

    at: str
    error: JsonObject


class RunInterrupted(NamedTuple):
    """The run stopped before its end; a person resumes it."""

    at: str


class RunEnded(NamedTuple):
    """The run ended."""

    at: str
    status: RunStatus
    outputs: Any = ABSENT
    error: Object = ABSENT
    stopped: Object = ABSENT
    """If a `flow.stop` ended it: {message}."""
    on_failure_error: Object = ABSENT
    """Why its `on_failure` steps failed."""


class AccountNamed(NamedTuple):
    """The account behind a connection became known."""

    at: str
    connection: str
    account: str


class LoopStarted(NamedTuple):
    """The items of a loop are known."""

    at: str
    path: str
    noun: str
    """The name of its loop variable."""
    items: Sequence[Sequence[Any]]
    """The key and the title of each item."""
    started_at: Text = ABSENT


class ItemFinished(NamedTuple):
    """An item of a loop ended."""

    at: str
    path: str
    status: StepStatus
    started_at: Text = ABSENT
    error: Object = ABSENT
    handled: Flag = ABSENT
    """Whether the loop goes on without it: it is not executed again."""
    note: Text = ABSENT


class StepListed(NamedTuple):
    """A step that did not end keeps its place in the list of steps."""

    at: str
    path: str
    started_at: Text = ABSENT
    title: Text = ABSENT
    uses: Text = ABSENT
    connection: Text = ABSENT
    identity: Text = ABSENT
    child_run_id: Text = ABSENT


class StepStarted(NamedTuple):
    """A step is about to call a service, or a group or loop began."""

    at: str
    path: str
    title: Text = ABSENT
    started_at: Text = ABSENT
    uses: Text = ABSENT
    connection: Text = ABSENT
    arguments: Object = ABSENT
    identity: Text = ABSENT


class AttemptFailed(NamedTuple):
    """One attempt at a call failed; more may follow."""

    at: str
    path: str
    started_at: str
    ended_at: str
    error: JsonObject


class WriteSettled(NamedTuple):
    """The write of an interrupted step turned out to be made."""

    at: str
    path: str
    output: Any
    effect: JsonObject | None
    started_at: Text = ABSENT


class StepWaiting(NamedTuple):
    """A step waits: for a time, a person's answer, or a run that it called."""

    at: str
    path: str
    title: Text = ABSENT
    started_at: Text = ABSENT
    uses: Text = ABSENT
    connection: Text = ABSENT
    arguments: Object = ABSENT
    output: Any = ABSENT
    error: Object = ABSENT
    effect: Object = ABSENT
    usage: Object = ABSENT
    request: Object = ABSENT
    due_at: Text = ABSENT
    then: Any = ABSENT
    """Its output once that time has come."""
    held: Object = ABSENT
    """Why a service, or a person, has it wait."""
    handled: Flag = ABSENT
    fallback: Flag = ABSENT
    identity: Text = ABSENT
    note: Text = ABSENT
    pinned: Flag = ABSENT
    replayed: Flag = ABSENT
    approval: Text = ABSENT
    """The id of the question."""
    child_run_id: Text = ABSENT
    stops: Object = ABSENT


class StepFinished(NamedTuple):
    """A step, group or loop ended."""

    at: str
    path: str
    status: StepStatus
    title: Text = ABSENT
    started_at: Text = ABSENT
    uses: Text = ABSENT
    connection: Text = ABSENT
    arguments: Object = ABSENT
    output: Any = ABSENT
    error: Object = ABSENT
    effect: Object = ABSENT
    usage: Object = ABSENT
    request: Object = ABSENT
    """What a model was asked."""
    due_at: Text = ABSENT
    held: Object = ABSENT
    handled: Flag = ABSENT
    """Whether the run goes on without it: it is not executed again."""
    fallback: Flag = ABSENT
    """Whether the output is that of its `on_error` steps."""
    identity: Text = ABSENT
    """The identity of its write."""
    note: Text = ABSENT
    pinned: Flag = ABSENT
    """Whether a test run used a pinned output instead of running it."""
    replayed: Flag = ABSENT
    """Whether the answer of an earlier run was used instead of calling."""
    approval: Text = ABSENT
    child_run_id: Text = ABSENT
    """The run that it called."""
    stops: Object = ABSENT
    """If it ended the run: {outputs, message}."""
    attempt_at: Text = ABSENT
    """When the attempt that succeeded began, if others failed before."""


Event: TypeAlias = (
    RunStarted | RunResumed | DefinitionTaken | RunWaiting | RunFailing | RunInterrupted | RunEnded | AccountNamed
    | LoopStarted | ItemFinished | StepListed | StepStarted | AttemptFailed | WriteSettled | StepWaiting | StepFinished
)  # fmt: skip
_NAMES: Mapping[type[Event], str] = {
    RunStarted: "run_started",
    RunResumed: "run_resumed",
    DefinitionTaken: "definition_taken",
    RunWaiting: "run_waiting",
    RunFailing: "run_failing",
    RunInterrupted: "run_interrupted",
    RunEnded: "run_ended",
    AccountNamed: "account_named",
    LoopStarted: "loop_started",
    ItemFinished: "item_finished",
    StepListed: "step_listed",
    StepStarted: "step_started",
    AttemptFailed: "attempt_failed",
    WriteSettled: "write_settled",
    StepWaiting: "step_waiting",
    StepFinished: "step_finished",
}
_KINDS: Mapping[str, type[Event]] = {name: kind for kind, name in _NAMES.items()}


def told(event: Event) -> JsonObject:
    """Return what an event tells, by name."""
    return {name: value for name, value in zip(event._fields, event, strict=True) if value is not ABSENT}


def encoded(event: Event) -> JsonObject:
    """Return an event as JSON for the journal."""
    return {"type": _NAMES[type(event)], **told(event)}


def decoded(document: Mapping[str, Any]) -> Event:
    """Return the event of a JSON object from the journal; what this release does not know is left out."""
    fields = dict(document)
    kind = _KINDS[fields.pop("type")]
    try:
        return kind(**fields)
    except TypeError:  # written by another release
        return kind(**{name: value for name, value in fields.items() if name in kind._fields})
