"""A call of a step type, as its attempts need it, and the result of a successful one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field
from pydantic import JsonValue

from clients.models.metering import Meter
from engine.base.json_text import JsonObject
from engine.base.lazy_values import complete, opened
from engine.base.plain_values import IsGiven, any_file, plain_json
from engine.base.run_file import places_in
from engine.base.statuses import Priority
from engine.compiler.definition.plan import PlannedFallback, Retry
from engine.plugins.step import Call, Embedder, Repeat, StepType, Usage, WaitForMail
from engine.record.run_files import RunFiles
from engine.record.types.step import StepEffect
from engine.runner.effects.live import StepAnswers
from engine.store.ledger import IntendedWrite

if TYPE_CHECKING:
    from engine.connections.accounts import Account


class Attempt(Struct, frozen=True):
    """One failed attempt."""

    started_at: datetime
    ended_at: datetime
    error: Exception


class Remarks(Struct):
    """What a step leaves beside its output, summed over its attempts; its calls fill the members."""

    usage: Usage = field(default_factory=Usage)
    request: dict[str, JsonValue] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    kept: dict[str, Any] = field(default_factory=dict)
    """What an attempt has left for the next one."""


class Done(Struct, frozen=True):
    """The result of a successful call."""

    output: Any
    effect: StepEffect | None = None
    remarks: Remarks = field(default_factory=Remarks)
    began_at: datetime | None = None
    """When the latest attempt began; None if nothing was sent."""


Guard = Callable[[], AbstractContextManager[None]]
"""Returns what a call is made in: `reads_only` (clients/reads_only.py) for a plan."""


class Job(Struct, frozen=True):
    """A call to be made."""

    step_type: StepType
    make_fields: Callable[[], Any]
    """Returns the fields of the call; values kept in files are read again each time, and not held in memory."""
    repeat: Repeat | None
    retry: Retry | None
    timeout_seconds: float
    account: Account | None
    prompts: JsonObject
    render: Callable[[Any, Mapping[str, Any]], list[dict[str, str]]]
    on_attempt: Callable[[Attempt], None]
    files: RunFiles
    write: IntendedWrite | None = None
    arguments: JsonObject | None = None
    """Of a write: the values of its fields; large values are in files."""
    receipts: str = "reuse"
    """How to use the receipt of the same write: `reuse` it, or `update` what was made (docs/files.md: Run)."""
    failed_before: int = 0
    """Attempts that failed before the service asked to wait; they still count."""
    watch: StepAnswers | None = None
    """Where people watch the answer arrive; None if nobody can watch."""
    guard: Guard = nullcontext
    """Entered in the thread that makes the call, around it."""
    other_model: PlannedFallback | None = None
    """The model of the step's `fallback` to ask; None: the step's own."""
    has_next_model: bool = False
    """Whether another model is asked if this one gives no answer."""
    embedder: Account | None = None
    """The account of the model that makes vectors, beside `account`."""
    meter: Meter | None = None
    """What permits and counts requests to models; None: nothing counts them."""
    priority: Priority = Priority.NORMAL
    """While more calls wait than a connection takes at once."""
    is_seen: bool = False
    """Whether a person has seen exactly this write."""
    waited: WaitForMail | None = None
    """What the run has waited for since the call was made before."""
    approval_wait: timedelta = timedelta()
    """How long the run has waited for people to approve calls, and agents that it has called for people."""

    @property
    def fields(self) -> Any:
        """The fields of the call. Raises InvalidFile if the file of a value is gone."""
        return self.make_fields()

    def call(self, number: int, started_at: datetime, remarks: Remarks, intended_at: datetime | None = None) -> Call:
        """Return the argument of the step for one attempt; number 0 is a look-up."""
        return Call(
            fields=self.make_fields(),
            client=self.account.client if self.account else None,
            marker=self.write.marker if self.write else "",
            intended_at=intended_at,
            attempt=number,
            started_at=started_at,
            waited=self.waited,
            approval_wait=self.approval_wait,
            is_seen=self.is_seen,
            prompts=self.prompts,
            render=self.render,
            usage=remarks.usage,
            request=remarks.request,
            notes=remarks.notes,
            kept=remarks.kept,
            read=self.files.read,
            path=self.files.path,
            other_model=self.other_model.model if self.other_model is not None else None,
            is_other_service=self.other_model is not None and self.other_model.is_other_service,
            has_next_model=self.has_next_model,
            embedder=Embedder(self.embedder.connection, self.embedder.client) if self.embedder is not None else None,
            on_text=self.watch.attempt() if self.watch is not None else None,
        )

    def plain(self, result: Any) -> Any:
        """Return a step's result as JSON; store its files in the run. Blocking. Raises BadAnswer, StorageError."""
        return plain_json(result, self.files.kept, is_given=self.is_given)

    @property
    def is_given(self) -> IsGiven:
        """Which files of runs its answer may name beside those that it makes: the files in its fields.

        The answer of a service, of a model or of code may imitate the name of any file that it has heard of.
        """
        return any_file if self.step_type.keeps_files else _FilesOf(self.make_fields)


class _FilesOf(Struct):
    """Tells whether the fields of a call name a file; they are searched once, if its answer names any."""

    make_fields: Callable[[], Any]
    places: frozenset[str] | None = None

    def __call__(self, place: str) -> bool:
        if self.places is None:
            self.places = frozenset(places_in(self.make_fields()))
        return place in self.places


def fields_of(step_type: StepType, arguments: JsonObject) -> Callable[[], Any]:
    """Return a function that returns the fields of a call. Raises ValidationError if the arguments do not fit."""

    def loaded() -> dict[str, Any]:
        return {name: opened(one) if name in step_type.hands_on else complete(one) for name, one in arguments.items()}

    def made() -> Any:
        return step_type.fields.model_validate(loaded())

    given = loaded()
    held = plain_fields_of(step_type, given)
    return made if any(given[name] is not one for name, one in arguments.items()) else held


def plain_fields_of(step_type: StepType, arguments: JsonObject) -> Callable[[], Any]:
    """Do the same for arguments whose values are all in memory."""
    fields = step_type.fields.model_validate(arguments)
    return lambda: fields
