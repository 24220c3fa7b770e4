"""What goes down the chain around a step's call, and what comes back (engine/runner/call/chain.py).

Nothing of it can be changed. A link that adds something to a call passes on a copy: `replace(call, account=account)`.
They are structs of msgspec, since a run makes several for each step.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Container, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from msgspec import Struct
from typing_extensions import ReadOnly, TypedDict

from engine.base.errors import ApprovalExpired, StorageError
from engine.base.json_text import JsonObject
from engine.budgets.meter import CallMeter
from engine.compiler.definition.plan import Action, Node, PlannedFallback
from engine.plugins.step import Effect, Repeat, StopRun, Usage, WaitForMail
from engine.record.failure import StepFailed, failure
from engine.record.frames import Frame
from engine.record.types.step import Approved, Failure, PlannedStep, RuleRecord, StepEffect
from engine.runner.effects.live import StepAnswers
from engine.store.journal import JournalBroken
from engine.store.ledger import IntendedWrite

if TYPE_CHECKING:
    from engine.connections.accounts import Account
    from engine.prompts.prompt import CaseExample
    from engine.runner.effects.job import Remarks
    from engine.runner.suspension.waits import Begun


class CallDetails(TypedDict, total=False):
    """What an event says about a call."""

    started_at: ReadOnly[str]
    uses: ReadOnly[str]
    connection: ReadOnly[str | None]
    """The step's own, also where a model of its `fallback` is asked."""
    arguments: ReadOnly[JsonObject]
    """Large values are names of files."""
    identity: ReadOnly[str]
    """Of a write."""
    approved: ReadOnly[Approved]
    """By whom, if that was needed."""


class StepCall(Struct, frozen=True):
    """A step of a run that is to make its call."""

    run_id: str
    workflow: str
    node: Node
    frame: Frame
    """The names that the step's expressions see."""
    path: str
    """The step with the indexes of the items around it: `each_mail[3].task`."""
    action: Action
    started_at: str
    """When this turn of the call began (RFC 3339)."""
    failed_before: int = 0
    """Attempts that failed before the service asked to wait; they still count."""
    arguments: JsonObject | None = None
    """The values of the fields; None until they are evaluated."""
    told_arguments: JsonObject | None = None
    """The same as events hold them: large values are names of files."""
    make_fields: Callable[[], Any] | None = None
    """Returns the fields as the step type takes them; None until they are checked."""
    unknown: tuple[str, ...] = ()
    """In a plan: the paths of the arguments that are not known yet."""
    effect: Effect = Effect.PURE
    repeat: Repeat | None = None
    account: Account | None = None
    embedder: Account | None = None
    """The account of the model that makes its vectors, beside its own."""
    write: IntendedWrite | None = None
    """Of a write: what it is known by in the ledger."""
    approved: Approved | None = None
    """Who approved it, if that was needed."""
    watch: StepAnswers | None = None
    """Where people watch the answer arrive."""
    meter: CallMeter | None = None
    """Of a call that may ask a model: what permits and counts its requests."""
    other_model: PlannedFallback | None = None
    """Of a model step: the model of its `fallback` to ask; None: its own."""
    has_next_model: bool = False
    """Whether another model is asked if this one gives no answer."""
    examples: Sequence[CaseExample] = ()
    """Of a call that asks with a prompt: cases of it that come before the question."""
    notes: tuple[str, ...] = ()
    """Sentences for a person about what was done to the call before it was made."""
    is_announced: bool = False
    """Whether an event already tells what the step is about to do."""

    def details(self) -> CallDetails:
        """Return what the next event has to say about the call; nothing if an earlier one has said it."""
        if self.is_announced:
            return {}
        own = self.node.action or self.action
        details: CallDetails = {"started_at": self.started_at, "uses": own.uses, "connection": own.connection}
        if self.told_arguments is not None:
            details = {**details, "arguments": self.told_arguments}
        if self.write is not None:
            details = {**details, "identity": self.write.identity}
        return details if self.approved is None else {**details, "approved": self.approved}


class Succeeded(Struct, frozen=True):
    """The call returned an output."""

    call: StepCall
    """The call as it was made."""
    output: Any
    effect: StepEffect | None = None
    """Of a write: what the log says about it (docs/files.md: Run)."""
    remarks: Remarks | None = None
    """Usage, the request as it was sent, notes."""
    began_at: datetime | None = None
    """When the latest attempt began; None if nothing was sent."""
    is_replayed: bool = False
    """Whether the output comes from an earlier run."""
    planned: PlannedStep | None = None
    """In a plan: what would have happened instead."""
    by_rule: RuleRecord | None = None
    """The rule that answered; no model was asked."""
    people_wait: timedelta = timedelta()
    """Of a called agent: how long it has waited for people."""


class Failed(Struct, frozen=True):
    """The call ended without an output."""

    call: StepCall
    error: Exception
    may_be_out: bool = False
    """Whether a service may nevertheless have received a write."""
    usage: Usage | None = None
    """What models have answered before it failed."""

    @property
    def goes_on(self) -> bool:
        """Return whether the run goes on without the step, whatever its `on_error` says."""
        return isinstance(self.error, ApprovalExpired | StepFailed) and self.error.goes_on

    def document(self) -> Failure:
        """Return the error document (docs/files.md: Run)."""
        if isinstance(self.error, StepFailed):  # as recorded by another run
            return self.error.error
        document = failure(self.error, step=self.call.path, workflow=self.call.workflow)
        if not self.may_be_out:
            document["outcome"] = "not_done"  # only a write that was sent can have done anything
        return document


class Waits(Struct, frozen=True):
    """The step asks the run to wait: for a time, a person, or a called run."""

    call: StepCall
    directive: Begun


class AwaitsMail(Struct, frozen=True):
    """The step asks the run to wait for mail, and to make the call again then."""

    call: StepCall
    directive: WaitForMail


class Asks(Struct, frozen=True):
    """A person was asked whether the call may be made; once there is an answer, the call is made again from the start.

    That the step waits is recorded.
    """

    call: StepCall


class Stops(Struct, frozen=True):
    """The step asks the run to end here."""

    call: StepCall
    directive: StopRun


Outcome = Succeeded | Failed | Waits | AwaitsMail | Asks | Stops

Next = Callable[[StepCall], Awaitable[Outcome]]
"""The rest of the chain. Raises only what ends the work on the whole run: CancelledError, JournalBroken."""


class Link:
    """One concern around a step's call. One object serves all calls of a run, several at the same time."""

    is_for_services: ClassVar[bool] = False
    """Whether it only concerns steps that call a service.

    The others go past it at no cost: they have no effect, which the registry checks (engine/plugins/registry.py).
    """

    @classmethod
    def is_needed_in(cls, options: Container[str]) -> bool:
        """Return whether a run with these options can meet it at all."""
        return True

    @classmethod
    def is_needed(cls, action: Action) -> bool:
        """Return whether calls of this step can meet it at all."""
        return True

    def __init__(self, run: Any) -> None:
        """Take what it needs of the run's RunContext (engine/runner/execution/run_context.py)."""


class Check(Link, ABC):
    """A concern that is over before the call goes on."""

    @abstractmethod
    async def __call__(self, call: StepCall) -> StepCall | Outcome:
        """Return the call as it goes on, or an outcome that answers it in the place of the rest.

        Raising an OrchestraError refuses it.
        """


class Middleware(Link, ABC):
    """A concern that needs the outcome, or that lasts as long as the call."""

    catches: ClassVar[bool] = False
    """Whether nothing around it makes a failure of its call from an error of its own.

    It does so itself, or nothing outside it looks at failures but `perform`.
    """

    @abstractmethod
    async def __call__(self, call: StepCall, call_next: Next) -> Outcome:
        """Return the outcome, usually what `await call_next(call)` returns.

        Not calling `call_next` answers the call in its place; raising an OrchestraError refuses it.
        """


def failed(call: StepCall, error: Exception, *, may_be_out: bool = False) -> Failed:
    """Return the failure of a call.

    Raises JournalBroken for an error of our own disk, which is not the step's fault: the run stops and later continues.
    """
    if isinstance(error, JournalBroken):
        raise error
    if isinstance(error, StorageError):
        raise JournalBroken(error) from error
    return Failed(call, error, may_be_out)
