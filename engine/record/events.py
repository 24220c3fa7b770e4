"""What happens to a run, one type per kind of event, and their JSON in the journal.

A run's events are its whole history: its document and all that a resumed run knows follow from them. Each type lists
the members its event may have; `UNSET` marks one that is absent, which is not the same as null: a step may have null as
its output. They are structs of msgspec, because a long run makes and reads tens of thousands of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from engine.base.json_text import compact
from engine.base.statuses import RunStatus, StepStatus
from engine.base.typed_json import decoder_of

if TYPE_CHECKING:
    from engine.base.json_text import JsonObject
    from engine.record.types.run import Stopped
    from engine.record.types.step import (
        Approved,
        AwaitedMail,
        Failure,
        Hold,
        Paused,
        PlannedStep,
        RuleRecord,
        StepEffect,
        StopRecord,
        UsageRecord,
    )
else:  # msgspec knows no read-only members; what another release has written is not checked here
    JsonObject = Stopped = Approved = AwaitedMail = Failure = Hold = Paused = PlannedStep = StepEffect = dict
    RuleRecord = StopRecord = UsageRecord = dict

Text: TypeAlias = str | UnsetType | None
Flag: TypeAlias = bool | UnsetType


def _name(kind: str) -> str:
    """Return the name of a kind of event in the journal: `step_finished`."""
    return re.sub(r"\B(?=[A-Z])", "_", kind).lower()


class _Event(msgspec.Struct, frozen=True, tag=_name, tag_field="type"):
    """Something that happened to a run."""


class RunStarted(_Event, frozen=True):
    """A process began to work on the run."""

    at: str


class RunResumed(_Event, frozen=True):
    """The run continued after a wait, an interruption, a failure or a restart."""

    at: str
    by: Text = UNSET
    """The person who asked for it, or `engine`."""
    answered: Flag = UNSET
    """Whether that person only answered a question, so that what has failed is not done again."""
    newest: Flag = UNSET
    """Whether it continues with another definition than before."""
    previous_hash: Text = UNSET
    """The `workflow_hash` of the definition before."""


class DefinitionTaken(_Event, frozen=True):
    """The definition of the run was replaced with the current one."""

    at: str
    previous_hash: str


class RunWaiting(_Event, frozen=True):
    """Every branch of the run only waits: the run is suspended."""

    at: str
    due_at: str | None = None


class RunFailing(_Event, frozen=True):
    """The run has failed, and its `on_failure` steps begin."""

    at: str
    error: Failure


class RunInterrupted(_Event, frozen=True):
    """The run stopped before its end; a person resumes it."""

    at: str


class RunEnded(_Event, frozen=True):
    """The run ended."""

    at: str
    status: RunStatus
    outputs: Any = UNSET
    error: Failure | UnsetType | None = UNSET
    stopped: Stopped | UnsetType | None = UNSET
    """If a `flow.stop` ended it."""
    on_failure_error: Failure | UnsetType | None = UNSET
    """Why its `on_failure` steps failed."""


class AccountNamed(_Event, frozen=True):
    """The account behind a connection became known."""

    at: str
    connection: str
    account: str


class LoopStarted(_Event, frozen=True):
    """The items of a loop are known."""

    at: str
    path: str
    noun: str
    """The name of its loop variable."""
    items: Sequence[Sequence[Any]]
    """The key and the title of each item."""
    started_at: Text = UNSET


class ItemFinished(_Event, frozen=True):
    """An item of a loop ended."""

    at: str
    path: str
    status: StepStatus
    started_at: Text = UNSET
    error: Failure | UnsetType | None = UNSET
    handled: Flag = UNSET
    """Whether the loop goes on without it: it is not executed again."""
    note: Text = UNSET


class StepListed(_Event, frozen=True):
    """A step that did not end keeps its place in the list of steps."""

    at: str
    path: str
    started_at: Text = UNSET
    title: Text = UNSET
    uses: Text = UNSET
    connection: Text = UNSET
    identity: Text = UNSET
    child_run_id: Text = UNSET


class StepStarted(_Event, frozen=True):
    """A step is about to call a service, or a group or loop began."""

    at: str
    path: str
    title: Text = UNSET
    started_at: Text = UNSET
    uses: Text = UNSET
    connection: Text = UNSET
    arguments: JsonObject | UnsetType | None = UNSET
    identity: Text = UNSET
    approved: Approved | UnsetType = UNSET


class AttemptFailed(_Event, frozen=True):
    """One attempt at a call failed; more may follow."""

    at: str
    path: str
    started_at: str
    ended_at: str
    error: Failure


class ModelFailed(_Event, frozen=True):
    """A model gave no answer, and the next one of the step's `fallback` is asked."""

    at: str
    path: str
    connection: str
    model: str
    error: Failure
    usage: UsageRecord | UnsetType | None = UNSET
    """What it used all the same: a refusal costs money, too."""
    answer: Any | UnsetType = UNSET
    """Of a model that was unsure: the answer that the step keeps if no other model gives one."""


class WriteSettled(_Event, frozen=True):
    """The write of an interrupted step turned out to be made."""

    at: str
    path: str
    output: Any
    effect: StepEffect | None
    started_at: Text = UNSET


class StepWaiting(_Event, frozen=True):
    """A step waits: for a time, a person's answer, mail, or a run that it called."""

    at: str
    path: str
    title: Text = UNSET
    started_at: Text = UNSET
    uses: Text = UNSET
    connection: Text = UNSET
    arguments: JsonObject | UnsetType | None = UNSET
    output: Any = UNSET
    error: Failure | UnsetType | None = UNSET
    effect: StepEffect | UnsetType | None = UNSET
    usage: UsageRecord | UnsetType | None = UNSET
    request: JsonObject | UnsetType | None = UNSET
    due_at: Text = UNSET
    then: Any = UNSET
    """Its output once that time has come."""
    held: Hold | UnsetType | None = UNSET
    """Why a service, or a person, makes it wait."""
    awaits: AwaitedMail | UnsetType = UNSET
    """The mail that it waits for."""
    paused: Paused | UnsetType = UNSET
    """In a debug run: that it pauses before its call."""
    scheduled: Flag = UNSET
    """Whether a mail is held until `due_at`, so that people can stop it."""
    waited: Sequence[str] | UnsetType = UNSET
    """When it began to wait before, of a run that is continued from its log."""
    handled: Flag = UNSET
    fallback: Flag = UNSET
    identity: Text = UNSET
    note: Text = UNSET
    pinned: Flag = UNSET
    replayed: Flag = UNSET
    by_rule: RuleRecord | UnsetType = UNSET
    approval: Text = UNSET
    """The id of the question."""
    call_hash: Text = UNSET
    """If the question is whether the step may make its call: the hash of the call."""
    approved: Approved | UnsetType = UNSET
    child_run_id: Text = UNSET
    people_wait_seconds: float | UnsetType = UNSET
    stops: StopRecord | UnsetType | None = UNSET
    planned: PlannedStep | UnsetType | None = UNSET


class StepFinished(_Event, frozen=True):
    """A step, group or loop ended."""

    at: str
    path: str
    status: StepStatus
    title: Text = UNSET
    started_at: Text = UNSET
    uses: Text = UNSET
    connection: Text = UNSET
    arguments: JsonObject | UnsetType | None = UNSET
    output: Any = UNSET
    error: Failure | UnsetType | None = UNSET
    effect: StepEffect | UnsetType | None = UNSET
    usage: UsageRecord | UnsetType | None = UNSET
    request: JsonObject | UnsetType | None = UNSET
    """What a model was asked."""
    due_at: Text = UNSET
    held: Hold | UnsetType | None = UNSET
    awaits: AwaitedMail | UnsetType = UNSET
    waited: Sequence[str] | UnsetType = UNSET
    """When it began to wait, of a run that is continued from its log."""
    handled: Flag = UNSET
    """Whether the run goes on without it: it is not executed again."""
    fallback: Flag = UNSET
    """Whether the output comes from its `on_error` steps."""
    identity: Text = UNSET
    """The identity of its write."""
    note: Text = UNSET
    pinned: Flag = UNSET
    """Whether a test run used a pinned output instead of running it."""
    replayed: Flag = UNSET
    """Whether the answer of an earlier run was used instead of calling."""
    approval: Text = UNSET
    approved: Approved | UnsetType = UNSET
    """Who approved its call."""
    child_run_id: Text = UNSET
    """The run that it called."""
    people_wait_seconds: float | UnsetType = UNSET
    """For a called agent: how long it has waited for people."""
    stops: StopRecord | UnsetType | None = UNSET
    """If it ended the run."""
    planned: PlannedStep | UnsetType | None = UNSET
    """What a plan says about it instead of running it."""
    attempt_at: Text = UNSET
    """When the attempt that succeeded began, if others failed before."""
    by_rule: RuleRecord | UnsetType = UNSET
    """The rule that answered in place of a model."""


Event: TypeAlias = (
    RunStarted | RunResumed | DefinitionTaken | RunWaiting | RunFailing | RunInterrupted | RunEnded | AccountNamed
    | LoopStarted | ItemFinished | StepListed | StepStarted | AttemptFailed | ModelFailed | WriteSettled | StepWaiting
    | StepFinished
)  # fmt: skip


def members(event: Event) -> dict[str, Any]:
    """Return the members that an event has, by name."""
    found = msgspec.structs.asdict(event)
    for name in [*found]:  # no comprehension, which would be a call for each event
        if found[name] is UNSET:
            del found[name]
    return found


def encoded(event: Event) -> str:
    """Return an event as JSON text for the journal. Raises TypeError for values that are not JSON."""
    return compact({"type": event.__struct_config__.tag, **members(event)})


def decoded(text: str) -> Event:
    """Return the event of a text from the journal; what this release does not know is left out."""
    return _decoder().decode(text)


@cache
def _decoder() -> msgspec.json.Decoder[Event]:
    """Return the decoder of events; it is made when the first one is read, since most commands read none."""
    return decoder_of(Event)
