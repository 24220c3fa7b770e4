"""The chain around a step's call: the one place that says what happens around a call, and in which order.

The walk decides which step runs (what an earlier attempt recorded, pins, `if`); from there on, everything about one
call is a middleware: it gets the call and the rest of the chain, and returns the outcome. Each has its place because
of what it must see. From the outside in:

1. `Named` lets all log lines that come from inside name the step.
2. `AccountNoticeReports` looks at what was recorded: nothing may come between an answered write and its record.
3. `Recorder` ends the step for everything inside: whatever refuses, fails or answers a call there is in the log.
4. `Suspension` makes one outcome of a call and the wait that it asked for. A recorded wait continues before anything
   else: its fields are not evaluated again.
5. `RateLimits` repeats all that follows, because while the run waited the fields, the sign-in or the agreement may have
   changed. It holds the errors of every request, also of those that only ask whose account it is.
6. `Arguments` come before all that decides by them: the effect, the identity, the agreement, what is replayed.
   `HarmlessText` takes out of them what a person would not see, and `FittingText` makes them as short as the service
   wants them: the plan, the approval and the receipt have the text as it is sent. `AllowList` refuses values that the
   workflow does not list, and `OutsideTextCheck` text from outside that the compiler has missed, before even an account
   is opened for them.
   In a replay, `Played` answers here: the fields are evaluated and checked, and no account is opened.
7. `Fallback` asks the models of a step in turn, each with all that follows: its own account, agreement, budget and
   attempts. What a wait repeats, begins with the model that is to be asked then.
8. `OpenedAccounts`, then `RequiredConsent`: no account is used, not even for a read, before somebody agreed to it.
9. `WriteIdentity` needs arguments and account, and the event that follows names it.
10. `Breakpoints` pause a debug run here: what the call will get is known, and nothing has happened yet.
11. `Planning` answers a write in the place of its service, `RequiredApproval` lets through only what a person has
   approved, and `AsPlanned` only what a plan has shown, even if a person has edited it: they know everything about the
   call, and nothing has happened yet. What `RequiredApproval` asks for is waited for outside, by `RateLimits`, so that
   all of it is worked out again afterwards.
12. `RequiredBudget` has each request to a model permitted; a used-up budget becomes a wait in `RateLimits`.
13. `Announcement` tells what is about to happen, so that a killed process leaves a trace of it.
14. `OutputTypes` fit every output, also a replayed one.
15. `Rereading` compares a read with what a plan has read, `Replay` answers before anything is sent or watched.
16. `LiveAnswers` stays open over all attempts.
17. `Timed` measures the call with all its attempts, and nothing that the run waits for otherwise.
18. `Once` is the last before the service: between the intent in the ledger and the request nothing may refuse.

So another rule that may refuse a call stands between `WriteIdentity` and `Announcement`, beside these. A run
has only the middlewares that its options ask for (`is_wanted`).

A step that calls no service goes past those that only concern services (`is_for_services`): thousands of such steps
may stand between two requests.

Attempts are not links. How often a call is sent, looked up or put off depends for a write on its receipt and on who
else may be sending it, and this is decided in one place (engine/runner/effects/claim.py, delivery.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from engine.compiler.definition.plan import Node
from engine.record.failure import StepFailed
from engine.record.frames import Frame
from engine.runner.execution.concurrency import RunStopped
from engine.runner.execution.last_link import LastLink
from engine.runner.execution.step_call import Failed, Middleware, Next, Outcome, StepCall, Stops, Succeeded, failed
from engine.runner.middleware.account_notices import AccountNoticeReports
from engine.runner.middleware.accounts import OpenedAccounts
from engine.runner.middleware.allow_list import AllowList
from engine.runner.middleware.approval import RequiredApproval
from engine.runner.middleware.arguments import Arguments
from engine.runner.middleware.as_planned import AsPlanned
from engine.runner.middleware.breakpoints import Breakpoints
from engine.runner.middleware.consent import RequiredConsent
from engine.runner.middleware.identity import WriteIdentity
from engine.runner.middleware.models.budget import RequiredBudget
from engine.runner.middleware.models.fallback import Fallback
from engine.runner.middleware.models.live_answers import LiveAnswers
from engine.runner.middleware.observed import Named, Timed
from engine.runner.middleware.once import Once
from engine.runner.middleware.output_types import OutputTypes
from engine.runner.middleware.outside_text import OutsideTextCheck
from engine.runner.middleware.planning import Planning
from engine.runner.middleware.rate_limits import RateLimits
from engine.runner.middleware.recorder import Announcement, Recorder
from engine.runner.middleware.rereading import Played, Replay, Rereading
from engine.runner.middleware.suspension import Suspension
from engine.runner.middleware.texts.fitting_text import FittingText
from engine.runner.middleware.texts.harmless_text import HarmlessText

if TYPE_CHECKING:
    from engine.runner.execution.run_context import RunContext

ORDER: tuple[type[Middleware], ...] = (
    Named,
    AccountNoticeReports,
    Recorder,
    Suspension,
    RateLimits,
    Arguments,
    HarmlessText,
    FittingText,
    AllowList,
    OutsideTextCheck,
    Played,
    Fallback,
    OpenedAccounts,
    RequiredConsent,
    WriteIdentity,
    Breakpoints,
    Planning,
    RequiredApproval,
    AsPlanned,
    RequiredBudget,
    Announcement,
    OutputTypes,
    Rereading,
    Replay,
    LiveAnswers,
    Timed,
    Once,
)
"""From the outside in."""


class StepExecutor:
    """The bridge between the walk of a run and the calls of its steps."""

    def __init__(self, run: RunContext) -> None:
        self._run, self._facts, self._recording = run, run.facts, run.recording
        self._wanted = [one for one in ORDER if one.is_wanted(run.facts.options)]
        self._always = {one: one(run) for one in self._wanted if not one.is_for_services}
        self._without = composed(list(self._always.values()), LastLink(run))

    @cached_property
    def _with_services(self) -> Next:
        """The whole chain, made by the first step that needs it."""
        return composed([self._always.get(one) or one(self._run) for one in self._wanted], LastLink(self._run))

    async def perform(self, node: Node, frame: Frame, path: str) -> Any:
        """Run the step and return its output; its start, attempts and end are recorded.

        Raises StepFailed, RunStopped.
        """
        assert node.action is not None
        if self._recording.has_loose_end:
            await self._recording.tie_loose_end()
        now = self._recording.now()
        call = StepCall(self._facts.run_id, self._facts.workflow, node, frame, path, node.action, now)
        make = self._without if node.action.step_type.service is None else self._with_services
        outcome = await make(call)
        if isinstance(outcome, Succeeded):
            return outcome.output
        if isinstance(outcome, Failed):
            raise StepFailed(outcome.document(), goes_on=outcome.goes_on) from outcome.error
        assert isinstance(outcome, Stops)
        raise RunStopped(outcome.directive.outputs, outcome.directive.message)


def composed(middlewares: Sequence[Middleware], last: Next) -> Next:
    """Return the chain of these middlewares, given from the outside in."""
    chain = last
    for middleware in reversed(middlewares):
        chain = _link(middleware, chain)
    return chain


def _link(middleware: Middleware, rest: Next) -> Next:
    """Return a middleware with the rest of the chain; what it raises becomes a failure of its call."""

    async def link(call: StepCall) -> Outcome:
        try:
            return await middleware(call, rest)
        except Exception as error:  # noqa: BLE001 - unforeseen ones end the step too; the recorder logs them
            return failed(call, error)

    return link
