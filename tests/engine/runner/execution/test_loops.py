"""Loops at their edges: keys, dropped items, nothing to do, very many items, and steps named like anything."""

from __future__ import annotations

import time
from typing import Any

import pytest

from engine.orchestra import Orchestra
from tests.engine.conftest import OWNER, Run, Service, get_step, post_step, set_step, statuses
from tests.few import rare
from tests.patience import PATIENCE_SECONDS


def test_in_the_key_of_an_inner_loop_key_means_the_outer_one(run: Run) -> None:
    inner = {
        "id": "inner",
        "foreach": "{{ [1, 2] }}",
        "as": "n",
        "key": "{{ key }}-{{ n }}",
        "item_title": "no. {{ key }}",
        "steps": [set_step("made", {"v": "{{ key }}"})],
    }
    outer = {"id": "outer", "foreach": "{{ ['a'] }}", "as": "word", "key": "{{ word }}", "steps": [inner]}
    document = run([outer])
    loop = next(step for step in document["steps"] if step["path"] == "outer[0].inner")
    assert loop["items"] == [["a-1", "no. a-1"], ["a-2", "no. a-2"]]
    assert [step["output"]["v"] for step in document["steps"] if step["id"] == "made"] == ["a-1", "a-2"]


def test_a_dropped_item_is_not_tried_again_after_a_wait(run: Run, orchestra: Orchestra, service: Service) -> None:
    service.answers = {"/b": [404]}
    loop = {
        "id": "each",
        "foreach": "{{ ['a', 'b'] }}",
        "on_item_error": "drop",
        "steps": [get_step("r", service.url("/{{ item }}"))],
    }
    wait = {"id": "w", "uses": "flow.wait", "with": {"seconds": 2.4}}
    run_id = run([loop, wait, set_step("z", {"n": "{{ size(steps.each.output) }}"})])["run_id"]
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while (document := orchestra.runs.get(OWNER, run_id))["status"] != "succeeded":
        assert time.monotonic() < ends_at
        time.sleep(0.05)
    assert dict(service.seen) == {"/a": 1, "/b": 1}
    assert document["steps"][-1]["output"] == {"n": 1}
    assert document["counts"]["failed_items"] == 1


def test_equal_keys_write_once_and_say_so(run: Run, service: Service) -> None:
    loop = {
        "id": "each",
        "foreach": "{{ ['a', 'a', 'a'] }}",
        "key": "{{ item }}",
        "parallel": 3,
        "steps": [post_step("w", service.url("/w"))],
    }
    document = run([loop])
    assert (document["status"], service.seen["/w"]) == ("succeeded", 1)
    assert (document["counts"]["new_effects"], document["counts"]["reused_effects"]) == (1, 2)


@pytest.mark.parametrize(
    "key",
    [
        pytest.param("'", id="quote"),
        pytest.param("a[1].b/../c", id="path"),
        pytest.param("\n\t\x01", id="control"),
        pytest.param("{{ 1 }}", id="braces"),
        pytest.param("\u00df\U0001f600\u202e", id="unicode"),
        pytest.param("x" * 1000, id="long"),
    ],
)
def test_a_key_may_be_any_text(run: Run, service: Service, key: str) -> None:
    schema = {"type": "object", "properties": {"keys": {"type": "array", "items": {"type": "string"}}}}
    loop = post_step("w", service.url("/w"), foreach="{{ inputs.keys }}", key="{{ item }}")
    for _ in range(2):
        document = run([loop], {"keys": [key]}, inputs=schema)
        assert document["status"] == "succeeded", document["error"]
    assert service.seen["/w"] == 1


@pytest.mark.parametrize(
    ("key", "said"),
    [
        pytest.param("{{ '' }}", "The key of item 0 is empty", id="empty"),
        pytest.param("{{ item.k }}", "is null; it must be a text or a whole number", id="null"),
        pytest.param("{{ item.point }}", "is 1.0; it must be", id="point"),
        pytest.param("{{ item.truth }}", "is true; it must be", id="truth"),
        pytest.param("{{ item.long }}", "1001 characters", id="too-long"),
    ],
)
def test_a_key_that_names_nothing_is_an_error_before_anything_runs(
    run: Run, service: Service, key: str, said: str
) -> None:
    schema = {"type": "object", "properties": {"list": {"type": "array"}}}
    loop = post_step("w", service.url("/w"), foreach="{{ inputs.list }}", key=key)
    document = run([loop], {"list": [{"k": None, "point": 1.0, "truth": True, "long": "x" * 1001}]}, inputs=schema)
    assert document["status"] == "failed"
    assert said in document["error"]["message"]
    assert document["error"]["field"] == "key"
    assert not service.seen


def test_a_loop_over_nothing_is_done_at_once(run: Run) -> None:
    loop = {"id": "each", "foreach": "{{ [] }}", "parallel": 8, "steps": [set_step("never")]}
    document = run([loop], outputs={"all": "{{ steps.each.output }}"})
    assert (document["status"], document["outputs"]) == ("succeeded", {"all": []})


def test_a_skipped_loop_has_no_items(run: Run) -> None:
    loop = {"id": "each", "if": False, "foreach": "{{ [1] }}", "steps": [set_step("never")]}
    document = run([loop], outputs={"n": "{{ default(steps.each.output, []) }}"})
    assert (statuses(document), document["outputs"]) == ({"each": "skipped"}, {"n": []})


def test_steps_may_be_named_like_methods_and_functions(run: Run) -> None:
    names = ["items", "keys", "get", "values", "size", "has", "matches", "map", "filter", "output", "class_", "text"]
    names = [name for name in names if name != "map"]  # a word of the expression language
    steps = [set_step(name, {"v": index}) for index, name in enumerate(names)]
    total = " + ".join(f"steps.{name}.output.v" for name in names)
    document = run([*steps, set_step("sum", {"v": f"{{{{ {total} }}}}"})])
    assert document["steps"][-1]["output"] == {"v": sum(range(len(names)))}


def test_an_item_named_like_a_function_shadows_nothing(run: Run) -> None:
    loop = set_step("each", {"n": "{{ size([size]) }}"}, foreach="{{ ['a'] }}")
    loop["as"] = "size"
    assert run([loop])["status"] == "succeeded"


@pytest.mark.slow
@pytest.mark.parametrize("count", [2_000, rare(10_000)])
def test_ten_thousand_items_take_seconds_and_one_more_is_refused(run: Run, count: int) -> None:
    schema = {"type": "object", "properties": {"list": {"type": "array", "items": {"type": "integer"}}}}
    loop: dict[str, Any] = {
        "id": "each",
        "foreach": "{{ inputs.list }}",
        "key": "{{ item }}",
        "parallel": 16,
        "steps": [set_step("v", {"v": "{{ item * 2 }}"})],
    }
    outputs = {"n": "{{ size(steps.each.output) }}"}
    document = run([loop], {"list": list(range(count))}, inputs=schema, outputs=outputs)
    assert (document["status"], document["outputs"]) == ("succeeded", {"n": count})
    assert len(document["steps"]) == 2 * count + 1
    document = run([loop], {"list": list(range(10_001))}, inputs=schema, outputs=outputs)
    assert "at most 10000" in document["error"]["message"]
    assert ".slice(" in document["error"]["remedy"]


def test_what_runs_beside_a_failure_ends_and_nothing_new_begins(run: Run, service: Service) -> None:
    service.seconds = {"/slow": 0.4}
    bad = {"id": "bad", "uses": "flow.assert", "with": {"condition": False}, "needs": []}
    slow = get_step("slow", service.url("/slow"), needs=[])
    document = run([bad, slow, set_step("after_slow", needs=["slow"]), set_step("last")])
    assert document["error"]["step"] == "bad"
    assert statuses(document) == {"bad": "failed", "slow": "succeeded"}
