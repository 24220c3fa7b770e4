"""Check the approval rules of a workflow and of its steps."""

from __future__ import annotations

from collections.abc import Mapping

from engine.compiler.checks.report import Report
from engine.compiler.definition.approval_faults import fault_of, misfit, strangers
from engine.compiler.definition.approval_rules import ApprovalRule, Rules, WrittenRule, written_rule
from engine.compiler.definition.environment import IsUser
from engine.compiler.definition.step_model import StepModel
from engine.documents.json_file import JsonPath
from engine.plugins.step import StepType


def check_rules(rules: Rules, is_user: IsUser, report: Report) -> None:
    """Report step types in `approvals` of the workflow that do not exist, or that call nothing; warn of strangers."""
    for name, rule in rules.items():
        _warn_of_strangers(("approvals", name), rule, is_user, report)
        if fault := fault_of(name, rule):
            report.add(("approvals", name), *fault)


def check_approval(
    path: JsonPath, step: StepModel, kind: StepType, rules: Rules, is_user: IsUser, report: Report
) -> WrittenRule:
    """Return what the file says about a step; a rule that would do nothing is reported."""
    if step.approve is not None:
        _warn_of_strangers((*path, "approve"), step.approve, is_user, report)
        if fault := misfit(kind, step.approve):
            report.add((*path, "approve"), *fault)
        elif step.approve.when == "never":
            _check_never(path, step.approve.model_dump(exclude_defaults=True), report)
    return written_rule(step.approve, rules, kind.name, kind.approval_of(step.with_))


def _warn_of_strangers(path: JsonPath, rule: ApprovalRule, is_user: IsUser, report: Report) -> None:
    for said, remedy in strangers(rule, is_user):
        report.warn((*path, "by"), said, "approval", remedy)


def _check_never(path: JsonPath, given: Mapping[str, object], report: Report) -> None:
    """Report members that have no meaning without a question."""
    idle = [name for name in given if name != "when"]
    if idle:
        said = f"'never' asks nobody, so {idle[0]!r} means nothing."
        report.add((*path, "approve"), said, "approval", f"Take out {idle[0]!r}, or choose another 'when'.")
