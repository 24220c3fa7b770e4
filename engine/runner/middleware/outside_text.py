"""Refuse a call with text from outside in a field that must not take it, should the compiler have missed that.

These are the rules of docs/trust.md, applied to the values of this call. A workflow that breaks them does not compile,
so this error always means a mistake of the compiler.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

from engine.base.errors import OutsideTextRefused
from engine.compiler.definition.plan import Action
from engine.runner.execution.step_call import Middleware, Next, Outcome, StepCall
from engine.runner.tags.run_tags import RunTags
from engine.runner.tags.strict_fields import strict_names, strict_parts
from engine.runner.tags.tagging import has_expressions
from engine.runner.tags.tags import Outside, merged

if TYPE_CHECKING:
    from engine.runner.execution.run_context import RunContext

_RECIPIENTS = ("to", "cc", "bcc")
REPLY = "reply_to_sender"
"""In the workflow's `allow`."""


class OutsideTextCheck(Middleware):
    """Raises OutsideTextRefused for a call that text from outside decides."""

    is_for_services = True

    def __init__(self, run: RunContext) -> None:
        self._run, self._tags = run, RunTags(run)
        self._checked: dict[int, tuple[Action, list[str]]] = {}
        """The fields to check, by the id of the action; holding the action too keeps Python from reusing its id."""

    async def __call__(self, call: StepCall, call_next: Next) -> Outcome:
        """Make the call, unless text from outside decides where it goes or instructs a model."""
        names = self._checked_fields(call.action)
        if names:
            with suppress(RecursionError):  # the compiler has followed expressions that are nested so deeply
                self._require(call, names)
        return await call_next(call)

    def _checked_fields(self, action: Action) -> list[str]:
        if id(action) not in self._checked:
            names = [one for one in strict_names(action.step_type.fields) if _is_checked(action, one)]
            self._checked[id(action)] = action, names
        return self._checked[id(action)][1]

    def _require(self, call: StepCall, names: Sequence[str]) -> None:
        assert call.arguments is not None
        tagging, prompts = self._tags.at(call).tagging, self._prompts(call)
        for name in names:
            value = call.arguments[name]
            tag = tagging.tree(call.action.arguments[name]).valued(value)
            for path, part, is_file in strict_parts(call.action.step_type.fields, name, value, tag, prompts):
                texts = (outside for _, text, outside in part.found() if not tagging.is_clean(text))
                found = merged(one for one in texts if not self._is_reply(name, one) and not (is_file and one.is_file))
                if found is not None:
                    raise OutsideTextRefused(f"steps.{call.node.id}.with.{path}", path.split(".")[0], found.way)

    def _prompts(self, call: StepCall) -> Mapping[str, Any]:
        known, name = self._run.facts.prompts, (call.arguments or {}).get("prompt")
        return {name: known[name]} if isinstance(name, str) and name in known else {}

    def _is_reply(self, name: str, outside: Outside) -> bool:
        return name in _RECIPIENTS and self._may_reply and outside.is_sender and outside.is_current

    @cached_property
    def _may_reply(self) -> bool:
        return REPLY in self._run.plan.document.get("allow", ())


def _is_checked(action: Action, name: str) -> bool:
    """Return whether a field is more than constants, and neither are its values listed nor does a person see it."""
    if name in action.allow or not has_expressions(action.arguments.get(name)):
        return False
    when = action.approval.own.when
    return when != "always" and not (when == "when_outside" and name in action.outside_fields)
