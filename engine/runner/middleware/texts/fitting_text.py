"""Make texts fit that are too long for the field of a service, and say so in the output (clients/limits/)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from clients.limits.text_limit import TextLimit, fitted, is_short
from engine.base.lazy_values import Unknown, known_parts
from engine.base.run_file import place_of
from engine.plugins.step import FITTED, Effect, StepType, limits_of
from engine.record.values import in_thread_if_read
from engine.runner.effects.job import fields_of
from engine.runner.execution.step_call import Middleware, Next, Outcome, StepCall, Succeeded

if TYPE_CHECKING:
    from engine.runner.execution.run_context import RunContext

_BACKTICKS = re.compile(r"`+")


class FittingText(Middleware):
    """Shortens what a service would refuse, as the limits of the fields say; what it does is a note and an output."""

    is_for_services = True

    def __init__(self, run: RunContext) -> None:
        self._recording = run.recording

    async def __call__(self, call: StepCall, call_next: Next) -> Outcome:
        """Make the call with texts that fit."""
        limits = limits_of(call.action.step_type)
        if call.effect is not Effect.WRITES or not (limits or call.action.step_type.tells_fitted):
            return await call_next(call)
        said: list[str] = []
        limited = {name: one for name, one in (call.arguments or {}).items() if name in limits}
        if not await in_thread_if_read(limited, lambda: _are_short(known_parts(limited), limits)):
            call, said = await self._fitted(call, limits)
        outcome = await call_next(call)
        if not isinstance(outcome, Succeeded) or not isinstance(outcome.output, dict):
            return outcome
        told = outcome.output.get(FITTED)
        more = told if isinstance(told, list) else []  # a client knows limits that no field does
        kept = [one for one in said if one in outcome.call.notes]  # not of texts that a person has edited since
        return replace(outcome, output={**outcome.output, FITTED: list(dict.fromkeys([*kept, *more]))})

    async def _fitted(self, call: StepCall, limits: Mapping[str, TextLimit]) -> tuple[StepCall, list[str]]:
        given, kind = call.arguments or {}, call.action.step_type
        work = _Work(kind, known_parts({name: one for name, one in given.items() if name in kind.fields.model_fields}))
        said = await asyncio.to_thread(work.done, limits)
        if not said:
            return call, said
        arguments, told = await self._recording.kept_fields({**given, **work.changed})
        make_fields = call.make_fields
        if not call.unknown:
            make_fields = await in_thread_if_read(arguments, lambda: fields_of(kind, arguments))
        notes = (*call.notes, *said)
        call = replace(call, arguments=arguments, told_arguments=told, make_fields=make_fields, notes=notes)
        return call, said


class _Work:
    """Makes the fields of one call fit."""

    def __init__(self, kind: StepType, values: Mapping[str, Any]) -> None:
        self._kind, self._values = kind, values
        self._said: list[str] = []
        self.changed: dict[str, Any] = {}

    def done(self, limits: Mapping[str, TextLimit]) -> list[str]:
        """Make all fields fit, those first whose text goes to another; return what was done, in sentences."""
        for name, limit in sorted(limits.items(), key=lambda one: not one[1].rest):
            value = self.changed.get(name, self._values.get(name))
            after = self._fitting(name, value, limit)
            if after != value:
                self.changed[name] = after
        return self._said

    def _fitting(self, place: str, value: Any, limit: TextLimit) -> Any:
        if isinstance(value, str):
            after, told = fitted(value, limit)
            rest = self._passed_on(value, limit) if after != value else ""
            self._said += [f"{place}: {told}{rest}."] if told else []
            return after
        if isinstance(value, dict) and place_of(value) is None:
            return {name: self._fitting(f"{place}.{name}", one, limit) for name, one in value.items()}
        if isinstance(value, list):
            return [self._fitting(f"{place}[{index}]", one, limit) for index, one in enumerate(value)]
        return value

    def _passed_on(self, text: str, limit: TextLimit) -> str:
        """Put the whole text before the one in the field that takes the rest."""
        if not limit.rest:
            return ""
        before = self.changed.get(limit.rest, self._values.get(limit.rest)) or ""
        known = before.text if isinstance(before, Unknown) else before
        quoted = _quoted(text) if self._kind.markup_of(limit.rest, self._values) == "markdown" else text
        joined = f"{quoted}\n\n{known}".rstrip()
        self.changed[limit.rest] = Unknown(joined) if isinstance(before, Unknown) else joined
        return f"; all of it is in `{limit.rest}`"


def _quoted(text: str) -> str:
    """Return a line as code, so that what did nothing in a title does nothing in Markdown either."""
    line = " ".join(text.split())
    # A code span ends at a run of equally many backticks; one space at both ends is dropped (CommonMark 6.1).
    marks = "`" * (max((len(run) for run in _BACKTICKS.findall(line)), default=0) + 1)
    blank = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{marks}{blank}{line}{blank}{marks}"


def _are_short(value: Any, limits: Mapping[str, TextLimit]) -> bool:
    return all(_is_short(one, limits[name]) for name, one in value.items())


def _is_short(value: Any, limit: TextLimit) -> bool:
    if isinstance(value, str):
        return is_short(value, limit)
    if isinstance(value, dict):
        return all(_is_short(one, limit) for one in value.values())
    return all(_is_short(one, limit) for one in value) if isinstance(value, list) else True
