"""What is wrong with an approval rule, wherever it stands: in config.yaml, a workflow or a step."""

from __future__ import annotations

from collections.abc import Iterator

from clients.wording import did_you_mean
from engine.base.errors import OrchestraError
from engine.base.step_tree import CALL
from engine.compiler.definition.approval_rules import APPROVERS, DEFAULT, NOT_SELF, ApprovalRule
from engine.compiler.definition.environment import IsUser
from engine.plugins.registry import step_type
from engine.plugins.step import StepType

ASK = "flow.approve"


def fault_of(name: str, rule: ApprovalRule) -> tuple[str, str, str] | None:
    """Return (message, code, remedy) for a rule about the step type of this name that does not fit it, or None."""
    if name == DEFAULT:
        return None
    try:
        kind = step_type(name)
    except OrchestraError as error:
        return error.message, "unknown_step_type", error.remedy
    return misfit(kind, rule)


def misfit(kind: StepType, rule: ApprovalRule) -> tuple[str, str, str] | None:
    """Return (message, code, remedy) for a rule that does not fit its step type, or None."""
    return _idle(kind) or _unasked(kind, rule)


def strangers(rule: ApprovalRule, is_user: IsUser) -> Iterator[tuple[str, str]]:
    """Yield (message, remedy) for each name in `by` that is neither a role nor a user; a warning: it may be later."""
    for name in rule.by:
        if name not in (*APPROVERS, NOT_SELF) and not is_user(name):
            said = f"'by' names {name!r}, and there is no such role or user."
            yield said, f"{did_you_mean(name, APPROVERS)} To add a user: `orchestra users add ID`.".strip()


def _idle(kind: StepType) -> tuple[str, str, str] | None:
    if kind.service is not None or kind.name == ASK:
        return None
    remedy = "Put 'approve' on the steps of the called workflow." if kind.name == CALL else "Take it out."
    return f"{kind.name} calls no service, so there is nothing to approve.", "approval", remedy


def _unasked(kind: StepType, rule: ApprovalRule) -> tuple[str, str, str] | None:
    if kind.name != ASK or rule.when in (None, "always"):
        return None
    remedy = "Take 'when' out: 'by' and 'expires_after' are what a rule can say about it. Or take the step out."
    return f"{ASK} always asks, so {rule.when!r} means nothing.", "approval", remedy
