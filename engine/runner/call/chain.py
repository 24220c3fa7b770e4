"""The chain around a step's call: the one place that says what happens around a call, and in which order.

The runner decides which step runs (what an earlier attempt recorded, pins, `if`); from there on, everything about one
call is a link. A `Check` gets the call and returns it, with what it has added; a `Middleware` gets the rest of the
chain, too, and returns the outcome. Each has its place because of what it must see. From the outside in:

1. `perform` lets all log lines that come from inside name the step, and traces it. It catches what the first link
   raises.
2. `AccountNoticeReports` looks at what was recorded: nothing may come between an answered write and its record.
3. `Recorder` ends the step for everything inside: whatever refuses, fails or answers a call there is in the log.
4. `Suspension` makes one outcome of a call and the wait that it asked for. A recorded wait continues before anything
   else: its fields are not evaluated again.
5. `RateLimits` repeats all that follows, because while the run waited the fields, the sign-in or the consent may have
   changed. It holds the errors of every request, also of those that only ask whose account it is.
6. `Arguments` come before all that decides by them: the effect, the identity, the consent, what is replayed.
   `HarmlessText` takes out of them what a person would not see, and `FittingText` makes them as short as the service
   wants them: the plan, the approval and the receipt have the text as it is sent. `AllowList` refuses values that the
   workflow does not list, and `OutsideTextCheck` text from outside that the compiler has missed, before even an account
   is opened for them.
   In a replay, `FileReplay` answers here: the fields are evaluated and checked, and no account is opened.
7. `Fallback` asks the models of a step in turn, each with all that follows: its own account, consent, budget and
   attempts. What a wait repeats, begins with the model that is to be asked then.
8. `OpenedAccounts`, then `RequiredConsent`: no account is used, not even for a read, before somebody agreed to it.
9. `WriteIdentity` needs arguments and account, and the event that follows names it.
10. `Breakpoints` pause a debug run here: what the call will get is known, and nothing has happened yet.
11. `Planning` answers a write in the place of its service, `RequiredApproval` lets through only what a person has
   approved, and `AsPlanned` only what a plan has shown, even if a person has edited it: they know everything about the
   call, and nothing has happened yet. `ScheduledMail` then holds a mail until its time: all that follows counts when it
   goes out. What these two ask for is waited for outside, by `RateLimits`, so that all of it is worked out again then.
12. `RequiredBudget` has each request to a model permitted; a used-up budget becomes a wait in `RateLimits`.
13. `Announcement` tells what is about to happen, so that a killed process leaves a trace of it.
14. `OutputTypes` fit every output, also a replayed one.
15. `RuledAnswers` come before whatever would ask a model, or take what one has answered before: a rule is sure.
   `CorrectedAnswers` changes what a model answers where a person has said what is right about the same question.
16. `Rereading` compares a read with what a plan has read, `ReusedAnswers` answer before anything is sent or watched.
17. `PromptExamples` are chosen once for all attempts, and only if a model is really asked. `LiveAnswers` stays open
   over all attempts.
18. `Timed` measures the call with all its attempts, and nothing that the run waits for otherwise.
19. `Once` is the last before the service: between the intent in the ledger and the request nothing may refuse.

So another rule that may refuse a call is a check between `WriteIdentity` and `Announcement`, beside these.

A step has only the links that it can meet: those that the options of the run (`is_needed_in`), its type and its fields
(`is_needed`) ask for, and without a service none that concerns services (`is_for_services`), since thousands of such
steps may stand between two requests.

Attempts are not links. How often a call is sent, looked up or put off depends for a write on its receipt and on who
else may be sending it, and this is decided in one place (engine/runner/effects/claim.py, delivery.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, TypeAlias

from engine.base.clock import timestamp
from engine.compiler.definition.plan import Action, Node
from engine.observing import context
from engine.record.failure import StepFailed
from engine.record.frames import Frame
from engine.runner.call.accounts import OpenedAccounts, RequiredConsent
from engine.runner.call.arguments import AllowList, Arguments, FittingText, HarmlessText, OutsideTextCheck
from engine.runner.call.models import (
    CorrectedAnswers,
    Fallback,
    LiveAnswers,
    PromptExamples,
    RequiredBudget,
    RuledAnswers,
)
from engine.runner.call.people import Breakpoints, RequiredApproval
from engine.runner.call.plan import AsPlanned, FileReplay, Planning, Rereading, ReusedAnswers
from engine.runner.call.record import AccountNoticeReports, Announcement, OutputTypes, Recorder, Timed, traced
from engine.runner.call.scheduled_mail import ScheduledMail
from engine.runner.call.waits import RateLimits, Suspension
from engine.runner.call.write import LastLink, Once, WriteIdentity
from engine.runner.execution.concurrency import RunStopped
from engine.runner.execution.step_call import (
    Check,
    Failed,
    Link,
    Middleware,
    Next,
    Outcome,
    StepCall,
    Stops,
    Succeeded,
    failed,
)

if TYPE_CHECKING:
    from engine.runner.execution.run_context import RunContext

_Kinds: TypeAlias = tuple[type[Link], ...]

ORDER: _Kinds = (
    AccountNoticeReports,
    Recorder,
    Suspension,
    RateLimits,
    Arguments,
    HarmlessText,
    FittingText,
    AllowList,
    OutsideTextCheck,
    FileReplay,
    Fallback,
    OpenedAccounts,
    RequiredConsent,
    WriteIdentity,
    Breakpoints,
    Planning,
    RequiredApproval,
    AsPlanned,
    ScheduledMail,
    RequiredBudget,
    Announcement,
    OutputTypes,
    RuledAnswers,
    CorrectedAnswers,
    Rereading,
    ReusedAnswers,
    PromptExamples,
    LiveAnswers,
    Timed,
    Once,
)
"""From the outside in."""


class StepExecutor:
    """Makes the calls of a run's steps, each through its chain."""

    def __init__(self, run: RunContext) -> None:
        self._run, self._facts, self._recording, self._tracer = run, run.facts, run.recording, run.tracer
        self._options = frozenset(run.facts.options)
        self._links: dict[type[Link], Link] = {}
        self._chains: dict[_Kinds, Next] = {}
        self._of_actions: dict[int, Next] = {}
        """By the id of the action, which the plan keeps."""

    def _chain(self, action: Action) -> Next:
        """Return the chain around calls of a step, made by the first of them that needs the same links."""
        needed, in_doubt = _kinds(ORDER, self._options, is_for_services=action.step_type.service is not None)
        if in_doubt:
            spared = {one for one in in_doubt if not one.is_needed(action)}
            needed = tuple(one for one in needed if one not in spared)
        if needed not in self._chains:
            self._chains[needed] = composed([self._link(one) for one in needed], LastLink(self._run))
        self._of_actions[id(action)] = self._chains[needed]
        return self._chains[needed]

    def _link(self, kind: type[Link]) -> Link:
        """Return the run's only object of a link, which may remember accounts and answers."""
        if kind not in self._links:
            self._links[kind] = kind(self._run)
        return self._links[kind]

    async def perform(self, node: Node, frame: Frame, path: str) -> Any:
        """Run the step and return its output; its start, attempts and end are recorded.

        Raises StepFailed, RunStopped.
        """
        assert node.action is not None
        await self._recording.tie_loose_end()
        now = timestamp(self._run.clock())
        call = StepCall(self._facts.run_id, self._facts.workflow, node, frame, path, node.action, now)
        names = context.add(step=path)
        try:
            chain = self._of_actions.get(id(node.action)) or self._chain(node.action)
            outcome = await (chain(call) if self._tracer is None else traced(self._tracer, call, chain))
        except Exception as error:  # noqa: BLE001 - as in a link of the chain
            outcome = failed(call, error)
        finally:
            context.take_back(names)
        if isinstance(outcome, Succeeded):
            return outcome.output
        if isinstance(outcome, Failed):
            raise StepFailed(outcome.document(), goes_on=outcome.goes_on) from outcome.error
        assert isinstance(outcome, Stops)
        raise RunStopped(outcome.directive.outputs, outcome.directive.message)


@lru_cache(maxsize=64)
def _kinds(order: _Kinds, options: frozenset[str], *, is_for_services: bool) -> tuple[_Kinds, _Kinds]:
    """Return the links that steps can meet in a run with these options, and those among them that not all steps need.

    They depend on no run, and most steps that call no service have them all: nothing is asked for each step.
    """
    kinds = [one for one in order if is_for_services or not one.is_for_services]
    needed = tuple(one for one in kinds if one.is_needed_in(options))
    return needed, tuple(one for one in needed if "is_needed" in vars(one))


def composed(links: Sequence[Link], last: Next) -> Next:
    """Return the chain of these links, given from the outside in; the caller catches what the first one raises."""
    chain, checks = last, list[Check]()
    for link in reversed(links):
        if isinstance(link, Check):
            checks.insert(0, link)
            continue
        assert isinstance(link, Middleware)
        rest = _checked(checks, chain)
        is_caught = link.catches or link is links[0]
        chain = partial(link, call_next=rest) if is_caught else _around(link, rest)
        checks = []
    return _checked(checks, chain)


def _around(middleware: Middleware, rest: Next) -> Next:
    """Return a middleware with the rest of the chain; what it raises becomes a failure of its call."""

    async def link(call: StepCall) -> Outcome:
        try:
            return await middleware(call, rest)
        except Exception as error:  # noqa: BLE001 - unforeseen ones end the step too; the recorder logs them
            return failed(call, error)

    return link


def _checked(checks: Sequence[Check], rest: Next) -> Next:
    """Return the rest of the chain after checks; what one raises becomes a failure of the call as it was then."""
    if not checks:
        return rest

    async def link(call: StepCall) -> Outcome:
        for check in checks:
            try:
                found = await check(call)
            except Exception as error:  # noqa: BLE001 - as around a middleware
                return failed(call, error)
            if not isinstance(found, StepCall):
                return found
            call = found
        return await rest(call)

    return link
