"""The patterns of a workflow file are counted together, wherever in it they stand."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from engine.orchestra import Orchestra
from engine.people.access import local_user
from tests.engine.conftest import set_step
from tests.workspaces import init

_LARGE = "(a|b|[^x]{1,999}){0,1}"


def _in_inputs(count: int) -> dict[str, Any]:
    properties = {f"p{n}": {"type": "string", "pattern": f"{_LARGE}{n}"} for n in range(count)}
    return {"inputs": {"type": "object", "properties": properties}, "steps": [set_step("first", {"value": 1})]}


def _in_expressions(count: int) -> dict[str, Any]:
    values = {f"v{n}": f"{{{{ 'text'.matches('{_LARGE}{n}') }}}}" for n in range(count)}
    return {"steps": [set_step("first", values)]}


@pytest.mark.parametrize("make", [_in_inputs, _in_expressions])
@pytest.mark.slow
def test_a_file_with_too_many_patterns_is_refused_within_seconds(tmp_path: Path, make: Any) -> None:
    init(tmp_path)
    orchestra = Orchestra.open(tmp_path)
    try:
        began = time.thread_time()
        document = {"name": "x", "version": 1, **make(9_000)}
        problems = orchestra.workflows.check(local_user(), "x", json.dumps(document))
        assert time.thread_time() - began < 8
        assert any("1,000,000 steps together" in one.message for one in problems), [one.message for one in problems][:5]
    finally:
        orchestra.close()
