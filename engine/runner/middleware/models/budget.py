"""Have every request to a model permitted before it is sent, and tell what the call has used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from engine.base.services import is_model
from engine.base.statuses import AccountMode
from engine.base.step_path import StepPath
from engine.budgets.meter import CallMeter
from engine.budgets.use import Use
from engine.runner.execution.step_call import Failed, Middleware, Next, Outcome, StepCall, Succeeded

if TYPE_CHECKING:
    from engine.runner.execution.run_context import RunContext

_NO_PROMPT = "(no prompt)"
"""In reports of usage: a call whose messages are in its step."""


class RequiredBudget(Middleware):
    """Gives a call that may ask a model its meter (engine/budgets/meter.py).

    A budget that is used up comes back as a failure, which `RateLimits` turns into a wait.
    """

    is_for_services = True

    def __init__(self, run: RunContext) -> None:
        self._meter, self._prompts = run.meter, run.facts.prompts

    async def __call__(self, call: StepCall, call_next: Next) -> Outcome:
        """Make the call; its outcome has its usage with what it cost."""
        step_type = call.action.step_type
        account = call.account if is_model(step_type.service) else call.embedder
        if account is None:
            return await call_next(call)
        seconds = call.node.timeout_seconds or step_type.timeout_seconds
        is_demo = account.mode == AccountMode.DEMO
        address = str(getattr(account.client, "base_url", ""))
        use = self._use(call)
        meter = self._meter.of_call(account.connection, address, seconds, is_demo=is_demo, use=use)
        try:
            return _told(await call_next(replace(call, meter=meter)), meter)
        finally:
            meter.is_closed = True  # the thread of a call that was given up may still want to send

    def _use(self, call: StepCall) -> Use:
        reference = (call.arguments or {}).get("prompt")
        prompt = self._prompts.get(reference) if isinstance(reference, str) else None
        version = _NO_PROMPT if prompt is None else f"{str(reference).partition('@')[0]}@{prompt['version']}"
        step = f"{call.workflow}: {StepPath.parse(call.path).in_workflow}"
        return {"workflow": call.workflow, "step": step, "prompt": version}


def _told(outcome: Outcome, meter: CallMeter) -> Outcome:
    if isinstance(outcome, Succeeded) and outcome.remarks is not None and not outcome.is_replayed:
        outcome.remarks.usage = meter.usage
        outcome.remarks.notes.extend(meter.notes)
    if isinstance(outcome, Failed):
        return replace(outcome, usage=meter.usage)
    return outcome
