"""What a long file costs: twice the steps take twice the memory."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest

from engine.base.problem import Problem
from engine.compiler.compiler import CompilerContext, compile_workflow
from engine.documents.json_file import parse

pytestmark = pytest.mark.slow


def _text(steps: int, value: str) -> str:
    every: list[Any] = [
        {"id": f"s{n}", "uses": "flow.set", "with": {"values": {"value": value.replace("#", str(n))}}}
        for n in range(steps)
    ]
    return json.dumps({"schema_version": 1, "steps": every, "outputs": {"seen": "{{ steps.s0.output.value }}"}})


def _problems(text: str) -> list[Problem]:
    return list(
        compile_workflow(parse(text, "long.json"), "long", CompilerContext({}, dict[str, Any]().__getitem__)).problems
    )


def _peak(steps: int) -> int:
    text = _text(steps, "x")
    tracemalloc.start()
    try:
        _problems(text)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.chaos
def test_twice_the_steps_take_twice_the_memory() -> None:
    _peak(10)  # what is loaded and cached once
    assert _peak(2_000) < 2.5 * _peak(1_000)
