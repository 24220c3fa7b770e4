"""Budgets are written into config.yaml as a person would: everything else stays, byte for byte."""

from __future__ import annotations

from typing import Any

import pytest

from engine.base.errors import InvalidFile
from engine.workspace.budget_file import with_budgets

DAY: dict[str, Any] = {"day": {"usd": 5}}
HEAD = "# mine\ntime_zone: UTC  # here\n"
TAIL = "\nconnections:  # accounts\n  # none yet\n"


@pytest.mark.parametrize(
    ("before", "budgets", "after"),
    [
        pytest.param("", DAY, "\n\nbudgets:\n  day: {usd: 5}\n", id="none yet"),
        pytest.param("budgets:   # none\n  # day: 1\n", DAY,
                     "budgets:   # none\n  day: {usd: 5}\n  # day: 1\n", id="comments"),
        pytest.param("budgets: {}  # a\n", DAY, "budgets:  # a\n  day: {usd: 5}\n", id="empty"),
        pytest.param("budgets: {strict: true}  # a\n", DAY, "budgets: {day: {usd: 5}}  # a\n", id="in one line"),
        pytest.param("budgets:\n  day: {usd: 1}  # a\n", DAY, "budgets:\n  day: {usd: 5}  # a\n", id="replaced"),
        pytest.param("budgets:\n    day:  # a\n        usd: 1  # b\n        calls: 2\n", DAY,
                     "budgets:\n    day:  # a\n        usd: 5  # b\n", id="inside a block"),
        pytest.param("budgets:\n  # a\n  day: {usd: 5}\n  month: {usd: 9}  # b\n  # c\n", DAY,
                     "budgets:\n  # a\n  day: {usd: 5}\n  # c\n", id="taken out"),
        pytest.param("budgets:\n  day: {usd: 5}  # a\n", {**DAY, "strict": True, "workflow": {"run": {"calls": 3}}},
                     "budgets:\n  day: {usd: 5}  # a\n  strict: true\n  workflow: {run: {calls: 3}}\n", id="more"),
        pytest.param("budgets:\n  day: {usd: 5, on_limit: {model: a}}\n", {"day": {"usd": 5.5, "on_limit": "warn"}},
                     "budgets:\n  day: {usd: 5.5, on_limit: warn}\n", id="another end"),
        pytest.param("budgets:\n  day: {usd: 5}\n  # a\n", {}, "budgets:\n  # a\n", id="all taken out"),
    ],
)  # fmt: skip
def test_only_budgets_change(before: str, budgets: dict[str, Any], after: str) -> None:
    tail = TAIL if before else ""
    head = HEAD if before else HEAD.rstrip("\n")
    assert with_budgets(head + before + tail, budgets) == head + after + tail


def test_a_form_that_cannot_be_edited_is_refused_with_what_to_write() -> None:
    with pytest.raises(InvalidFile, match="cannot be edited automatically") as refused:
        with_budgets("{time_zone: UTC}\n", DAY)
    assert "  day: {usd: 5}" in refused.value.remedy
