"""Resuming with the file as it is now: allowed where what has finished stays what it was."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import InUse, InvalidFile, InvalidInput
from engine.orchestra import Orchestra
from tests.engine.conftest import OWNER, Run, Service, get_step, set_step, statuses, write_workflow
from tests.patience import PATIENCE_SECONDS

_BAD = {"id": "check", "uses": "flow.assert", "with": {"condition": "{{ steps.a.output.json.count > 5 }}"}}
_GOOD = {"id": "check", "uses": "flow.assert", "with": {"condition": "{{ steps.a.output.json.count == 1 }}"}}


def _resumed(orchestra: Orchestra, run_id: str, **how: Any) -> Any:
    orchestra.runs.resume(OWNER, run_id, **how)
    return orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)


def test_the_current_file_is_taken_for_what_is_left(
    orchestra: Orchestra, root: Path, run: Run, service: Service
) -> None:
    a = get_step("a", service.url("/a"))
    first = run([a, _BAD])
    assert first["status"] == "failed"
    write_workflow(root, "work", [{**a, "title": "Renamed"}, _GOOD, set_step("new", {"is": "there"})], title="Now")
    document = _resumed(orchestra, first["run_id"], newest=True)
    assert document["status"] == "succeeded", document["error"]
    assert statuses(document) == {"a": "succeeded", "check": "succeeded", "new": "succeeded"}
    assert service.seen["/a"] == 1
    assert document["workflow_hash"] != first["workflow_hash"]
    assert document["definition"]["workflow"]["steps"][2]["id"] == "new"
    assert [(one["by"], one["newest"], one["previous_hash"]) for one in document["resumed"]] == [
        ("tester", True, first["workflow_hash"])
    ]
    assert orchestra.runs.list(OWNER).rows[0].title == "Now"


def test_without_it_the_old_definition_holds(orchestra: Orchestra, root: Path, run: Run, service: Service) -> None:
    a = get_step("a", service.url("/a"))
    first = run([a, _BAD])
    write_workflow(root, "work", [a, _GOOD])
    document = _resumed(orchestra, first["run_id"])
    assert document["status"] == "failed"
    assert "newest" not in document["resumed"][0]


def test_that_the_definition_was_replaced_is_told_after_later_resumptions_too(
    orchestra: Orchestra, root: Path, run: Run, service: Service
) -> None:
    a = get_step("a", service.url("/a"))
    first = run([a, _BAD])
    write_workflow(root, "work", [a, {**_BAD, "title": "Still bad"}])
    _resumed(orchestra, first["run_id"], newest=True)
    document = _resumed(orchestra, first["run_id"])
    assert [one.get("newest", False) for one in document["resumed"]] == [True, False]


def _loop(service: Service, **more: Any) -> list[dict[str, Any]]:
    read = get_step("read", service.url("/{{ name }}"))
    check = {"id": "check", "uses": "flow.assert", "with": {"condition": "{{ name == 'c' }}"}}
    loop = {"id": "each", "foreach": "{{ steps.names.output.names }}", "as": "name", "key": "{{ name }}"}
    group = {"id": "both", "steps": [set_step("one"), set_step("two")]}
    names = set_step("names", {"names": ["a", "b"]})
    return [names, group, {**loop, "on_item_error": "continue", "steps": [read, check], **more}]


def _changed(steps: list[dict[str, Any]], change: str) -> list[Mapping[str, Any]]:
    names, group, loop = steps
    read, check = loop["steps"]
    changes: dict[str, list[Mapping[str, Any]]] = {
        "its id": [{**names, "id": "nomes"}, group, {**loop, "foreach": "{{ steps.nomes.output.names }}"}],
        "its fields": [set_step("names", {"names": ["a", "b", "c"]}), group, loop],
        "its type": [{**names, "uses": "flow.wait", "with": {"seconds": 0}}, group, {**loop, "foreach": "{{ ['a'] }}"}],
        "its place": [names, set_step("one"), loop],
        "the list": [names, group, {**loop, "foreach": "{{ ['a', 'b'] }}"}],
        "the key": [names, group, {**loop, "key": "{{ 'k' + name }}"}],
        "the name of the item": [
            names,
            group,
            {
                **loop,
                "as": "n",
                "key": "{{ n }}",
                "steps": [
                    {**read, "with": {**read["with"], "url": read["with"]["url"].replace("name", "n")}},
                    {**check, "with": {"condition": "{{ n == 'c' }}"}},
                ],
            },
        ],
        "the connection": [names, group, {**loop, "steps": [{**read, "connection": "other"}, check]}],
        "a step in an item": [
            names,
            group,
            {**loop, "steps": [{**read, "with": {**read["with"], "headers": {"a": "b"}}}, check]},
        ],
    }
    return changes[change]


@pytest.mark.parametrize(
    ("change", "step", "field"),
    [
        ("its id", "names", "id"),
        ("its fields", "names", "with.values.names"),
        ("its type", "names", "uses"),
        ("its place", "both.one", "id"),
        ("the list", "each", "foreach"),
        ("the key", "each", "key"),
        ("the name of the item", "each", "as"),
        ("the connection", "each.read", "connection"),
        ("a step in an item", "each.read", "with.headers"),
    ],
)
def test_a_finished_step_that_was_changed_is_named(
    orchestra: Orchestra, root: Path, run: Run, service: Service, change: str, step: str, field: str
) -> None:
    config = root / "config.yaml"
    config.write_text(
        f"{config.read_text()}  other:\n    service: http\n    allow_hosts: ['127.0.0.1:{service.port}']\n"
    )
    steps = _loop(service)
    first = run(steps)
    assert first["status"] == "failed"
    write_workflow(root, "work", _changed(steps, change))
    with pytest.raises(InvalidInput, match="was changed") as refused:
        orchestra.runs.resume(OWNER, first["run_id"], newest=True)
    named = [(one["step"], one["field"]) for one in refused.value.details["differences"]]
    assert (step, field) in named
    assert step in refused.value.message
    again = orchestra.runs.get(OWNER, first["run_id"])
    assert (again["status"], again.get("resumed")) == ("failed", None)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda steps: [*steps, set_step("last")], id="a step at the end"),
        pytest.param(lambda steps: [{**steps[0], "title": "T", "retry": {"attempts": 2}}, *steps[1:]], id="a title"),
        pytest.param(lambda steps: [*steps[:2], {**steps[2], "parallel": 2}], id="how many items at once"),
        pytest.param(
            lambda steps: [*steps[:2], {**steps[2], "steps": [*steps[2]["steps"], set_step("more")]}],
            id="a step at the end of an item",
        ),
    ],
)
def test_what_changes_nothing_that_has_finished_is_taken(
    orchestra: Orchestra, root: Path, run: Run, service: Service, change: Any
) -> None:
    steps = _loop(service)
    first = run(steps)
    good: Mapping[str, Any] = {"id": "check", "uses": "flow.assert", "with": {"condition": "{{ name != '' }}"}}
    steps[2]["steps"][1] = good
    write_workflow(root, "work", change(steps))
    document = _resumed(orchestra, first["run_id"], newest=True)
    assert document["status"] == "succeeded", document["error"]
    assert (service.seen["/a"], service.seen["/b"]) == (1, 1)


def test_its_inputs_must_still_fit(orchestra: Orchestra, root: Path, run: Run, service: Service) -> None:
    a = get_step("a", service.url("/a"))
    first = run([a, _BAD], {"n": 1}, inputs={"type": "object", "properties": {"n": {"type": "integer"}}})
    text = {"type": "object", "properties": {"n": {"type": "string"}}}
    write_workflow(root, "work", [a, _GOOD], inputs=text)
    with pytest.raises(InvalidInput, match="input 'n' does not fit"):
        orchestra.runs.resume(OWNER, first["run_id"], newest=True)
    assert orchestra.runs.get(OWNER, first["run_id"])["status"] == "failed"


def test_a_file_that_is_broken_is_told_and_the_run_stays_as_it_is(
    orchestra: Orchestra, root: Path, run: Run, service: Service
) -> None:
    first = run([get_step("a", service.url("/a")), _BAD])
    write_workflow(root, "work", [get_step("a", service.url("/a")), {"id": "b", "uses": "flow.nothing"}])
    with pytest.raises(InvalidFile):
        orchestra.runs.resume(OWNER, first["run_id"], newest=True)
    assert orchestra.runs.get(OWNER, first["run_id"])["status"] == "failed"


def test_an_interrupted_run_can_go_on_with_the_current_file(orchestra: Orchestra, root: Path, service: Service) -> None:
    service.seconds = {"/slow": 3}
    a = get_step("a", service.url("/a"))
    write_workflow(root, "work", [a, get_step("b", service.url("/slow"))])
    run_id = orchestra.runs.start(OWNER, "work", {})
    while service.seen["/slow"] == 0:
        orchestra.runs.wait(OWNER, run_id, 0.05)
    orchestra.runs.interrupt(OWNER, run_id)
    assert orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == "interrupted"
    write_workflow(root, "work", [a, get_step("b", service.url("/quick"))])
    document = _resumed(orchestra, run_id, newest=True)
    assert document["status"] == "succeeded", document["error"]
    assert (service.seen["/a"], service.seen["/quick"]) == (1, 1)
    assert document["resumed"][0]["newest"] is True


@pytest.mark.parametrize("skipped", [pytest.param(["b"], id="last"), pytest.param(["a"], id="first")])
def test_what_an_item_left_out_may_be_corrected_for_the_item_that_failed(
    orchestra: Orchestra, root: Path, run: Run, skipped: list[str]
) -> None:
    def steps(limit: int) -> list[Mapping[str, Any]]:
        check = {"id": "check", "uses": "flow.assert", "with": {"condition": f"{{{{ size(item) > {limit} }}}}"}}
        check["if"] = f"{{{{ !(item in {skipped}) }}}}"
        return [{"id": "each", "foreach": "{{ ['a', 'b'] }}", "on_item_error": "continue", "steps": [check]}]

    first = run(steps(5))
    assert first["status"] == "failed"
    write_workflow(root, "work", steps(0))
    assert _resumed(orchestra, first["run_id"], newest=True)["status"] == "succeeded"


def test_what_went_well_for_one_item_and_was_left_out_for_another_stays_as_it_was(
    orchestra: Orchestra, root: Path, run: Run
) -> None:
    def steps(value: int) -> list[Mapping[str, Any]]:
        done = set_step("done", {"v": value}) | {"if": "{{ item == 'a' }}"}
        check = {"id": "check", "uses": "flow.assert", "with": {"condition": "{{ item == 'a' }}"}}
        return [{"id": "each", "foreach": "{{ ['a', 'b'] }}", "on_item_error": "continue", "steps": [done, check]}]

    first = run(steps(1))
    write_workflow(root, "work", steps(2))
    with pytest.raises(InvalidInput, match=r"each\.done: with\.values\.v"):
        orchestra.runs.resume(OWNER, first["run_id"], newest=True)


@pytest.mark.parametrize("seconds", [pytest.param(0, id="just-accepted"), pytest.param(0.3, id="in-a-call")])
def test_a_run_that_is_at_work_goes_on_as_it_is(
    orchestra: Orchestra, root: Path, service: Service, seconds: float
) -> None:
    """A second click, or a request that comes too late, must not break what the first one has begun."""
    service.seconds = {"/a": 1}
    write_workflow(root, "work", [get_step("a", service.url("/a")), set_step("b")])
    run_id = orchestra.runs.start(OWNER, "work", {})
    time.sleep(seconds)
    with pytest.raises(InUse, match="being worked on"):
        orchestra.runs.resume(OWNER, run_id, newest=True)
    assert orchestra.runs.wait(OWNER, run_id, 30)["status"] == "succeeded"


def test_two_who_take_the_current_file_at_once_do_not_break_the_run(
    orchestra: Orchestra, root: Path, run: Run, service: Service
) -> None:
    service.seconds = {"/a": 0.5}
    first = run([get_step("a", service.url("/a")), _BAD])
    write_workflow(root, "work", [get_step("a", service.url("/a")), _GOOD, get_step("c", service.url("/c"))])
    service.seconds = {"/c": 0.5}

    def resume(_: int) -> str:
        with suppress(InUse):
            orchestra.runs.resume(OWNER, first["run_id"], newest=True)
        return "told"

    with ThreadPoolExecutor(6) as threads:
        assert set(threads.map(resume, range(6))) == {"told"}
    assert orchestra.runs.wait(OWNER, first["run_id"], 30)["status"] == "succeeded"
    assert service.seen == {"/a": 1, "/c": 1}
