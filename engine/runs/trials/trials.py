"""Start a run that only tries something: where its values come from, what its writes do, and where it pauses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from clients.wording import listed
from engine.base.errors import InvalidInput
from engine.base.json_text import JsonObject
from engine.base.services import has_stand_in
from engine.base.statuses import AccountMode
from engine.compiler.definition.plan import Plan
from engine.people.access import Principal
from engine.record.options import breakpoints_of, part_options
from engine.record.types.run import RunOptions
from engine.runs.starting.acceptor import Acceptor
from engine.runs.starting.run_request import RunRequest
from engine.store.acceptances import IdempotentRequest, RunEntry


class TrialValues(Struct, frozen=True):
    """One step runs alone, with made-up values in place of all that it reads; a write is only shown."""

    only: str
    """The path of the step in the run: `each_mail[0].classify`."""
    outputs: JsonObject
    """Of the steps that it reads, by path."""
    items: Mapping[str, Sequence[Any]]
    """Of the loops around it, by path."""


class TrialPauses(Struct, frozen=True):
    """All steps run on the stand-ins, and the run pauses before some of them."""

    breakpoints: Sequence[str]
    """Names of steps (`breakpoints_of`); without any, it pauses before its first step."""
    is_draft: bool
    """Whether it runs a draft, and not the file."""


class Trial(Struct, frozen=True):
    """What is tried. Without more, all steps run on the stand-ins: whatever the settings are, nothing real is touched.

    With made-up values, real accounts are read as usual.
    """

    inputs: JsonObject
    how: TrialValues | TrialPauses | None = None

    @property
    def given(self) -> Sequence[Any]:
        """The values from outside."""
        made_up = self.how if isinstance(self.how, TrialValues) else None
        return [self.inputs] if made_up is None else [self.inputs, made_up.outputs, made_up.items]

    def request(self, plan: Plan) -> RunRequest:
        """Return what is asked of the run. Raises InvalidInput if it does not fit the plan."""
        options: RunOptions = {}
        match self.how:
            case TrialValues(only, outputs, items):
                return RunRequest(self.inputs, part_options(plan, outputs, only, None, items))
            case TrialPauses(breakpoints, is_draft):
                options = {"debug": {"breakpoints": breakpoints_of(plan, breakpoints), "draft": is_draft}}
        demo = AccountMode.DEMO
        return RunRequest(self.inputs, options, dict.fromkeys(plan.connections, demo), demo)


class Trials:
    """Starts trials; whoever asks it has checked the right of `p`."""

    def __init__(self, acceptor: Acceptor, require_files: Callable[[Principal, Any], None]) -> None:
        """`require_files`: see `RunReader`."""
        self._acceptor, self._require_files = acceptor, require_files

    def start(
        self,
        p: Principal,
        tried: Callable[[], tuple[Plan, Trial]],
        action: str,
        request: IdempotentRequest | None = None,
    ) -> str:
        """Start a trial once for each request; return the id of its run, with which `runs.wait` waits for it.

        `tried` is called again if a name changes meanwhile. Raises what it raises, InvalidInput, InUse, StorageError,
        and ConfirmationNeeded for real accounts.
        """

        def prepared() -> RunEntry:
            plan, trial = tried()
            self._require_files(p, trial.given)
            return self._acceptor.prepare(p, plan, trial.request(plan), action, request)

        return self._acceptor.begin_once(request, prepared)

    def require_stand_ins(self, plan: Plan, why: str, remedy: str) -> None:
        """Raise InvalidInput if a plan uses a service without a stand-in; `why`: "A debug run uses only stand-ins"."""
        services = self._acceptor.services()
        without = [f"{name!r} ({services[name]})" for name in plan.connections if not has_stand_in(services[name])]
        if without:
            raise InvalidInput(f"{why}, and there is none for {listed(without)}.", remedy=remedy)
