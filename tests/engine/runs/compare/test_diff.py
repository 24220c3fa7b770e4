"""What is told of two runs that differ: the first step that went another way, why, and the rest."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from engine.orchestra import Orchestra
from engine.runs.compare.diff import RunDiff, StepDiff, diff, line
from tests.engine.conftest import OWNER, Run, Service, get_step, post_step, set_step
from tests.patience import PATIENCE_SECONDS


def _step(path: str, second: float, **more: Any) -> dict[str, Any]:
    step: dict[str, Any] = {
        "id": path.rpartition(".")[2].partition("[")[0],
        "path": path,
        "key": None,
        "title": "",
        "uses": "llm.chat",
        "connection": "llm",
        "status": "succeeded",
        "started_at": f"2026-05-01T08:00:{second:06.3f}Z",
        "ended_at": f"2026-05-01T08:00:{second + 0.5:06.3f}Z",
        "arguments": {"prompt": "sort@production", "variables": {"subject": path}},
        "output": {"kind": "task"},
        "error": None,
        "attempts": [],
        "effect": None,
        "usage": None,
        "request": {"model": "small", "messages": []},
    }
    return {**step, **more}


def _item(index: int, key: str, second: float, **more: Any) -> dict[str, Any]:
    return _step(f"each[{index}]", second, key=key, uses=None, arguments=None, output=None, **more)


def _run() -> Any:
    prompt = {"title": "Sort", "messages": [{"role": "system", "content": ["Sort."]}], "version": 1}
    write = {"identity": "i", "outcome": "done", "reused": False, "receipt": {"id": "7", "url": "http://7"}}
    return {
        "run_id": "good",
        "workflow": "triage",
        "workflow_hash": "h",
        "status": "succeeded",
        "inputs": {"limit": 25},
        "outputs": {"n": 2},
        "error": None,
        "accounts": {"llm": {"service": "openai", "mode": "demo"}},
        "options": {},
        "definition": {"workflow": {"steps": []}, "prompts": {"sort@production": prompt}},
        "steps": [
            _step("mails", 1),
            _step("each", 2, uses=None, arguments=None, output=None, items=[["a", "A"], ["b", "B"]], noun="mail"),
            _item(0, "a", 2),
            _item(1, "b", 2),
            _step("each[0].sort", 3),
            _step("each[1].sort", 4),
            _step("each[0].write", 5, uses="notion.upsert_page", effect=write, output={"id": "7"}, request=None),
            _step("last", 8),
        ],
    }


def _changed(change: Callable[[dict[str, Any]], None]) -> RunDiff:
    bad = copy.deepcopy(_run())
    bad["run_id"] = "bad"
    change({**{step["path"]: step for step in bad["steps"]}, "run": bad})
    return diff(_run(), bad, bool)


def _fields(one: StepDiff | None) -> list[str]:
    assert one is not None
    return [line(each) for each in one.differences]


def test_two_runs_that_went_the_same_way_do_not_differ() -> None:
    found = _changed(lambda bad: None)
    assert found.is_same
    assert found.sentence == "The runs do not differ."


CHANGES = [
    pytest.param(
        lambda bad: bad["each[1].sort"].update(arguments={"prompt": "sort@production", "variables": {"subject": "?"}}),
        ("arguments",),
        ['arguments.variables.subject: "each[1].sort" -> "?"'],
        id="an argument",
    ),
    pytest.param(
        lambda bad: bad["each[1].sort"]["request"].update(model="large"),
        ("model",),
        ['model: "small" -> "large"'],
        id="the model",
    ),
    pytest.param(
        lambda bad: bad["each[1].sort"].update(output={"kind": "bug"}),
        ("output",),
        ['output.kind: "task" -> "bug"'],
        id="an output",
    ),
    pytest.param(
        lambda bad: bad["each[1].sort"].update(status="skipped", arguments=None, output=None),
        ("presence",),
        ['status: "succeeded" -> "skipped"'],
        id="a step that was skipped",
    ),
    pytest.param(
        lambda bad: bad["each[1].sort"].update(
            status="failed", output=None, error={"type": "Timeout", "message": "No answer.", "step": "x", "remedy": "R"}
        ),
        ("error", "status"),
        ['error: nothing -> {"type":"Timeout","message":"No answer.","step":"x"}', 'status: "succeeded" -> "failed"'],
        id="a failure",
    ),
    pytest.param(
        lambda bad: bad["each[1].sort"].update(ended_at="2026-05-01T08:00:07.000Z"),
        ("duration",),
        ["duration_seconds: 0.5 -> 3.0"],
        id="how long it took",
    ),
]


@pytest.mark.parametrize(("change", "kinds", "told"), CHANGES)
def test_the_first_step_that_differs_is_named_with_what_differs(
    change: Any, kinds: tuple[str, ...], told: list[str]
) -> None:
    def both(bad: dict[str, Any]) -> None:
        change(bad)
        bad["last"]["output"] = {"kind": "other"}

    found = _changed(both)
    assert found.first is not None
    assert (found.first.path, found.first.kinds, _fields(found.first)) == ("each[1].sort", kinds, told)
    assert [one.path for one in found.rest] == ["last"]
    said = "skipped in one of them" if kinds == ("presence",) else " and ".join(kinds)
    assert found.sentence.removeprefix(found.headline).lstrip().startswith(f"First different: each[1].sort ({said}).")
    answered = "1 of 2 mails was answered differently." if "output" in kinds else ""
    assert found.headline == answered


def test_a_little_slower_is_no_difference() -> None:
    assert _changed(lambda bad: bad["last"].update(ended_at="2026-05-01T08:00:09.400Z")).is_same


def test_another_version_of_a_prompt_is_told_before_the_answer_it_gave() -> None:
    def change(bad: dict[str, Any]) -> None:
        prompt = bad["run"]["definition"]["prompts"]["sort@production"]
        prompt.update(version=2, messages=[{"role": "system", "content": ["Sort well."]}])
        bad["run"]["workflow_hash"] = "other"
        bad["mails"]["output"] = {"kind": "bug"}

    found = _changed(change)
    assert found.first is not None
    assert (found.first.path, found.first.kinds) == ("mails", ("prompt", "output"))
    assert _fields(found.first)[0] == 'prompt.messages[0].content[0]: "Sort." -> "Sort well."'
    assert "prompts.sort@production.version" in [one.field for one in found.definition]
    assert found.sentence.startswith("Prompt sort 1 -> 2. 0 of 2 mails were answered differently. First different: ")


def test_what_two_writes_were_given_by_the_service_is_not_where_they_parted() -> None:
    def change(bad: dict[str, Any]) -> None:
        bad["each[0].write"].update(
            output={"id": "8"}, effect={"outcome": "done", "reused": False, "receipt": {"id": "8", "url": "http://8"}}
        )
        bad["last"]["output"] = {"kind": "other"}

    found = _changed(change)
    assert found.first is not None
    assert found.first.path == "last"
    assert [(one.path, one.kinds) for one in found.rest] == [("each[0].write", ("effect",))]


def test_a_write_that_was_only_kept_is_no_other_way() -> None:
    found = _changed(lambda bad: bad["each[0].write"]["effect"].update(reused=True))
    assert (found.first, [one.path for one in found.rest], found.is_same) == (None, ["each[0].write"], False)
    assert found.sentence == "Every step went the same way, but for what became of 1 write."


def test_items_are_matched_by_key_and_a_missing_one_is_told_once() -> None:
    def change(bad: dict[str, Any]) -> None:
        run = bad["run"]
        bad["each"]["items"] = [["b", "B"], ["c", "C"]]
        run["steps"] = [step for step in run["steps"] if not step["path"].startswith("each[")]
        run["steps"] += [_item(0, "b", 2), _item(1, "c", 2)]
        run["steps"] += [_step("each[0].sort", 3, arguments=bad["each[1].sort"]["arguments"]), _step("each[1].sort", 4)]

    found = _changed(change)
    assert found.first is not None
    assert (found.first.path, _fields(found.first)) == ("each", ['items: ["a"] -> ["c"]'])
    assert {(one.good_path, one.bad_path) for one in found.rest} == {("each[0]", None), (None, "each[1]")}


def test_a_loop_that_failed_comes_after_the_step_that_made_it_fail() -> None:
    def change(bad: dict[str, Any]) -> None:
        error = {"type": "Timeout", "message": "No answer.", "step": "each[1].sort"}
        for path in ("each[1].sort", "each[1]", "each"):
            bad[path].update(status="failed", error=error, output=None, ended_at="2026-05-01T08:00:04.900Z")
        bad["run"].update(status="failed", error=error)

    found = _changed(change)
    assert found.first is not None
    assert found.first.path == "each[1].sort"
    assert {one.path for one in found.rest} == {"each[1]", "each"}


def test_what_the_bad_run_never_came_to_stands_where_it_would_have_come() -> None:
    def change(bad: dict[str, Any]) -> None:
        bad["run"]["steps"] = [step for step in bad["run"]["steps"] if step["path"] != "each[1].sort"]
        bad["last"]["output"] = {"kind": "other"}

    found = _changed(change)
    assert found.first is not None
    assert (found.first.path, found.first.bad_path, found.first.kinds) == ("each[1].sort", None, ("presence",))
    assert "each[1].sort (only in the first run)." in found.sentence


def test_a_large_value_is_compared_by_what_it_holds() -> None:
    def value(run_id: str, digest: str) -> dict[str, Any]:
        return {"$file": f"{run_id}.files/{digest}", "bytes": 400_000, "media_type": "text/plain"}

    good, bad = _run(), _run()
    good["steps"][0]["output"] = value("good", "aa")
    bad["steps"][0]["output"] = value("bad", "aa")
    assert diff(good, bad, bool).first is None
    bad["steps"][0]["output"] = value("bad", "bb")
    assert _fields(diff(good, bad, bool).first) == [
        "output: 400,000 bytes of text/plain -> 400,000 bytes of text/plain"
    ]


def test_a_file_is_compared_by_what_it_holds_and_its_name() -> None:
    def file(run_id: str, digest: str, name: str = "a.pdf") -> dict[str, Any]:
        place = f"{run_id}.files/{digest}"
        return {"file": {"$file": place, "name": name, "bytes": 4000, "media_type": "application/pdf"}}

    good, bad = _run(), _run()
    good["steps"][0]["output"] = file("good", "aa")
    bad["steps"][0]["output"] = file("bad", "aa")
    assert diff(good, bad, bool).first is None
    for other in (file("bad", "bb"), file("bad", "aa", "b.pdf")):
        bad["steps"][0]["output"] = other
        (told,) = _fields(diff(good, bad, bool).first)
        assert told.startswith("output.file: a.pdf, 4,000 bytes of application/pdf -> ")


def test_runs_of_two_workflows_say_so_first() -> None:
    found = _changed(lambda bad: bad["run"].update(workflow="digest"))
    assert found.sentence.startswith("They are runs of two workflows, triage and digest.")
    assert found.definition[0].field == "workflow"


# --- on real runs


def test_real_runs_that_began_with_other_inputs(orchestra: Orchestra, run: Run, service: Service) -> None:
    inputs = {"type": "object", "properties": {"name": {"type": "string"}}}
    steps = [set_step("same"), get_step("read", service.url("/{{ inputs.name }}")), post_step("w", service.url("/w"))]
    good = run(steps, {"name": "a"}, inputs=inputs)
    bad = run(steps, {"name": "b"}, inputs=inputs)
    found = orchestra.runs.diff(OWNER, good["run_id"], bad["run_id"])
    assert [one.field for one in found.run] == ["inputs.name"]
    assert found.first is not None
    assert (found.first.path, found.first.kinds[0]) == ("read", "arguments")
    assert found.sentence.startswith("They began with other inputs (inputs.name). First different: read")
    assert found.as_json()["first"]["differences"][0]["field"] == "arguments.url"


def test_a_rerun_that_replays_differs_in_its_options_alone(orchestra: Orchestra, run: Run, service: Service) -> None:
    good = run([get_step("read", service.url("/a")), set_step("b", {"n": "{{ steps.read.output.json.count }}"})])
    bad = orchestra.runs.wait(OWNER, orchestra.runs.rerun(OWNER, good["run_id"], replay=True), PATIENCE_SECONDS)
    found = orchestra.runs.diff(OWNER, good["run_id"], bad["run_id"])
    assert (found.first, [one.field for one in found.run]) == (None, ["options.replay"])


def test_a_change_of_the_workflow_is_named_by_step_and_field(orchestra: Orchestra, run: Run) -> None:
    good = run([set_step("a", {"n": 1}), set_step("b")])
    bad = run([set_step("a", {"n": 2}), set_step("c")])
    found = orchestra.runs.diff(OWNER, good["run_id"], bad["run_id"])
    assert [line(one) for one in found.definition] == [
        "steps.a.with.values.n: 1 -> 2",
        'steps.b: "flow.set" -> nothing',
        'steps.c: nothing -> "flow.set"',
    ]
    assert found.first is not None
    assert found.first.path == "a"
