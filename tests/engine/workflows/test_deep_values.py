"""Steps that put each other's outputs into their own, without end: a problem of their file alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.orchestra import Orchestra
from tests.engine.conftest import OWNER


def _chain(length: int, first: str = "1", **more: object) -> dict[str, object]:
    """Return a workflow in which each step puts the whole output of the one before into its own."""
    steps = [{"id": "s0", "uses": "flow.set", "with": {"values": {"x": first}}}]
    for number in range(1, length):
        values = {"x": f"{{{{ steps.s{number - 1}.output }}}}"}
        steps.append({"id": f"s{number}", "uses": "flow.set", "with": {"values": values}})
    return {"schema_version": 1, **more, "steps": steps, "outputs": {"o": f"{{{{ steps.s{length - 1}.output }}}}"}}


@pytest.mark.parametrize("length", [300, 480, 1500])
def test_values_nested_without_end_are_a_problem_of_their_file_alone(
    orchestra: Orchestra, root: Path, length: int
) -> None:
    inner = _chain(length)
    outer = _chain(length, "{{ steps.call.output }}")
    call = {"id": "call", "uses": "workflow.run", "with": {"workflow": "inner"}}
    outer["steps"] = [call, *outer["steps"]]  # type: ignore[misc]
    for name, document in (("inner", inner), ("outer", outer), ("fine", _chain(3))):
        (root / "workflows" / f"{name}.json").write_text(json.dumps(document))
    found = {one.name: one.problems for one in orchestra.workflows.list(OWNER)}
    assert found["fine"] == 0
    assert length < 1000 or found["inner"] == 1
    if found["inner"]:
        [problem] = orchestra.workflows.get(OWNER, "inner").problems
        assert problem.code == "too_involved"
        assert "nested too deep" in problem.message
    orchestra.triggers.list(OWNER)
