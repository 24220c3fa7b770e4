"""Another id for a step: every reference follows, and nothing that only looks like one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.base.errors import InUse, InvalidFile, InvalidInput, OrchestraError, UnknownName
from engine.compiler.renaming import rename_splices
from engine.documents.json_file import parse
from engine.documents.json_splice import spliced
from tests.engine.compiler.test_compiler import AROUND, call, flow, inputs, use
from tests.engine.conftest import set_step

OLD = set_step("old", {"kind": "x", "list": "{{ [1] }}"})


def renamed(document: Any, old: str = "old", new: str = "fresh") -> Any:
    file = parse(json.dumps(document), "workflows/work.json")
    return json.loads(spliced(file.text, rename_splices(file, "work", AROUND, [(old, new)])))


def value(document: Any) -> str:
    return str(document["steps"][-1]["with"]["values"]["v"])


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        pytest.param("steps.old.output.kind", "steps.fresh.output.kind", id="plain"),
        pytest.param("has(steps.old.output)", "has(steps.fresh.output)", id="has"),
        pytest.param("has(steps.old.output.kind)", "has(steps.fresh.output.kind)", id="has-of-a-field"),
        pytest.param("default(steps.old.output.kind, 'old')", "default(steps.fresh.output.kind, 'old')", id="default"),
        pytest.param("steps.?old.?output.?kind.orValue('')", "steps.?fresh.?output.?kind.orValue('')", id="optional"),
        pytest.param(
            "'steps.old.output' + steps.old.output.kind", "'steps.old.output' + steps.fresh.output.kind", id="in-quotes"
        ),
        pytest.param("'é' + steps . old . output.kind", "'é' + steps . fresh . output.kind", id="with-spaces"),
        pytest.param(
            "steps.old.output.kind + steps.old.output.kind",
            "steps.fresh.output.kind + steps.fresh.output.kind",
            id="twice",
        ),
        pytest.param("{'old': steps.old.output}.old.kind", "{'old': steps.fresh.output}.old.kind", id="another-field"),
        pytest.param(
            "[1].map(old, old + size(steps.old.output.kind))",
            "[1].map(old, old + size(steps.fresh.output.kind))",
            id="another-variable",
        ),
        pytest.param("inputs.old + steps.old.output.kind", "inputs.old + steps.fresh.output.kind", id="an-input"),
        pytest.param(
            "steps.old.?output.optMap(o, o.kind).orValue('')",
            "steps.fresh.?output.optMap(o, o.kind).orValue('')",
            id="read-twice-by-a-macro",
        ),
        pytest.param(
            "text(steps.old.output) + json(steps.old)", "text(steps.fresh.output) + json(steps.fresh)", id="ours"
        ),
    ],
)
def test_an_expression_follows(source: str, wanted: str) -> None:
    found = renamed(flow(OLD, use(source), inputs=inputs(old={"type": "string"})))
    assert value(found) == f"{{{{ {wanted} }}}}"
    assert found["steps"][0] == {**OLD, "id": "fresh"}


def test_mixed_text_keeps_what_is_no_expression() -> None:
    found = renamed(flow(OLD, set_step("user", {"v": "steps.old {{ steps.old.output.kind }} old {{ 'old' }}"})))
    assert value(found) == "steps.old {{ steps.fresh.output.kind }} old {{ 'old' }}"


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        pytest.param("steps.each.output.map(m, m.old.kind)", "steps.each.output.map(m, m.fresh.kind)", id="map"),
        pytest.param(
            "steps.each.output.filter(old, has(old.old))",
            "steps.each.output.filter(old, has(old.fresh))",
            id="variable-of-the-same-name",
        ),
        pytest.param("steps.each.output[0].old.kind", "steps.each.output[0].fresh.kind", id="index"),
        pytest.param(
            "default(steps.each.output[0].old.kind, '')", "default(steps.each.output[0].fresh.kind, '')", id="default"
        ),
        pytest.param(
            "steps.each.output.filter(m, has(m.old)).map(x, x.old.kind)",
            "steps.each.output.filter(m, has(m.fresh)).map(x, x.fresh.kind)",
            id="through-a-filter",
        ),
    ],
)
def test_a_field_that_stands_for_the_step_follows(source: str, wanted: str) -> None:
    loop = {"id": "each", "foreach": "{{ [1] }}", "as": "n", "key": "{{ n }}", "steps": [OLD]}
    assert value(renamed(flow(loop, use(source)))) == f"{{{{ {wanted} }}}}"


def test_every_part_of_a_file_follows() -> None:
    each = {
        "id": "each",
        "foreach": "{{ steps.old.output.list }}",
        "as": "n",
        "key": "{{ steps.old.output.kind }}{{ n }}",
        "item_title": "{{ steps.old.output.kind }}",
        "if": "{{ steps.old.output.kind == 'x' }}",
        "steps": [
            {
                **call("post", "http.request", {"url": "https://x.org", "method": "POST"}),
                "once": "{{ steps.old.output.kind }}",
                "on_error": {"steps": [use("steps.old.output.kind")]},
            }
        ],
        "output": "{{ steps.old.output.kind }}",
    }
    after = set_step("after", {"v": 1}, needs=["old", "each"])
    found = json.dumps(renamed(flow(OLD, each, after, outputs={"v": "{{ steps.old.output.kind }}"})))
    assert "old" not in found
    assert found.count("fresh") == 10


def test_a_step_after_a_failure_has_another_id() -> None:
    document = flow(call("bad", "flow.fail", {"message": "No."}), on_failure=[OLD, use("steps.old.output.kind")])
    found = renamed(document)
    assert [step["id"] for step in found["on_failure"]] == ["fresh", "user"]
    assert "steps.fresh" in json.dumps(found)


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        pytest.param("odl", "fresh", UnknownName, id="unknown"),
        pytest.param("old", "user", InUse, id="taken"),
        pytest.param("old", "old", InvalidInput, id="its-own"),
        pytest.param("old", "Fresh", InvalidInput, id="no-id"),
        pytest.param("old", "steps", InvalidInput, id="reserved"),
        pytest.param("old", "", InvalidInput, id="empty"),
        pytest.param("old", "x" * 65, InvalidFile, id="long"),
    ],
)
def test_what_cannot_be_is_refused(old: str, new: str, error: type[OrchestraError]) -> None:
    with pytest.raises(error):
        renamed(flow(OLD, use("steps.old.output.kind")), old, new)


def test_a_workflow_with_errors_is_refused_because_not_all_of_it_could_be_read() -> None:
    with pytest.raises(InvalidFile):
        renamed(flow(OLD, use("steps.nope.output")))
