"""Evaluate the fields of a step, and check them against its type."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace
from pydantic import ValidationError

from engine.base.errors import OrchestraError
from engine.base.json_text import JsonObject
from engine.base.lazy_values import NotKnownYet, unknown_paths
from engine.plugins.step import StepType
from engine.record.values import in_thread_if_read
from engine.runner.effects.job import fields_of, plain_fields_of
from engine.runner.execution.emptied import without_empty
from engine.runner.execution.filling import filled
from engine.runner.execution.step_call import Middleware, Next, Outcome, StepCall, failed

if TYPE_CHECKING:
    from engine.runner.execution.run_context import RunContext


class Arguments(Middleware):
    """Gives a call its arguments and its effect, which may depend on them (an HTTP method)."""

    def __init__(self, run: RunContext) -> None:
        self._recording, self._earlier = run.recording, run.earlier

    async def __call__(self, call: StepCall, call_next: Next) -> Outcome:
        """Make the call with its arguments."""
        action = call.action
        rendered = await filled("with", action.arguments, call.frame.names)
        if action.step_type.sees_edits:
            rendered = await self._with_edits(call, rendered)
        rendered, notes = without_empty(action.step_type, rendered)
        arguments, told = await self._recording.kept_fields(rendered)
        unknown = () if arguments is told else _unknown(action.step_type, arguments)
        try:
            make_fields: Callable[[], Any]
            if unknown:
                make_fields = partial(_not_known, unknown[0])
            elif arguments is told:
                make_fields = plain_fields_of(action.step_type, arguments)
            else:
                make_fields = await self._read(action.step_type, arguments)
        except (OrchestraError, ValidationError) as error:
            return failed(replace(call, arguments=arguments, told_arguments=told), error)
        effect, repeat = action.step_type.effect_of(arguments)
        call = replace(
            call,
            arguments=arguments,
            told_arguments=told,
            make_fields=make_fields,
            unknown=unknown,
            effect=effect,
            repeat=repeat,
            notes=(*call.notes, *notes),
        )
        return await call_next(call)

    async def _with_edits(self, call: StepCall, rendered: JsonObject) -> JsonObject:
        """Add the calls that people edited; a write that a replay does not make again is as it was edited then."""
        edits = self._recording.edits
        then: JsonObject = {}
        if self._earlier is not None:
            then = await asyncio.to_thread(self._earlier.edits, call.node, call.frame)
        kept = {path: one for path, one in then.items() if path in edits.reused}
        edited = {**kept, **self._recording.values.live(edits.calls)}
        return {**rendered, "edited": edited} if edited else rendered

    async def _read(self, step_type: StepType, arguments: Mapping[str, Any]) -> Callable[[], Any]:
        """Check arguments with values in files, which are read for it."""
        read = {name: one for name, one in arguments.items() if name not in step_type.hands_on}
        return await in_thread_if_read(read, lambda: fields_of(step_type, arguments))


def _unknown(step_type: StepType, arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the paths of what a plan does not know yet, except where the step does not look inside."""
    return tuple(unknown_paths({name: one for name, one in arguments.items() if name not in step_type.hands_on}))


def _not_known(path: str) -> Any:
    raise NotKnownYet(f"with.{path}")
