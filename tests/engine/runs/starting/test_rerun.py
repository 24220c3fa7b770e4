"""Running again what ran before: same inputs, same receipts, and with `replay` the same answers."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import InUse, InvalidInput, UnknownName
from engine.orchestra import Orchestra
from engine.record.types.run import RunOptions
from tests.engine.conftest import OWNER, Run, Service, get_step, post_step, set_step, write_workflow
from tests.patience import PATIENCE_SECONDS

_INPUTS = {
    "type": "object",
    "properties": {"name": {"type": "string", "default": "Ada"}, "limit": {"type": "integer", "default": 5}},
}


def _steps(service: Service) -> list[Mapping[str, Any]]:
    return [
        get_step("read", service.url("/read")),
        post_step("write", service.url("/write")),
        set_step("last", {"name": "{{ inputs.name }}", "count": "{{ steps.read.output.json.count }}"}),
    ]


def again(orchestra: Orchestra, run_id: str, **more: Any) -> Any:
    """Run again, to the end."""
    return orchestra.runs.wait(OWNER, orchestra.runs.rerun(OWNER, run_id, **more), PATIENCE_SECONDS)


def outputs(document: dict[str, Any]) -> dict[str, Any]:
    """{path: output} of the steps of a run."""
    return {step["path"]: step["output"] for step in document["steps"]}


def test_a_rerun_is_a_new_run_with_the_same_inputs_that_keeps_what_was_written(
    orchestra: Orchestra, run: Run, service: Service
) -> None:
    first = run(_steps(service), {"name": "Grace", "limit": 3}, inputs=_INPUTS)
    second = again(orchestra, first["run_id"])
    assert second["status"] == "succeeded", second["error"]
    assert (second["run_id"] != first["run_id"], second["origin_run_id"]) == (True, first["run_id"])
    assert second["inputs"] == {"name": "Grace", "limit": 3}
    assert second["options"] == {}
    assert outputs(second)["last"] == {"name": "Grace", "count": 2}
    assert service.seen["/write"] == 1
    assert second["steps"][1]["effect"]["reused"] is True


def test_a_rerun_of_a_rerun_comes_from_the_first(orchestra: Orchestra, run: Run, service: Service) -> None:
    first = run(_steps(service), inputs=_INPUTS)
    second = again(orchestra, first["run_id"])
    third = again(orchestra, second["run_id"])
    assert third["origin_run_id"] == first["run_id"]
    assert service.seen["/write"] == 1


def test_a_rerun_takes_the_file_as_it_is_now(orchestra: Orchestra, root: Path, run: Run, service: Service) -> None:
    first = run(_steps(service), {"name": "Grace", "limit": 3}, inputs=_INPUTS)
    only_name = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "new": {"type": "string", "default": "n"}},
    }
    write_workflow(root, "work", [set_step("other", {"is": "{{ inputs.name + inputs.new }}"})], inputs=only_name)
    second = again(orchestra, first["run_id"])
    assert outputs(second) == {"other": {"is": "Gracen"}}
    assert second["inputs"] == {"name": "Grace", "new": "n"}


def test_single_inputs_can_be_given_anew(orchestra: Orchestra, run: Run, service: Service) -> None:
    first = run(_steps(service), {"name": "Grace", "limit": 3}, inputs=_INPUTS)
    assert again(orchestra, first["run_id"], inputs={"limit": 4})["inputs"] == {"name": "Grace", "limit": 4}
    with pytest.raises(InvalidInput, match="'limt'"):
        orchestra.runs.rerun(OWNER, first["run_id"], inputs={"limt": 4})


def test_what_is_to_become_of_receipts_is_part_of_the_run(orchestra: Orchestra, run: Run, service: Service) -> None:
    first = run([set_step("a")])
    assert again(orchestra, first["run_id"], receipts="update")["options"] == {"receipts": "update"}
    with pytest.raises(InvalidInput, match="'anew'"):
        orchestra.runs.rerun(OWNER, first["run_id"], receipts="anew")


def test_one_request_reruns_once(orchestra: Orchestra, run: Run) -> None:
    first = run([set_step("a")])
    second = orchestra.runs.rerun(OWNER, first["run_id"], request_key="k")
    assert orchestra.runs.rerun(OWNER, first["run_id"], request_key="k") == second
    with pytest.raises(InUse, match="used before"):
        orchestra.runs.rerun(OWNER, first["run_id"], receipts="force", request_key="k")


def test_an_unknown_run_cannot_be_rerun(orchestra: Orchestra) -> None:
    with pytest.raises(UnknownName, match="no run named"):
        orchestra.runs.rerun(OWNER, "20260501T080000Z-aaaaaaaa")


# --- replay


def test_a_replay_asks_nobody_what_was_answered_before(orchestra: Orchestra, run: Run, service: Service) -> None:
    service.headers = {"X-Round": "one"}
    first = run(_steps(service), inputs=_INPUTS)
    second = again(orchestra, first["run_id"], replay=True)
    assert second["options"] == {"replay": first["run_id"]}
    assert (service.seen["/read"], service.seen["/write"]) == (1, 1)
    read = second["steps"][0]
    assert (read["replayed"], read["output"], read["attempts"]) == (True, first["steps"][0]["output"], [])
    assert "replayed" not in second["steps"][1]
    assert "replayed" not in first["steps"][0]
    third = again(orchestra, second["run_id"], replay=True)
    assert third["steps"][0]["replayed"] is True
    assert service.seen["/read"] == 1


def test_another_question_is_really_asked(orchestra: Orchestra, root: Path, run: Run, service: Service) -> None:
    first = run([get_step("a", service.url("/a")), get_step("b", service.url("/b"))])
    write_workflow(root, "work", [get_step("a", service.url("/a?x=1")), get_step("b", service.url("/b"))])
    second = again(orchestra, first["run_id"], replay=True)
    assert [step.get("replayed", False) for step in second["steps"]] == [False, True]
    assert (service.seen["/a"], service.seen["/a?x=1"], service.seen["/b"]) == (1, 1, 1)


def test_what_failed_before_is_asked_again(orchestra: Orchestra, run: Run, service: Service) -> None:
    service.answers = {"/a": [404]}
    first = run([get_step("a", service.url("/a"), on_error="continue"), get_step("b", service.url("/b"))])
    assert first["steps"][0]["status"] == "failed"
    second = again(orchestra, first["run_id"], replay=True)
    assert [(step["status"], step.get("replayed")) for step in second["steps"]] == [
        ("succeeded", None),
        ("succeeded", True),
    ]


def test_answers_are_found_by_the_key_of_an_item_not_by_its_position(
    orchestra: Orchestra, root: Path, run: Run, service: Service
) -> None:
    def loop(names: list[str], **more: Any) -> list[Mapping[str, Any]]:
        read = get_step("read", service.url("/item"))
        return [
            set_step("names", {"names": names}),
            {"id": "each", "foreach": "{{ steps.names.output.names }}", "as": "name", "steps": [read], **more},
        ]

    first = run(loop(["a", "b"], key="{{ name }}"))
    counts = {step["path"]: step["output"]["json"]["count"] for step in first["steps"] if step["id"] == "read"}
    write_workflow(root, "work", loop(["b", "new", "a"], key="{{ name }}"))
    second = again(orchestra, first["run_id"], replay=True)
    seen = {step["path"]: step["output"]["json"]["count"] for step in second["steps"] if step["id"] == "read"}
    assert seen == {"each[0].read": counts["each[1].read"], "each[1].read": 3, "each[2].read": counts["each[0].read"]}


def test_large_inputs_and_answers_are_stored_anew(orchestra: Orchestra, root: Path, run: Run, service: Service) -> None:
    read = get_step("read", service.url("/read"))
    read["with"]["query"] = {"length": "{{ text(size(inputs.text)) }}"}
    service.texts = {"/read?length=200000": json.dumps({"text": "ü" * 200_000})}
    steps = [read, set_step("size", {"n": "{{ size(steps.read.output.json.text) }}"})]
    inputs = {"type": "object", "properties": {"text": {"type": "string"}}}
    first = run(steps, {"text": "é" * 200_000}, inputs=inputs)
    assert first["inputs"]["text"]["bytes"] == 400_000
    second = again(orchestra, first["run_id"], replay=True)
    assert second["status"] == "succeeded", second["error"]
    assert (second["steps"][0]["replayed"], outputs(second)["size"]) == (True, {"n": 200_000})
    assert service.seen["/read?length=200000"] == 1
    shutil.rmtree(root / "logs" / first["queued_at"][:10] / f"{first['run_id']}.files")
    third = again(orchestra, second["run_id"], replay=True)
    assert (third["steps"][0]["replayed"], outputs(third)["size"]) == (True, {"n": 200_000})


def test_a_replay_reaches_into_called_runs(orchestra: Orchestra, root: Path, run: Run, service: Service) -> None:
    write_workflow(
        root, "inner", [get_step("read", service.url("/in"))], outputs={"n": "{{ steps.read.output.status }}"}
    )
    call = {"id": "call", "uses": "workflow.run", "with": {"workflow": "inner"}}
    first = run([{**call, "foreach": "{{ ['a', 'b'] }}", "key": "{{ item }}"}])
    assert first["status"] == "succeeded", first["error"]
    second = again(orchestra, first["run_id"], replay=True)
    assert second["status"] == "succeeded", second["error"]
    assert service.seen["/in"] == 2
    for old, new in zip(_called(first), _called(second), strict=True):
        inner = orchestra.runs.get(OWNER, new)
        assert inner["options"] == RunOptions(replay=old)
        assert inner["steps"][0]["replayed"] is True


def _called(document: dict[str, Any]) -> list[str]:
    return [step["child_run_id"] for step in document["steps"] if "child_run_id" in step]


def test_a_called_run_can_be_run_again_by_itself(orchestra: Orchestra, root: Path, run: Run, service: Service) -> None:
    write_workflow(root, "inner", [post_step("w", service.url("/w"))])
    first = run([{"id": "call", "uses": "workflow.run", "with": {"workflow": "inner"}}])
    (child,) = _called(first)
    second = again(orchestra, child)
    assert (second["status"], second["steps"][0]["effect"]["reused"]) == ("succeeded", True)
    assert (second["origin_run_id"], second["parent_run_id"]) == (child, None)
    assert service.seen["/w"] == 1


def test_a_test_run_that_is_run_again_is_the_same_test(orchestra: Orchestra, root: Path, service: Service) -> None:
    write_workflow(root, "work", [set_step("a"), post_step("w", service.url("/w"))])
    first = orchestra.runs.start(
        OWNER, "work", {}, only="a", pins={"w": {"status": 200, "headers": {}, "text": "", "url": "", "json": None}}
    )
    orchestra.runs.wait(OWNER, first, PATIENCE_SECONDS)
    second = again(orchestra, first)
    assert second["options"] == orchestra.runs.get(OWNER, first)["options"]
    assert service.seen["/w"] == 0
    write_workflow(root, "work", [set_step("b"), post_step("w", service.url("/w"))])
    with pytest.raises(InvalidInput, match="no step 'a'"):
        orchestra.runs.rerun(OWNER, first)


def test_a_replay_whose_source_is_gone_fails_with_a_word(
    orchestra: Orchestra, root: Path, run: Run, service: Service
) -> None:
    first = run([get_step("a", service.url("/a"), **{"if": "{{ run.id != '' }}"})])
    second = orchestra.runs.wait(OWNER, orchestra.runs.rerun(OWNER, first["run_id"], replay=True), PATIENCE_SECONDS)
    assert second["status"] == "succeeded"
    path = next((root / "logs").rglob(f"{first['run_id']}.json"))
    path.unlink()
    with pytest.raises(UnknownName):
        orchestra.runs.rerun(OWNER, first["run_id"], replay=True)


def test_a_run_that_is_at_work_cannot_be_replayed(orchestra: Orchestra, root: Path, service: Service) -> None:
    service.seconds = {"/slow": 3}
    write_workflow(root, "work", [get_step("a", service.url("/slow"))])
    run_id = orchestra.runs.start(OWNER, "work", {})
    while service.seen["/slow"] == 0:
        orchestra.runs.wait(OWNER, run_id, 0.05)
    with pytest.raises(InvalidInput, match=r"is still (running|queued)"):
        orchestra.runs.rerun(OWNER, run_id, replay=True)
    orchestra.runs.cancel(OWNER, run_id)
    orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)


def test_a_replay_that_lost_its_source_while_it_waited_fails_with_a_word(root: Path, service: Service) -> None:
    wait = {"id": "w", "uses": "flow.wait", "with": {"seconds": 3600}}
    moments = [datetime(2026, 5, 1, 12, tzinfo=UTC)]
    orchestra = Orchestra(root, clock=lambda: moments[-1])
    try:
        write_workflow(root, "work", [get_step("a", service.url("/a"))])
        first = orchestra.runs.start(OWNER, "work", {})
        orchestra.runs.wait(OWNER, first, PATIENCE_SECONDS)
        write_workflow(root, "work", [wait, get_step("a", service.url("/a"))])
        second = orchestra.runs.rerun(OWNER, first, replay=True)
        assert orchestra.runs.wait(OWNER, second, PATIENCE_SECONDS)["status"] == "waiting"
        next((root / "logs").rglob(f"{first}.json")).unlink()
        moments.append(moments[0] + timedelta(hours=2))
        ends_at = time.monotonic() + PATIENCE_SECONDS
        while orchestra.runs.get(OWNER, second)["status"] != "failed":
            assert time.monotonic() < ends_at
            time.sleep(0.05)
        ended: Any = orchestra.runs.get(OWNER, second)
        assert ended["error"]["message"] == f"The log of run {first} is gone."
        assert service.seen["/a"] == 1
    finally:
        orchestra.close()


# --- on whose accounts


def test_a_rerun_stays_on_the_accounts_of_its_run(root: Path, service: Service) -> None:
    write_workflow(root, "work", [get_step("a", service.url("/a"))])
    with closing(Orchestra(root, demo=True)) as demo:
        first = demo.runs.start(OWNER, "work", {})
        demo.runs.wait(OWNER, first, PATIENCE_SECONDS)
    with closing(Orchestra(root)) as mine:
        second = again(mine, first)
        assert (second["demo"], second["accounts"]["web"]["mode"]) == (True, "demo")


def test_a_run_on_a_real_account_is_not_rerun_while_that_is_set_to_demo(
    orchestra: Orchestra, root: Path, run: Run, service: Service
) -> None:
    first = run([get_step("a", service.url("/a"))])
    assert first["demo"] is False
    orchestra.close()
    with closing(Orchestra(root, demo=True)) as demo, pytest.raises(InvalidInput, match="set to Demo"):
        demo.runs.rerun(OWNER, first["run_id"])
    assert service.seen["/a"] == 1
