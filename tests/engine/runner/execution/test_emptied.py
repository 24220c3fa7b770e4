"""Empty entries of lists of names are left out, and the person is told."""

from __future__ import annotations

from typing import Any

import pytest

from engine.plugins import registry
from engine.runner.execution.emptied import without_empty


@pytest.mark.parametrize(
    ("step", "given", "kept", "notes"),
    [
        pytest.param(
            "github.create_issue",
            {"labels": ["", "ok"], "assignees": ["ann", None, " "]},
            {"labels": ["ok"], "assignees": ["ann"]},
            ("1 empty entry of 'labels' was left out.", "2 empty entries of 'assignees' were left out."),
            id="labels and people",
        ),
        pytest.param(
            "notion.create_item",
            {"properties": {"Tags": ["", "ok"], "Due": "", "Sum": 0}},
            {"properties": {"Tags": ["ok"], "Due": "", "Sum": 0}},
            ("1 empty entry of 'Tags' was left out.",),
            id="properties",
        ),
        pytest.param("github.create_issue", {"labels": ["ok"]}, {"labels": ["ok"]}, (), id="nothing empty"),
        pytest.param("llm.embed", {"texts": ["", "a"]}, {"texts": ["", "a"]}, (), id="a list whose places count"),
    ],
)
def test_empty_entries_are_left_out(
    step: str, given: dict[str, Any], kept: dict[str, Any], notes: tuple[str, ...]
) -> None:
    assert without_empty(registry.step_types()[step], given) == (kept, notes)
