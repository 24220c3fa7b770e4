"""Which calls of a run a person has to approve, by the rules as they are now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from engine.base.errors import OrchestraError
from engine.base.lazy_values import complete, opened
from engine.compiler.definition.approval_rules import Rules, StepApproval
from engine.compiler.definition.plan import OutsideText
from engine.plugins.step import Effect
from engine.plugins.unconfirmed import is_unconfirmed
from engine.record.types.approval import AskedSource
from engine.record.values import in_thread_if_read
from engine.runner.execution.step_call import StepCall

if TYPE_CHECKING:
    from engine.runner.execution.run_context import RunContext

_MOST_LETTERS = 20_000
"""Of the text of a source: it is kept with each question."""


class RunApprovalRules:
    """The approval rules of a run: of its file, of config.yaml and of the step types."""

    def __init__(self, run: RunContext) -> None:
        self._run = run
        self._rules: Rules = {}
        self._in_force: dict[tuple[str, Effect], StepApproval] = {}

    def rule(self, call: StepCall) -> StepApproval:
        """Return the rule for a call. Raises InvalidFile."""
        rules = self._run.approval_rules()
        if rules is not self._rules:
            self._rules, self._in_force = rules, {}
        key = (call.node.path, call.effect)
        if key not in self._in_force:
            action = call.action
            self._in_force[key] = action.approval.in_force(rules, action.step_type, call.effect)
        return self._in_force[key]

    def needs_approval(self, call: StepCall, rule: StepApproval) -> bool:
        """Return whether a person has to approve the call, by its rule."""
        return rule.when == "always" or (rule.when == "when_outside" and bool(self.outside(call)))

    def outside(self, call: StepCall) -> dict[str, str]:
        """Return the fields that may contain text from outside, each with where it comes from.

        Text that comes from inputs alone is the starter's own, unless a trigger or another run started this one.
        """
        return {name: one.origin for name, one in self._outside(call).items()}

    async def source(self, call: StepCall) -> AskedSource | None:
        """Return the only source of the text from outside in a call; None if there are several, or none."""
        found = list(self._outside(call).values())
        if not found or not found[0].thing or len({one.thing for one in found}) > 1:
            return None
        value = _object(call, found[0].of) if len({one.of for one in found}) == 1 else None
        if any(name not in call.frame.steps for one in found for name in one.through):
            value = None  # it has passed a loop that has ended, so that it may be of any of its items
        try:
            return await in_thread_if_read(value, lambda: _source(found[0].thing, value))
        except OrchestraError:  # it is too large, or its file is gone
            return AskedSource(found[0].thing)

    def _outside(self, call: StepCall) -> dict[str, OutsideText]:
        is_by_hand = self._run.facts.is_by_hand
        found = call.action.outside_fields
        return {name: one for name, one in found.items() if not (one.inputs and is_by_hand)}


def _object(call: StepCall, of: str) -> Any:
    """Return the value of a variable, or the output of a step, as the call sees it; None if it does not."""
    names, _, step = of.rpartition(".")
    if not names:
        return call.frame.names.get(of)
    record = call.frame.steps.get(step)
    return None if record is None else record.get("output")


def _source(thing: str, value: Any) -> AskedSource:
    whole = complete(opened(value))
    known: Mapping[str, Any] = whole if isinstance(whole, dict) else {}

    def text(*names: str) -> str:
        return next((str(known[name]) for name in names if isinstance(known.get(name), str)), "")

    whole_text = text("text", "body")
    shown = whole_text if len(whole_text) <= _MOST_LETTERS else f"{whole_text[:_MOST_LETTERS]} …"
    return AskedSource(
        thing,
        text("from", "author"),
        text("subject", "title"),
        text("date"),
        shown,
        is_unconfirmed=is_unconfirmed(known),
    )
