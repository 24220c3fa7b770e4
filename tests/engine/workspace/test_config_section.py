"""A section is written into config.yaml as a person would: everything else stays, byte for byte."""

from __future__ import annotations

from typing import Any

import pytest

from engine.base.errors import InvalidFile
from engine.documents.yaml_file import parse
from engine.workspace.config_section import with_section

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
    assert with_section(head + before + tail, "budgets", budgets) == head + after + tail


@pytest.mark.parametrize("usd", [1e-9, 1.5e-9, 1e-05, 0.1, 1 / 3, 123456.789, 5e-324, 999999999.5, 1e9, 5.0])
def test_a_number_is_written_so_that_yaml_reads_this_number(usd: float) -> None:
    section = {"day": {"usd": usd}}
    for before in ("", "budgets:\n  day:\n    usd: 1\n"):
        found = parse(with_section(HEAD + before, "budgets", section), "config.yaml").value["budgets"]
        assert found == section


def test_a_form_that_cannot_be_edited_is_refused_with_what_to_write() -> None:
    with pytest.raises(InvalidFile, match="cannot be edited automatically") as refused:
        with_section("{time_zone: UTC}\n", "budgets", DAY)
    assert "  day: {usd: 5}" in refused.value.remedy


def test_a_single_value_is_replaced_in_its_line_or_added() -> None:
    assert with_section(HEAD, "time_zone", "Europe/Berlin") == HEAD.replace("UTC", "Europe/Berlin")
    assert with_section("# mine\n", "time_zone", "UTC") == "# mine\n\ntime_zone: UTC\n"


def test_a_rule_beside_it_and_its_comment_stay() -> None:
    before = "approvals:  # who\n  gmail.send: never  # trusted\n"
    rules = {"gmail.send": "never", "notify": "tell-me"}
    assert with_section(before, "approvals", rules) == before + "  notify: tell-me\n"
