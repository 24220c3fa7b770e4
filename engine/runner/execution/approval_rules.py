"""Which calls of a run a person has to approve, by the rules as they are now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.compiler.definition.approval_rules import Rules, StepApproval
from engine.plugins.step import Effect
from engine.runner.execution.step_call import StepCall

if TYPE_CHECKING:
    from engine.runner.execution.run_context import RunContext


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
        is_by_hand = self._run.facts.is_by_hand
        found = call.action.outside_fields
        return {name: one.origin for name, one in found.items() if not (one.inputs and is_by_hand)}
