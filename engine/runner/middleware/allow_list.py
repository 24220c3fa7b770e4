"""Let a step do only what its workflow allows (`allow`): a value that is not listed fails it, and nothing is sent."""

from __future__ import annotations

from functools import partial

from engine.base.errors import RecipientNotNamed, ValueNotAllowed
from engine.base.json_text import JsonObject
from engine.base.lazy_values import complete, unknown_paths
from engine.compiler.definition.allowed_values import goes_to_sender, in_force, refused
from engine.compiler.definition.plan import Action
from engine.record.values import in_thread_if_read
from engine.runner.execution.step_call import Middleware, Next, Outcome, StepCall


class AllowList(Middleware):
    """Refuses a call with a value that the step's `allow` does not list (ValueNotAllowed)."""

    is_for_services = True

    async def __call__(self, call: StepCall, call_next: Next) -> Outcome:
        """Make the call if each of its values is allowed."""
        await require_allowed(call.action, call.arguments or {})
        return await call_next(call)


async def require_allowed(action: Action, arguments: JsonObject) -> None:
    """Raise ValueNotAllowed, RecipientNotNamed for a value that the step's `allow` does not list."""
    if goes_to_sender(action.allow, arguments):
        raise RecipientNotNamed
    for name, patterns in in_force(action.allow, action.step_type.fields.model_fields).items():
        # What a plan does not know yet is checked when the plan is applied.
        if name in arguments and not list(unknown_paths(arguments[name])):
            value = arguments[name]
            text = refused(await in_thread_if_read(value, partial(complete, value)), patterns)
            if text is not None:
                raise ValueNotAllowed(name, text, patterns)
