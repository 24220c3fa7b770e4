"""Calls whose last argument is plain text below them, as models write them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.agents.agent_file import AgentModel
from engine.agents.tool_check import tool_faults
from engine.steps.agent.plain_call import read_call

BELOW = {"write": "text"}
CALL = '{"tool": "write", "arguments": {"path": "a.py"}}'
CODE = "print(\"{}\")\n    '\\n'\n"


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (f"{CALL}\n{CODE}", CODE),
        (f"{CALL}\n{CODE.rstrip()}", CODE),
        (f"I write it.\n\n{CALL}\n{CODE}", CODE),
        (f"{CALL}\n```python\n{CODE}```", CODE),
        (f"```json\n{CALL}\n```\n```python\n{CODE}```\n", CODE),
        (f"```json\n{CALL}\n```\n{CODE}", CODE),
        (f'<think>{{"tool": "x"}}</think>{CALL}\n{CODE}', CODE),
        (f"{CALL}\n# A\n```\nb\n```\n", "# A\n```\nb\n```\n"),
        (f"{CALL}\n{{}}\n{CALL}\n", f"{{}}\n{CALL}\n"),
        (f"{'{ } {{ ' * 1_000}{CALL}\n{CODE}", CODE),
        (CALL, ""),
    ],
)
def test_text_below_a_call_is_its_argument_as_it_is(answer: str, text: str) -> None:
    assert read_call(answer, BELOW) == {"tool": "write", "arguments": {"path": "a.py", "text": text}}


def test_an_argument_inside_the_call_counts_and_other_tools_have_none_below() -> None:
    inside: dict[str, Any] = {"tool": "write", "arguments": {"path": "a.py", "text": "x"}}
    assert read_call(f"{json.dumps(inside)}\nmore", BELOW) == inside
    finish: dict[str, Any] = {"tool": "finish", "arguments": {"output": "x"}}
    assert read_call(f"{json.dumps(finish)}\nmore", BELOW) == finish
    for answer in ("Certainly!", "[" * 50_000, '{"a":' * 50_000):
        with pytest.raises(ValueError, match="not JSON"):
            read_call(answer, BELOW)


@pytest.mark.parametrize(("name", "is_right"), [("text", True), ("path", True), ("replaces", False), ("other", False)])
def test_only_a_text_that_is_given_can_be_plain(name: str, is_right: bool) -> None:
    tool = {"name": "write", "uses": "project.write", "with": {"project": "p", "branch": "b"}, "plain_text": name}
    tools = [{**tool, "give": ["path", "text", "replaces"]}]
    agent = AgentModel.model_validate({"schema_version": 1, "instructions": "Write.", "tools": tools})
    assert [one.path for one in tool_faults(agent)] == ([] if is_right else [("tools", 0, "plain_text")])
