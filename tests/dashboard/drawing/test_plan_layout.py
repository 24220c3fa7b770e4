"""The drawing of a compiled workflow: side by side what may run side by side, inside below around."""

from __future__ import annotations

from typing import Any

import pytest

from dashboard.drawing.plan_layout import COLUMN_WIDTH, ROW_HEIGHT, edges, places
from tests.engine.compiler.test_compiler import call, compiled, flow
from tests.engine.conftest import set_step

GROUP = {"id": "g", "steps": [set_step("x", needs=[]), set_step("y", needs=[])]}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param(flow(set_step("a"), set_step("b")), {"a": (0, 0), "b": (0, 1)}, id="one-after-another"),
        pytest.param(
            flow(*(set_step(name, needs=[]) for name in "ab"), set_step("c")),
            {"a": (-0.5, 0), "b": (0.5, 0), "c": (0, 1)},
            id="two-at-once",
        ),
        pytest.param(
            flow(GROUP, set_step("z")), {"g": (0, 0), "g.x": (-0.5, 1), "g.y": (0.5, 1), "z": (0, 2)}, id="a-group"
        ),
        pytest.param(
            flow({**GROUP, "needs": []}, set_step("b", needs=[])),
            {"g": (-0.5, 0), "g.x": (-1, 1), "g.y": (0, 1), "b": (1, 0)},
            id="beside-a-wide-one",
        ),
        pytest.param(
            flow(call("f", "flow.fail", {"message": "m"}), on_failure=[set_step("t")]),
            {"f": (0, 0), "on_failure.t": (0, 2)},
            id="after-a-failure",
        ),
        pytest.param(
            flow({**set_step("a"), "on_error": {"steps": [set_step("i")]}}, set_step("b")),
            {"a": (0, 0), "a.i": (0, 1), "b": (0, 2)},
            id="a-fallback",
        ),
    ],
)
def test_steps_stand_where_they_run(document: Any, expected: dict[str, tuple[float, float]]) -> None:
    plan = compiled(document)[1].plan
    assert plan is not None
    found = {path: (x / COLUMN_WIDTH, y / ROW_HEIGHT) for path, (x, y) in places(plan).items()}
    assert found == expected


def test_no_two_boxes_of_a_wide_workflow_lie_on_each_other() -> None:
    inner = {"id": "g", "needs": [], "steps": [set_step(f"i{n}", needs=[]) for n in range(4)]}
    steps = [set_step(f"s{n}", needs=[]) for n in range(3)]
    plan = compiled(flow(inner, *steps, set_step("end")))[1].plan
    assert plan is not None
    found = list(places(plan).values())
    assert len(set(found)) == len(found)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param(flow(set_step("a"), set_step("b"), set_step("c")), ["a > b", "b > c"], id="one-after-another"),
        pytest.param(
            flow(*(set_step(name, needs=[]) for name in "ab"), set_step("c")), ["a > c", "b > c"], id="after-both"
        ),
        pytest.param(flow(GROUP, set_step("z")), ["g > g.x", "g > g.y", "g.x > z", "g.y > z"], id="through-a-group"),
        pytest.param(
            flow(call("f", "flow.fail", {"message": "m"}), on_failure=[set_step("t"), set_step("u")]),
            ["on_failure.t > on_failure.u"],
            id="after-a-failure",
        ),
        pytest.param(
            flow({**set_step("a"), "on_error": {"steps": [set_step("i")]}}, set_step("b")),
            ["a > a.i", "a > b"],
            id="a-fallback",
        ),
    ],
)
def test_arrows_lead_from_what_a_step_waits_for(document: Any, expected: list[str]) -> None:
    plan = compiled(document)[1].plan
    assert plan is not None
    assert sorted(f"{edge.source} > {edge.target}" for edge in edges(plan)) == expected
