"""Give the numbers of an output the types that expressions were checked with."""

from __future__ import annotations

from msgspec.structs import replace

from engine.record.coercion import fitted
from engine.runner.execution.step_call import Middleware, Next, Outcome, StepCall, Succeeded


class OutputTypes(Middleware):
    """Fits an output to the schema of its step (engine/record/coercion.py)."""

    async def __call__(self, call: StepCall, call_next: Next) -> Outcome:
        """Make the call and fit its output."""
        outcome = await call_next(call)
        if not isinstance(outcome, Succeeded):
            return outcome
        return replace(outcome, output=fitted(outcome.output, call.action.output_schema))
