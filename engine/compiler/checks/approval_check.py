"""Check the approval rules of a workflow and of its steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine.base.errors import OrchestraError
from engine.base.step_tree import CALL
from engine.base.wording import did_you_mean
from engine.compiler.checks.report import Report
from engine.compiler.definition.approval_rules import (
    APPROVERS,
    DEFAULT,
    NOT_SELF,
    ApprovalRule,
    Rules,
    WrittenRule,
    written_rule,
)
from engine.compiler.definition.environment import IsUser
from engine.compiler.definition.model import StepModel
from engine.documents.json_file import JsonPath
from engine.plugins.registry import step_type
from engine.plugins.step import StepType

ASK = "flow.approve"


def check_rules(rules: Rules, is_user: IsUser, report: Report) -> None:
    """Report step types in `approvals` of the workflow that do not exist, or that call nothing; warn of strangers."""
    for name, rule in rules.items():
        _warn_of_strangers(("approvals", name), rule, is_user, report)
        if fault := fault_of(name, rule):
            report.add(("approvals", name), *fault)


def fault_of(name: str, rule: ApprovalRule) -> tuple[str, str, str] | None:
    """Return (message, code, remedy) for a rule about a step type that does not fit it, or None."""
    if name == DEFAULT:
        return None
    try:
        kind = step_type(name)
    except OrchestraError as error:
        return error.message, "unknown_step_type", error.remedy
    return _idle(kind) or _unasked(kind, rule)


def check_approval(
    path: JsonPath, step: StepModel, kind: StepType, rules: Rules, is_user: IsUser, report: Report
) -> WrittenRule:
    """Return what the file says about a step; a rule that would do nothing is reported."""
    if step.approve is not None:
        _warn_of_strangers((*path, "approve"), step.approve, is_user, report)
        if fault := _idle(kind) or _unasked(kind, step.approve):
            report.add((*path, "approve"), *fault)
        elif step.approve.when == "never":
            _check_never(path, step.approve.model_dump(exclude_defaults=True), report)
    return written_rule(step.approve, rules, kind.name, kind.approval_of(step.with_))


def _warn_of_strangers(path: JsonPath, rule: ApprovalRule, is_user: IsUser, report: Report) -> None:
    for said, remedy in strangers(rule, is_user):
        report.warn((*path, "by"), said, "approval", remedy)


def strangers(rule: ApprovalRule, is_user: IsUser) -> Iterator[tuple[str, str]]:
    """Yield (message, remedy) for each name in `by` that is no role and no user; a warning: it may be added later."""
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


def _check_never(path: JsonPath, given: Mapping[str, object], report: Report) -> None:
    """Report members that have no meaning without a question."""
    idle = [name for name in given if name != "when"]
    if idle:
        said = f"'never' asks nobody, so {idle[0]!r} means nothing."
        report.add((*path, "approve"), said, "approval", f"Take out {idle[0]!r}, or choose another 'when'.")
