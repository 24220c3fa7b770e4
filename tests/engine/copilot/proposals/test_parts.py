"""Any operations, accepted for any of their steps: nothing else is touched."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from engine.base.errors import InvalidFile, InvalidInput
from engine.base.step_tree import step_nodes
from engine.copilot.proposals.owners import owners
from engine.documents.json_splice import span
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.workflows.editing.operations import operations
from engine.workflows.editing.steps_in_text import read
from tests.few import examples

ADA = Principal("ada", "editor")
IDS = ("a", "b", "c", "d", "e", "f")
TEXT = """{"schema_version": 1, "title": "Work", "steps": [
   {"id": "a",   "uses": "flow.set", "with": {"values": {"n": 1}}},
   {"id": "b", "steps": [
      { "id": "c", "uses":"flow.set", "with": {"values": {"n":   2}} },
    {"id": "d", "uses": "flow.set",
      "with": {"values": {"n": 3}}}
   ]},
   {"id": "e", "uses": "flow.set", "with": {"values":{"n":4}}},
        {"uses": "flow.set", "id": "f", "with": {"values": {"n": 5}}}
]}
"""
steps = st.sampled_from(IDS)
OPERATIONS = st.one_of(
    st.builds(lambda step, n: {"op": "set", "step": step, "field": "with.values.n", "value": n}, steps, st.integers()),
    st.builds(lambda step, text: {"op": "notes", "step": step, "text": text}, steps, st.text("xy", max_size=3)),
    st.builds(lambda step: {"op": "remove", "steps": [step]}, steps),
    st.builds(lambda one, other: {"op": "move", "steps": [one], "after": other}, steps, steps),
    st.builds(lambda step: {"op": "rename", "step": step, "to": f"{step}2"}, steps),
    st.builds(lambda step: {"op": "wrap", "steps": [step], "group": {"id": f"in_{step}"}}, steps),
    st.builds(
        lambda step, new: {"op": "add", "step": {**valued(new), "id": new}, "after": step},
        steps,
        st.sampled_from(("x", "y")),
    ),
    st.builds(lambda step: {"op": "replace_step", "step": step, "new": valued(step)}, steps),
    st.just({"op": "unwrap", "step": "b"}),
    st.builds(lambda text: {"op": "set", "field": "title", "value": text}, st.text("xy", min_size=1, max_size=3)),
)


def valued(text: str) -> dict[str, Any]:
    """A step of some value."""
    return {"uses": "flow.set", "with": {"values": {"text": text}}}


@pytest.fixture(scope="module")
def orchestra(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orchestra]:
    root = tmp_path_factory.mktemp("parts")
    (root / "workflows").mkdir()
    (root / "workflows" / "work.json").write_text(TEXT)
    (root / "config.yaml").write_text("")
    orchestra = Orchestra.open(root)
    yield orchestra
    orchestra.close()


@examples(50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(OPERATIONS, min_size=1, max_size=6), st.sets(st.sampled_from((*IDS, "x", "y", ""))))
def test_a_part_touches_only_its_steps(orchestra: Orchestra, ops: list[dict[str, Any]], chosen: set[str]) -> None:
    """The others have the same characters as before; a part that needs an operation of another step is refused."""
    orchestra.editing.discard(ADA, "work")
    rev = orchestra.editing.draft_text(ADA, "work").state.rev
    with suppress(InvalidInput):
        one = orchestra.copilot.proposals.make(ADA, "work", rev, ops, "", source="model")
        assert one.untouched.are_byte_equal
        of_chosen = sorted({index for change in one.changes if change.step in chosen for index in change.ops})
        names = [set(found) for found in owners(operations(ops), json.loads(TEXT))]
        must_be_refused = any(names[index] - chosen for index in of_chosen)
        part = [change.step for change in one.changes if change.step in chosen]
        ticks = [tick.id for tick in one.ticks]
        try:
            orchestra.copilot.proposals.accept(ADA, "work", one.id, steps=part, ticks=ticks)
        except (InvalidInput, InvalidFile):
            assert orchestra.editing.draft_text(ADA, "work").text == TEXT
            return
        assert not must_be_refused
        touched = {name for index in of_chosen for name in names[index]} | {f"in_{name}" for name in chosen}
        unchanged(orchestra.editing.draft_text(ADA, "work").text, touched, ops)


def unchanged(after: str, touched: set[str], ops: list[dict[str, Any]]) -> None:
    """Every step outside of the touched ones has the same characters as in the file."""
    touched = touched | {one["step"] for one in ops if one["op"] == "rename" and one["to"] in touched}
    before, now = raws(TEXT), raws(after)
    around = {name for text in (before, now) for id_ in touched & text.keys() for name in text[id_][1]}
    for name, (raw, up) in before.items():
        if not up & touched and name not in around:
            assert now[name][0] == raw


def raws(text: str) -> dict[str, tuple[str, set[str]]]:
    """The characters of each step, and the ids of it and the steps around it."""
    found = read(text, "work")
    return {
        node.step.id: (
            text[slice(*span(found.file, node.place))],
            {up.step.id for up in node.up()},
        )
        for node in step_nodes(found.document)
    }
