"""One walk over a workflow document, whichever way its steps are nested."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.base.definitions import RunDefinition
from engine.base.errors import InvalidInput
from engine.base.step_tree import step_nodes
from engine.compiler.compiler import compile_workflow
from engine.compiler.definition.loader import load
from engine.documents.json_file import parse
from engine.orchestra import Orchestra
from engine.record.definitions import changes, steps_of
from tests.engine.compiler.test_compiler import AROUND
from tests.engine.conftest import OWNER, Run, Service, get_step, set_step, write_workflow

_AFTER = [set_step("told"), {"id": "both", "steps": [set_step("inner", on_error={"steps": [set_step("else_")]})]}]
_FORMS: dict[str, Any] = {"list": _AFTER, "steps": {"steps": _AFTER}}


@pytest.mark.parametrize("after", _FORMS.values(), ids=_FORMS)
def test_every_step_is_found_with_its_path(after: Any) -> None:
    document = {"steps": [set_step("a"), {"id": "g", "steps": [set_step("b")]}], "on_failure": after}
    found = {node.path: (node.depth, node.is_fallback, node.is_after_failure) for node in step_nodes(document)}
    assert found == {
        "a": (0, False, False),
        "g": (0, False, False),
        "g.b": (1, False, False),
        "on_failure.told": (0, False, True),
        "on_failure.both": (0, False, True),
        "on_failure.both.inner": (1, False, True),
        "on_failure.both.inner.else_": (2, True, True),
    }
    assert list(steps_of(document)) == list(found)


@pytest.mark.parametrize("after", _FORMS.values(), ids=_FORMS)
def test_document_model_and_plan_are_the_same_tree(after: Any) -> None:
    steps = [set_step("a", on_error={"steps": [set_step("c")]}), {"id": "g", "steps": [set_step("b")]}]
    text = json.dumps({"schema_version": 1, "steps": steps, "on_failure": after})
    file = parse(text, "workflows/work.json")
    model, plan = load(file).model, compile_workflow(file, "work", AROUND).plan
    assert model is not None
    assert plan is not None
    trees = [[(one.place, one.path, one.is_fallback) for one in form] for form in
             (step_nodes(file.value), model.nodes(), plan.tree())]  # fmt: skip
    assert trees[0] == trees[1] == trees[2]
    assert [node.path for node in plan.nodes()] == [path for _, path, _ in trees[2]]


@pytest.mark.parametrize(
    "document",
    [None, 5, [], {"steps": 7}, {"steps": ["x", None, {"id": 3}], "on_failure": "no"}, {"on_failure": {"steps": {}}}],
)
def test_what_has_no_form_of_a_step_is_passed_over(document: Any) -> None:
    assert [node.path for node in step_nodes(document)] in ([], ["?"])


@pytest.mark.parametrize("form", [lambda steps: steps, lambda steps: {"steps": steps}], ids=["list", "steps"])
def test_a_changed_step_for_a_failure_is_seen_in_either_form(form: Any) -> None:
    workflows: Any = [{"steps": [], "on_failure": form([set_step("told", {"n": n})])} for n in (1, 2)]
    old, new = (RunDefinition(workflow=workflow, prompts={}) for workflow in workflows)
    assert [one.field for one in changes(old, new)] == ["steps.on_failure.told.with.values.n"]


@pytest.mark.parametrize("form", [lambda steps: steps, lambda steps: {"steps": steps}], ids=["list", "steps"])
def test_a_finished_step_for_a_failure_that_was_changed_is_refused(
    orchestra: Orchestra, root: Path, run: Run, service: Service, form: Any
) -> None:
    service.answers["/a"] = [404]
    steps = [get_step("a", service.url("/a"))]
    failed = run(steps, on_failure=form([set_step("told", {"n": 1})]))
    assert failed["status"] == "failed"
    write_workflow(root, "work", steps, on_failure=form([set_step("told", {"n": 2})]))
    with pytest.raises(InvalidInput, match=r"on_failure\.told"):
        orchestra.runs.resume(OWNER, failed["run_id"], newest=True)
