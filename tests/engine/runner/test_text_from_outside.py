"""Random workflows: text from outside never arrives in an address that the compiler calls clean.

The service puts a canary into everything that it answers. Each workflow reads that, passes it on in random ways, and
writes to addresses of which a part is an expression. If the workflow is valid, no request goes to a canary's address,
and the check on the values of the run finds nothing. If the compiler is wrong, that check finds each canary.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from engine.compiler.analysis.conditions import Facts
from engine.compiler.analysis.text_flow import TextFlow
from engine.compiler.checks.outside_text import OutsideCheck
from engine.expressions.origins import NOTHING, Derived, derived
from engine.expressions.syntax import SyntaxNode
from engine.mail.writing import LetterFields
from engine.orchestra import Orchestra
from engine.runner.call.arguments import OutsideTextCheck
from engine.runner.tags import tags
from engine.runner.tags.run_tags import PlaceTags
from engine.runner.tags.strict_fields import strict_parts
from engine.runner.tags.tags import TypedTag
from tests.engine.conftest import OWNER, Service, get_step, post_step, set_step, write_workflow
from tests.patience import PATIENCE_SECONDS

CANARY = "canary"
SAYS = {"said": f"{CANARY} one", "list": [f"{CANARY} two", "fixed"], "map": {f"{CANARY}three": 1}, "fixed": "fixed"}
OUTSIDE = [
    "steps.read.output.json.said",
    "steps.read.output.json.list[0]",
    "steps.read.output.json.list[1]",
    "steps.read.output.json.fixed",
    "steps.read.output.json.map.map(k, k)[0]",
    "steps.kept.output.a",
    "steps.kept.output.b",
    "steps.group.output.inner.a",
    "steps.group.output.inner.b",
    "text(steps.each.output.map(e, default(e.inner_two.a, '')))",
    "steps.called.output.same",
    "steps.called.output.fixed",
]
CLEAN = ["'fixed'", "'other'", "inputs.word", "string(steps.read.output.status)"]


def texts(names: list[str], size: int = 3) -> st.SearchStrategy[str]:
    """Return expressions of texts that use these."""
    leaves = st.sampled_from([*names, *CLEAN])
    return st.recursive(leaves, _larger, max_leaves=size)


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    two = st.tuples(inner, inner)
    return st.one_of(
        two.map(lambda ab: f"({ab[0]} + {ab[1]})"),
        inner.map(lambda a: f"{a}.lowerAscii()"),
        inner.map(lambda a: f"string(size({a}))"),
        inner.map(lambda a: f"json({{'a': {a}}})"),
        two.map(lambda ab: f"{{'a': {ab[0]}, 'b': {ab[1]}}}.a"),
        two.map(lambda ab: f"{{'a': {ab[0]}, 'b': {ab[1]}}}[{ab[0]} == 'fixed' ? 'a' : 'b']"),
        two.map(lambda ab: f"[{ab[0]}, {ab[1]}].map(v, v + '!')[1]"),
        two.map(lambda ab: f"text([{ab[0]}, {ab[1]}].filter(v, v in ['fixed', 'other']))"),
        two.map(lambda ab: f"text([{ab[0]}].filter(v, v != {ab[1]}))"),
        st.tuples(conditions(inner), inner, inner).map(lambda c: f"({c[0]} ? {c[1]} : {c[2]})"),
        two.map(lambda ab: f"({ab[0]} in ['fixed', {ab[1]}] ? {ab[0]} : 'no')"),
        two.map(lambda ab: f"({ab[0]} == {ab[1]} ? {ab[0]} : {ab[1]})"),
        two.map(lambda ab: f"({ab[0]} != {ab[1]} ? {ab[1]} : {ab[0]})"),
    )


def conditions(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Return conditions about texts."""
    plain = st.one_of(
        st.tuples(inner, inner).map(lambda ab: f"{ab[0]} == {ab[1]}"),
        st.tuples(inner, inner).map(lambda ab: f"{ab[0]} in ['fixed', {ab[1]}]"),
        inner.map(lambda a: f"size({a}) > 5"),
        inner.map(lambda a: f"{a}.contains('{CANARY}')"),
    )
    return st.one_of(
        plain,
        plain.map(lambda a: f"!({a})"),
        st.tuples(plain, plain).map(lambda ab: f"({ab[0]} && {ab[1]})"),
        st.tuples(plain, plain).map(lambda ab: f"({ab[0]} || {ab[1]})"),
    )


@st.composite
def workflows(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Return the steps of a workflow that ends with requests to addresses made of texts."""

    def text(count: int) -> str:
        return draw(texts(OUTSIDE[:count]))

    steps = [
        get_step("read", "{{ inputs.address }}"),
        set_step("kept", {"a": f"{{{{ {text(5)} }}}}", "b": f"{{{{ {text(5)} }}}}"}),
        {
            "id": "group",
            "steps": [set_step("inner", {"a": f"{{{{ {text(7)} }}}}", "b": f"x {{{{ {text(7)} }}}}"})],
        },
        {
            "id": "each",
            "foreach": f"{{{{ [{text(9)}, {text(9)}] }}}}",
            "steps": [set_step("inner_two", {"a": f"{{{{ {draw(texts([*OUTSIDE[:9], 'item', 'key']))} }}}}"})],
        },
        {
            "id": "called",
            "uses": "workflow.run",
            "with": {"workflow": "echo", "inputs": {"word": f"{{{{ {text(10)} }}}}"}},
        },
    ]
    for number in range(draw(st.integers(1, 2))):
        to, condition = draw(texts(OUTSIDE)), draw(st.none() | conditions(texts(OUTSIDE, 2)))
        if draw(st.booleans()):  # a condition about the very text
            condition = draw(conditions(st.sampled_from([to, "'fixed'", "inputs.word", *OUTSIDE])))
        fields = {"method": "POST", "url": f"{{{{ inputs.address }}}}/{{{{ {to} }}}}"}
        step = {"id": f"write_{number}", "uses": "http.request", "connection": "web", "with": fields}
        around = {"id": f"around_{number}", "if": f"{{{{ {condition} }}}}", "steps": [step], "on_error": "continue"}
        steps.append(around if condition else {**step, "on_error": "continue"})
    return steps


TEXT = {"type": "string"}


def nothing_of_calls(_flow: TextFlow, _kind: str, tree: SyntaxNode, _facts: Facts) -> Derived:
    """A wrong analysis, in which the result of a function carries no text."""
    return NOTHING if tree.kind == "call" else derived(tree, _flow.variables)


@pytest.mark.parametrize("examples", [12, pytest.param(200, marks=pytest.mark.chaos)])
@pytest.mark.parametrize("gates", ["both", "values alone", "none"])
def test_a_canary_never_arrives_where_the_compiler_lets_it_through(
    orchestra: Orchestra, root: Path, service: Service, gates: str, examples: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if gates != "both":
        monkeypatch.setattr(TextFlow, "value", nothing_of_calls)
    if gates == "none":
        monkeypatch.setattr(OutsideTextCheck, "_require", lambda *_: None)
    write_workflow(root, "echo", [set_step("kept", {"word": "{{ inputs.word }}"})],
                   inputs={"type": "object", "properties": {"word": TEXT}},
                   outputs={"same": "{{ steps.kept.output.word }}", "fixed": "fixed"})  # fmt: skip
    service.texts["/read"] = json.dumps(SAYS)
    counted: Counter[str] = Counter()
    words = {"type": "object", "properties": {"address": TEXT, "word": TEXT}}
    given_inputs = {"address": service.url("/read"), "word": "word"}

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(workflows())
    def check(steps: list[dict[str, Any]]) -> None:
        write_workflow(root, "work", steps, inputs=words)
        problems = [one for one in orchestra.workflows.get(OWNER, "work").problems if one.severity == "error"]
        counted[",".join(sorted({one.code for one in problems}))] += 1
        assert {one.code for one in problems} <= {"outside_destination"}, [*map(str, problems)]
        if problems:
            return
        run = orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, "work", given_inputs), PATIENCE_SECONDS)
        for step in run["steps"]:
            if step["path"].split(".")[-1].startswith("write_") and step["arguments"] is not None:
                counted["addresses"] += 1
                is_refused = step["error"] is not None and step["error"]["type"] == "OutsideTextRefused"
                counted["refused"] += is_refused
                assert is_refused or CANARY not in step["arguments"]["url"].casefold(), step

    if gates == "none":
        with pytest.raises(AssertionError, match=CANARY):
            check()
        return
    check()
    assert not [path for path in service.seen if CANARY in path]
    assert bool(counted["refused"]) == (gates == "values alone"), counted
    if gates == "values alone":
        return
    assert counted[""] > examples / 10, counted
    assert counted["outside_destination"] > examples / 10, counted
    assert counted["addresses"] > examples / 20, counted


def test_a_resumed_run_and_a_text_in_a_file_are_judged_like_any_other(
    orchestra: Orchestra, root: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OutsideCheck, "_take", lambda *_: None)
    service.texts["/read"] = json.dumps({**SAYS, "large": CANARY * 100_000})
    kept = {name: f"{{{{ steps.read.output.json.{name} }}}}" for name in ("said", "large")}
    to = {name: service.url(f"/{{{{ steps.kept.output.{name} }}}}") for name in kept}
    ask = {"id": "ask", "uses": "flow.approve", "with": {"message": "Go on?"}}
    writes = [post_step(name, url, on_error="continue") for name, url in to.items()]
    write_workflow(root, "work", [get_step("read", service.url("/read")), set_step("kept", kept), ask, *writes])
    run_id = orchestra.runs.start(OWNER, "work", {})
    assert orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == "waiting"
    orchestra.close()
    later = Orchestra.open(root)
    try:
        [asked] = later.approvals.list(OWNER)
        later.approvals.approve(OWNER, asked.id)
        run = later.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    finally:
        later.close()
    errors = {step["path"]: step["error"] for step in run["steps"] if step["error"]}
    assert {name: one["type"] for name, one in errors.items()} == dict.fromkeys(kept, "OutsideTextRefused"), errors
    assert list(service.seen) == ["/read"]


def test_what_a_check_costs_does_not_grow_with_the_steps_before_it(
    orchestra: Orchestra, root: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up: Counter[str] = Counter()
    place_of = PlaceTags._place_of

    def counted(place: PlaceTags, step_id: str) -> Any:
        looked_up[step_id] += 1
        return place_of(place, step_id)

    monkeypatch.setattr(PlaceTags, "_place_of", counted)
    to = [service.url(f"/{{{{ size(json(steps.s{number}.output.json)) }}}}") for number in range(40)]
    steps = [get_step(f"s{number}", one) for number, one in enumerate([service.url("/0"), *to])]
    write_workflow(root, "chain", steps)
    run = orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, "chain", {}), PATIENCE_SECONDS)
    assert run["status"] == "succeeded", run["error"]
    assert max(looked_up.values()) <= 4, looked_up


def test_a_loop_over_what_a_loop_gave_looks_at_each_item_once(
    orchestra: Orchestra, root: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tag of an item is worked out from its own value: with those of the whole list, 10,000 items took minutes."""
    service.texts["/read"] = json.dumps(SAYS)
    looked: Counter[str] = Counter()
    valued = TypedTag.valued

    def counted(tag: TypedTag, value: Any) -> Any:
        looked["values"] += 1
        return valued(tag, value)

    monkeypatch.setattr(TypedTag, "valued", counted)
    per_item = []
    for size in (5, 40):
        inner = [get_step("read", service.url("/read"))]
        numbers = set_step("numbers", {"all": [*range(size)]})
        all_of_them = "{{ steps.numbers.output.all }}"
        first = {"id": "first", "foreach": all_of_them, "steps": inner, "output": "{{ steps.read.output }}"}
        url = service.url("/{{ string(each.output.status) }}")
        items = "{{ steps.first.output }}"
        second = {"id": "second", "foreach": items, "as": "each", "steps": [get_step("get", url)]}
        write_workflow(root, "work", [numbers, first, second])
        looked.clear()
        run = orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, "work", {}), PATIENCE_SECONDS)
        assert run["status"] == "succeeded", run["error"]
        per_item.append(looked["values"] / size)
    assert per_item[1] <= per_item[0] * 1.2, per_item


def test_which_attachment_is_sent_is_checked_and_what_is_in_one_is_not() -> None:
    attached = [{"message": "m1", "id": "2"}, {"name": "a.txt", "text": "Hi"}, {"$file": "f", "name": "b"}]
    parts = strict_parts(LetterFields, "attachments", attached, tags.CLEAN, {})
    assert [path for path, _, _ in parts] == ["attachments.0.message", "attachments.0.id"]
