"""Operations on texts: what they mean, that nothing else of the text changes, and that each can be undone."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.base.errors import InvalidInput
from engine.base.step_tree import step_nodes
from engine.compiler.renaming import rename_splices
from engine.documents.json_file import JsonFile, parse
from engine.documents.json_splice import inverse, span, spliced
from engine.workflows.editing.applying import Applied, applied
from engine.workflows.editing.operations import operations
from engine.workspace.canonical import canonical
from engine.workspace.step_renames import StepRenames
from tests.engine.compiler.test_compiler import AROUND
from tests.engine.workflows.editing.model import EXTRA, SEEDS, Random, apply, styles
from tests.patience import costs_less

STYLES = list(styles(EXTRA))


def no_rename(_file: JsonFile, _renames: StepRenames) -> Any:
    raise AssertionError


def done(text: str, *ops: Mapping[str, Any]) -> Applied:
    return applied(text, "workflows/work.json", operations([*ops]), no_rename)


def renamed(text: str, *ops: Mapping[str, Any]) -> Applied:
    """As `done`, with a compiler, which renames need."""

    def rename(file: JsonFile, renames: StepRenames) -> Any:
        return rename_splices(file, "work", AROUND, renames, needs_plan=False)

    return applied(text, "workflows/work.json", operations([*ops]), rename)


def step_texts(text: str) -> dict[str, str]:
    """The text of each step, without its indent."""
    file = parse(text, "work")
    found = {}
    for node in step_nodes(file.value):
        start, end = span(file, node.place)
        found[node.step.id] = "\n".join(line.lstrip(" \t") for line in text[start:end].split("\n"))
    return found


@pytest.mark.slow
@given(st.sampled_from(SEEDS), st.sampled_from(STYLES), st.integers(0, 10**9))
def test_an_operation_on_a_text_is_the_operation_on_its_document(seed: Any, style: str, number: int) -> None:
    document, text, ahead = seed, styles(seed)[style], Random(number)
    first, ops = text, list[Mapping[str, Any]]()
    for _ in range(4):
        op = ahead.operation(document)
        after = apply(document, op)
        made = done(text, op)
        assert sorted_json(json.loads(made.text)) == sorted_json(after), op
        assert spliced(text, made.splices) == made.text
        assert spliced(made.text, inverse(made.splices)) == text
        before, now = step_texts(text), step_texts(made.text)
        same = [one.step.json for one in step_nodes(document)]
        for node in step_nodes(after):
            if node.step.json in same and node.step.id in before:
                assert now[node.step.id] == before[node.step.id], (op, node.step.id)
        style = style if is_ordered(op) else "of its own"
        if style == "canonical":
            assert made.text == canonical(after, "workflow")
        document, text = after, made.text
        ops.append(op)
    together = done(first, *ops)
    assert together.text == text
    assert spliced(text, inverse(together.splices)) == first


STEP = {"id": "new", "uses": "flow.set", "with": {"values": {}}}
TEXT = canonical(EXTRA, "workflow")


@pytest.mark.parametrize(
    ("op", "said", "remedy"),
    [
        pytest.param({"op": "remov", "steps": ["only"]}, "ops[0]: there is no operation 'remov'", "'remove'", id="op"),
        pytest.param({"op": "remove", "steps": ["onyl"]}, "There is no step 'onyl'", "Did you mean 'only'?", id="step"),
        pytest.param({"op": "remove"}, "The key 'steps' is missing", "Add 'steps'", id="missing"),
        pytest.param({"op": "remove", "steps": "only"}, "'steps' must be a list, not 'only'", "[", id="type"),
        pytest.param({"op": "set", "step": "only", "field": "with"}, "'value' is missing", "Add 'value'", id="value"),
        pytest.param(
            {"op": "set", "step": "only", "field": "id", "value": "x"}, "cannot be set", "rename", id="set-id"
        ),
        pytest.param({"op": "set", "field": "steps", "value": []}, "'steps' holds steps", "add, move", id="set-steps"),
        pytest.param(
            {"op": "set", "step": "only", "field": "uses.x", "value": 1}, "is text", "as a whole", id="in-text"
        ),
        pytest.param({"op": "set", "field": "links.3", "value": 1}, "has 0 entries", "0 adds one", id="index"),
        pytest.param(
            {"op": "set", "field": "title", "value": "\ud800"}, "half of a surrogate", "whole", id="surrogate"
        ),
        pytest.param({"op": "set", "field": "title", "value": 2**64}, "64 bits", "in quotes", id="number"),
        pytest.param({"op": "set", "field": "title", "value": float("nan")}, "NaN", "null", id="nan"),
        pytest.param({"op": "set", "field": "title", "value": object()}, "not JSON", "Send text", id="no-json"),
        pytest.param({"op": "unset", "step": "only", "field": "wiht"}, "'steps.0.wiht' is not", "'with'", id="unset"),
        pytest.param({"op": "add", "step": {**STEP, "id": "only"}}, "already a step 'only'", "'only_2'", id="taken"),
        pytest.param({"op": "add", "step": {**STEP, "id": "No"}}, "lower-case letters", "'no'", id="no-id"),
        pytest.param({"op": "add", "step": {"uses": "x"}}, "needs an 'id'", "read_mail", id="without-id"),
        pytest.param(
            {"op": "add", "step": STEP, "after": "only", "into": ""}, "'after' and 'into'", "one", id="places"
        ),
        pytest.param({"op": "add", "step": STEP, "into": "only"}, "is not a group", "Wrap", id="no-group"),
        pytest.param(
            {"op": "add", "step": STEP, "into": "group.x"}, "cannot hold steps", "group.on_error", id="no-list"
        ),
        pytest.param(
            {"op": "move", "steps": ["group"], "into": "group"}, "into or beside itself", "place", id="itself"
        ),
        pytest.param({"op": "move", "steps": ["group", "inner"]}, "inside another", "outer", id="outer-and-inner"),
        pytest.param(
            {"op": "wrap", "steps": ["only", "inner"], "group": {"id": "g"}}, "do not follow", "side", id="wrap"
        ),
        pytest.param({"op": "unwrap", "step": "only"}, "is not a group", "Only a group", id="unwrap"),
        pytest.param({"op": "unwrap", "step": "group"}, "would be lost", "unset 'on_error'", id="unwrap-with-fallback"),
        pytest.param({"op": "replace_step", "step": "only", "new": STEP}, "has the id 'new'", "rename", id="other-id"),
        pytest.param("remove", "ops[0] must be an object", "", id="text"),
    ],
)
def test_what_cannot_be_done_is_told_with_place_and_remedy(op: Any, said: str, remedy: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        done(TEXT, op)
    assert refused.value.message.startswith("ops[0]")
    assert said in refused.value.message
    assert remedy in refused.value.remedy
    assert str(refused.value.details["field"]).startswith("ops[0]")


def test_the_reason_can_be_told_without_the_operation() -> None:
    with pytest.raises(InvalidInput) as refused:
        done(TEXT, {"op": "remove", "steps": ["labl"]})
    details = refused.value.details
    assert refused.value.message == f"ops[0] (remove labl): {details['reason']}"
    assert str(details["reason"]).startswith("There is no step 'labl'")


def test_of_several_operations_all_are_applied_or_none() -> None:
    with pytest.raises(InvalidInput, match=r"ops\[1\] \(remove nope\)"):
        done(TEXT, {"op": "remove", "steps": ["only"]}, {"op": "remove", "steps": ["nope"]})
    with pytest.raises(InvalidInput, match="at least one"):
        done(TEXT)


@pytest.mark.slow
@given(st.text(), st.text(min_size=1))
def test_any_text_arrives_as_it_is_or_is_refused(value: str, key: str) -> None:
    for style in styles(EXTRA).values():
        made = done(style, {"op": "set", "step": "only", "field": ["with", "values", key], "value": value})
        assert json.loads(made.text)["steps"][0]["with"]["values"][key] == value


def sorted_json(value: Any) -> str:
    """The text of a value, whatever the order of its keys."""
    return json.dumps(value, sort_keys=True)


def is_ordered(op: Mapping[str, Any]) -> bool:
    """Whether an operation leaves a canonical text canonical: unknown keys come last there, but not inside lists."""
    return op["op"] != "set" or not any(isinstance(part, int) for part in op["field"])


def test_operations_that_name_too_many_steps_together_are_refused() -> None:
    ids = [f"step_{number}" for number in range(600)]
    with pytest.raises(InvalidInput, match="1,200 steps; at most 1,000"):
        operations([{"op": "remove", "steps": ids}, {"op": "move", "steps": ids}])


@pytest.mark.parametrize(
    ("operation", "refused"),
    [
        ({"field": "on_failure", "value": [{"id": "a", "uses": "flow.set"}]}, "There is already a step 'a'"),
        ({"field": "on_failure", "value": {"steps": [{"id": "n", "uses": "flow.set"}] * 2}}, "already a step 'n'"),
        ({"field": "on_failure", "value": [{"uses": "flow.set"}]}, "A step needs an 'id'"),
        ({"step": "a", "field": "on_error", "value": {"steps": [{"id": "late"}]}}, "already a step 'late'"),
        ({"field": "on_failure", "value": [{"id": "late", "uses": "flow.stop"}]}, ""),
        ({"step": "a", "field": "on_error", "value": "continue"}, ""),
    ],
    ids=["taken", "twice", "no id", "of on_error", "its own", "a word"],
)
def test_steps_that_are_set_as_a_whole_have_ids_of_their_own(operation: dict[str, Any], refused: str) -> None:
    text = json.dumps(
        {"steps": [{"id": "a", "uses": "flow.set"}], "on_failure": [{"id": "late", "uses": "flow.set"}]}, indent=2
    )
    if refused:
        with pytest.raises(InvalidInput, match=refused):
            done(text, {"op": "set", **operation})
    else:
        assert json.loads(done(text, {"op": "set", **operation}).text)


WORDS = "Some words that a step of this size might well have. " * 3
LARGE = [
    {"id": f"s{n}", "uses": "flow.set", "with": {"values": {"n": n, "text": WORDS, "last": f"{{{{ {last} }}}}"}}}
    for n, last in enumerate(["0", *(f"steps.s{n}.output.n" for n in range(719))])
]
MANY: Mapping[str, list[dict[str, Any]]] = {
    "set": [
        {"op": "set", "step": f"s{n * 7 % 680}", "field": ["with", "values", "n"], "value": -n} for n in range(500)
    ],
    "add": [{"op": "add", "step": {**STEP, "id": f"new{n}"}, "after": f"s{n * 7 % 680}"} for n in range(500)],
    "move": [{"op": "move", "steps": [f"s{n}"], "after": f"s{n * 11 % 179 + 500}"} for n in range(500)],
    "wrap": [{"op": "wrap", "steps": [f"s{n}"], "group": {"id": f"group{n}"}} for n in range(500)],
    "rename": [{"op": "rename", "step": f"s{n}", "to": f"new{n}"} for n in range(150)],
}
SOME = ("set", "rename")
"""Of `make test`; `make assurance` has all."""


@pytest.mark.slow
@pytest.mark.parametrize("kind", [pytest.param(one, marks=() if one in SOME else pytest.mark.chaos) for one in MANY])
def test_many_operations_on_a_large_text_take_seconds_at_most(kind: str) -> None:
    text = json.dumps({"schema_version": 1, "title": "Large", "steps": LARGE}, indent=2)
    assert 250_000 < len(text) < 300_000
    made = costs_less(2, lambda: renamed(text, *MANY[kind]))
    assert spliced(made.text, inverse(made.splices)) == text
    if kind == "rename":
        assert made.text == re.sub(r"\bs(1[0-4]\d|\d\d?)\b", r"new\1", text)


def test_renames_in_one_request_do_the_same_as_one_by_one() -> None:
    text = styles({"schema_version": 1, "steps": LARGE[:6]})["mixed"]
    pairs = [("s0", "a"), ("s1", "b"), ("s2", "s0"), ("b", "c"), ("s3", "x" * 30)]
    ops = [{"op": "rename", "step": old, "to": new} for old, new in pairs]
    expected = text
    for op in ops:
        expected = renamed(expected, op).text
    made = renamed(text, *ops)
    assert made.text == spliced(text, made.splices) == expected
    assert spliced(expected, inverse(made.splices)) == text
    for wrong in ({"op": "rename", "step": "s4", "to": "c"}, {"op": "rename", "step": "s1", "to": "d"}):
        with pytest.raises(InvalidInput, match=r"ops\[5\]"):
            renamed(text, *ops, wrong, {"op": "rename", "step": "nope", "to": "late"})


def test_one_of_several_steps_with_an_id_gets_another_and_references_stay() -> None:
    step = '{"id": "a", "uses": "flow.set", "with": {"values": {"n": "{{ steps.a.output.n }}"}}}'
    text = f'{{"schema_version": 1, "steps": [{step}, {step}]}}'
    op = {"op": "rename", "step": "a", "to": "b", "number": 2}
    made = done(text, op)
    first, second = json.loads(made.text)["steps"]
    assert (first["id"], second["id"], made.renames) == ("a", "b", ())
    assert second["with"] == first["with"]
    for wrong in ({**op, "number": 3}, {**op, "to": "a"}, {**op, "to": "No Name"}):
        with pytest.raises(InvalidInput):
            done(text, wrong)
