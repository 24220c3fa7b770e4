"""What a workflow has written goes by its id: no other name of the file, and no other file, changes that."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import InUse, InvalidFile, InvalidInput
from engine.orchestra import Orchestra
from tests.engine.conftest import OWNER, Service, set_step, write_workflow
from tests.engine.runs.test_renaming import keyed, lost_state, reused, started


def saved(orchestra: Orchestra, name: str) -> dict[str, Any]:
    """Save a workflow as it is, and return its content."""
    file = orchestra.workflows.get(OWNER, name)
    document = orchestra.workflows.save(OWNER, name, file.text, file.etag).document
    assert document is not None
    return document


def ids(orchestra: Orchestra) -> dict[str, Any]:
    files = {name: orchestra.workflows.get(OWNER, name).document or {} for name in orchestra.workflows.names(OWNER)}
    return {name: document.get("id") for name, document in files.items()}


def test_receipts_stay_with_a_workflow_that_is_renamed_and_after_the_state_was_lost(
    orchestra: Orchestra, root: Path, service: Service
) -> None:
    write_workflow(root, "work", keyed(service))
    started(orchestra)
    orchestra.workflows.rename(OWNER, "work", "other")
    orchestra.workflows.rename(OWNER, "other", "third")
    assert ids(orchestra) == {"third": "work"}
    assert reused(started(orchestra, "third")) == {True}
    back = lost_state(root, orchestra)
    try:
        assert reused(started(back, "third")) == {True}
    finally:
        back.close()
    assert service.seen["/w"] == 4
    assert not (root / "logs" / "renamed.jsonl").exists()


def test_receipts_stay_with_a_file_that_is_moved_once_it_was_saved(
    orchestra: Orchestra, root: Path, service: Service
) -> None:
    write_workflow(root, "work", keyed(service))
    assert saved(orchestra, "work")["id"] == "work"
    started(orchestra)
    (root / "workflows" / "work.json").rename(root / "workflows" / "other.json")
    assert reused(started(orchestra, "other")) == {True}
    back = lost_state(root, orchestra)
    try:
        assert reused(started(back, "other")) == {True}
    finally:
        back.close()
    assert service.seen["/w"] == 4


def test_receipts_of_a_called_workflow_stay_when_it_and_its_caller_are_renamed(
    orchestra: Orchestra, root: Path, service: Service
) -> None:
    post = {"uses": "http.request", "connection": "web", "with": {"method": "POST", "url": service.url("/w")}}
    write_workflow(root, "inner", [{"id": "write", **post}])
    call_ = {"id": "called", "uses": "workflow.run", "with": {"workflow": "inner"}}
    loop = {"id": "each", "foreach": "{{ [1, 2] }}", "as": "n", "key": "{{ n }}", "steps": [call_]}
    write_workflow(root, "work", [loop])
    assert started(orchestra)["status"] == "succeeded"
    orchestra.workflows.rename(OWNER, "inner", "within")
    orchestra.workflows.rename(OWNER, "work", "around")
    assert started(orchestra, "around")["status"] == "succeeded"
    orchestra.workflows.rename_step(OWNER, "around", "called", "asked")
    assert started(orchestra, "around")["status"] == "succeeded"
    assert service.seen["/w"] == 2


def test_an_open_run_does_not_stand_in_the_way_of_another_name(
    orchestra: Orchestra, root: Path, service: Service
) -> None:
    write_workflow(root, "work", [{"id": "wait", "uses": "flow.wait", "with": {"seconds": 0.3}}, *keyed(service)])
    run_id = orchestra.runs.start(OWNER, "work", {})
    orchestra.workflows.rename(OWNER, "work", "other")
    assert orchestra.runs.wait(OWNER, run_id, 30)["status"] == "succeeded"
    assert reused(started(orchestra, "other")) == {True}


def test_a_copy_and_a_new_workflow_of_a_former_name_write_for_themselves(
    orchestra: Orchestra, root: Path, service: Service
) -> None:
    write_workflow(root, "work", keyed(service))
    started(orchestra)
    orchestra.workflows.rename(OWNER, "work", "other")
    orchestra.workflows.duplicate(OWNER, "other", "copy")
    orchestra.workflows.save(OWNER, "work", json.dumps({"schema_version": 1, "steps": keyed(service)}), None)
    orchestra.workflows.create(OWNER, "blank")
    assert ids(orchestra) == {"other": "work", "copy": "copy", "work": "work-2", "blank": "blank"}
    assert [reused(started(orchestra, name)) for name in ("other", "copy", "work")] == [{True}, {False}, {False}]


def test_a_workflow_keeps_its_id_when_a_text_without_one_is_saved(orchestra: Orchestra, root: Path) -> None:
    write_workflow(root, "work", [set_step("a")])
    orchestra.workflows.rename(OWNER, "work", "other")
    file = orchestra.workflows.get(OWNER, "other")
    text = json.dumps({"schema_version": 1, "steps": [set_step("b")]}, indent=2)
    after = orchestra.workflows.save(OWNER, "other", text, file.etag)
    assert after.text == text.replace('"schema_version": 1,', '"schema_version": 1,\n  "id": "work",') + "\n"


@pytest.mark.parametrize(
    ("of_work", "of_other"),
    [
        pytest.param({"id": "first"}, {"id": "first"}, id="copied by hand after a rename"),
        pytest.param({}, {"id": "work"}, id="its name is the id of another"),
    ],
)
def test_two_files_with_one_id_share_nothing_and_are_refused(
    orchestra: Orchestra, root: Path, service: Service, of_work: dict[str, Any], of_other: dict[str, Any]
) -> None:
    document = {"schema_version": 1, "steps": keyed(service)}
    for name, own in (("work", of_work), ("other", of_other)):
        (root / "workflows" / f"{name}.json").write_text(json.dumps({**own, **document}, indent=1))
        if name == "work":
            started(orchestra)
    for name, another in (("work", "other"), ("other", "work")):
        [problem] = orchestra.workflows.get(OWNER, name).problems
        assert (problem.code, problem.severity) == ("same_id", "error")
        assert (problem.file, problem.line) == (f"workflows/{name}.json", 2 if name == "other" or of_work else 1)
        shared = of_other["id"]
        assert problem.message == f"'{name}' has the same id as '{another}': '{shared}'."
        assert f'"id": "{shared}-2"' in problem.remedy
        with pytest.raises(InvalidFile, match="has the same id as"):
            orchestra.runs.start(OWNER, name, {})
    (root / "workflows" / "other.json").write_text(json.dumps({"id": "other", **document}))
    assert reused(started(orchestra)) == {True}
    assert reused(started(orchestra, "other")) == {False}
    assert service.seen["/w"] == 8


def test_a_copy_made_by_hand_does_not_stop_the_original(orchestra: Orchestra, root: Path, service: Service) -> None:
    write_workflow(root, "work", keyed(service))
    text = json.dumps(saved(orchestra, "work"))
    started(orchestra)
    (root / "workflows" / "other.json").write_text(text)
    assert reused(started(orchestra)) == {True}
    with pytest.raises(InvalidFile, match="'other' has the same id as 'work'"):
        orchestra.runs.start(OWNER, "other", {})
    assert service.seen["/w"] == 4


def test_a_new_file_never_takes_the_id_of_another(orchestra: Orchestra, root: Path, service: Service) -> None:
    write_workflow(root, "work", keyed(service))
    text = json.dumps(saved(orchestra, "work"))
    started(orchestra)
    orchestra.workflows.save(OWNER, "other", text, None)
    assert ids(orchestra) == {"work": "work", "other": "other"}
    assert [reused(started(orchestra, name)) for name in ("work", "other")] == [{True}, {False}]


def test_a_file_that_shares_its_id_is_not_renamed(orchestra: Orchestra, root: Path) -> None:
    write_workflow(root, "work", [set_step("a")])
    text = json.dumps(saved(orchestra, "work"))
    (root / "workflows" / "other.json").write_text(text)
    for name, another in (("work", "other"), ("other", "work")):
        with pytest.raises(InUse, match=f"'{name}' has the same id as '{another}'"):
            orchestra.workflows.rename(OWNER, name, "third")
    assert ids(orchestra) == {"work": "work", "other": "work"}


def test_an_id_is_not_changed_by_saving(orchestra: Orchestra, root: Path, service: Service) -> None:
    write_workflow(root, "work", keyed(service))
    document = saved(orchestra, "work")
    started(orchestra)
    file = orchestra.workflows.get(OWNER, "work")
    with pytest.raises(InvalidInput, match="is 'work', but the text says 'other'"):
        orchestra.workflows.save(OWNER, "work", json.dumps({**document, "id": "other"}), file.etag)
    assert orchestra.workflows.get(OWNER, "work").text == file.text
    (root / "workflows" / "copy.json").write_text(file.text)
    copy = orchestra.workflows.get(OWNER, "copy")
    orchestra.workflows.save(OWNER, "copy", json.dumps({**document, "id": "copy"}), copy.etag)
    assert [reused(started(orchestra, name)) for name in ("work", "copy")] == [{True}, {False}]


def test_deleting_a_copy_leaves_the_triggers_of_the_original_on(orchestra: Orchestra, root: Path) -> None:
    trigger = {"id": "often", "uses": "schedule", "with": {"every_seconds": 3600}}
    document = {"schema_version": 1, "id": "work", "triggers": [trigger], "steps": [set_step("a")]}
    for name in ("work", "copy"):
        (root / "workflows" / f"{name}.json").write_text(json.dumps(document))
    orchestra.triggers.turn_on(OWNER, "work", "often")
    orchestra.workflows.delete(OWNER, "copy")
    assert [one.is_on for one in orchestra.triggers.list(OWNER)] == [True]
    orchestra.workflows.delete(OWNER, "work")
    (root / "workflows" / "work.json").write_text(json.dumps(document))
    assert [one.is_on for one in orchestra.triggers.list(OWNER)] == [False]


@pytest.mark.parametrize("bad", ["", "My Id", 7, None, "a" * 65])
def test_an_id_that_is_none_is_a_problem_with_its_place(orchestra: Orchestra, root: Path, bad: object) -> None:
    document = {"schema_version": 1, "id": bad, "steps": [set_step("a")]}
    (root / "workflows" / "work.json").write_text(json.dumps(document, indent=1))
    [problem] = [one for one in orchestra.workflows.get(OWNER, "work").problems if one.severity == "error"]
    assert (problem.line, problem.field) == (3, "id")
    assert "lower-case letters" in problem.message


def _failed(orchestra: Orchestra, root: Path, service: Service) -> str:
    """Return the id of a run of `work` that wrote and then failed."""
    write_workflow(root, "work", [*keyed(service), _FAILING])
    run = started(orchestra)
    assert run["status"] == "failed"
    return str(run["run_id"])


_FAILING = {"id": "last", "uses": "flow.assert", "with": {"condition": "{{ false }}"}}


def test_a_run_never_continues_with_another_workflow_of_its_former_name(
    orchestra: Orchestra, root: Path, service: Service
) -> None:
    run_id = _failed(orchestra, root, service)
    orchestra.workflows.rename(OWNER, "work", "other")
    taken = json.dumps({"schema_version": 1, "steps": [*keyed(service), set_step("last")]})
    orchestra.workflows.save(OWNER, "work", taken, None)
    orchestra.runs.resume(OWNER, run_id, newest=True)
    assert orchestra.runs.wait(OWNER, run_id, 30)["status"] == "failed"  # with the definition in other.json
    again = orchestra.runs.wait(OWNER, orchestra.runs.rerun(OWNER, run_id), 30)
    assert (again["workflow"], again["status"], reused(dict(again))) == ("other", "failed", {True})
    orchestra.workflows.delete(OWNER, "other")
    acts = (partial(orchestra.runs.resume, newest=True), orchestra.runs.rerun)
    for act in acts:
        with pytest.raises(InvalidInput, match="no file has this id; 'work' is another workflow") as refused:
            act(OWNER, run_id)
        assert '"id": "work"' in refused.value.remedy
    assert service.seen["/w"] == 4


def test_a_run_is_continued_and_repeated_after_its_workflow_was_renamed(
    orchestra: Orchestra, root: Path, service: Service
) -> None:
    run_id = _failed(orchestra, root, service)
    orchestra.workflows.rename(OWNER, "work", "other")
    file = orchestra.workflows.get(OWNER, "other")
    orchestra.workflows.save(OWNER, "other", file.text.replace("{{ false }}", "{{ true }}"), file.etag)
    orchestra.runs.resume(OWNER, run_id, newest=True)
    assert orchestra.runs.wait(OWNER, run_id, 30)["status"] == "succeeded"
    again = orchestra.runs.wait(OWNER, orchestra.runs.rerun(OWNER, run_id), 30)
    assert (again["status"], reused(dict(again))) == ("succeeded", {True})
    one = orchestra.runs.start(OWNER, "other", {}, only="last", from_run=run_id)
    assert orchestra.runs.wait(OWNER, one, 30)["status"] == "succeeded"


def test_a_text_without_an_id_is_checked_as_it_will_be_saved(orchestra: Orchestra, root: Path) -> None:
    write_workflow(root, "work", [set_step("a")])
    orchestra.workflows.rename(OWNER, "work", "other")
    orchestra.workflows.rename_step(OWNER, "other", "a", "b")
    write_workflow(root, "third", [set_step("a")])
    orchestra.workflows.rename(OWNER, "third", "work")  # its id is "third"
    text = json.dumps({"schema_version": 1, "steps": [set_step("b")]})
    for name in ("work", "new"):
        assert "same_id" not in [one.code for one in orchestra.workflows.check(OWNER, name, text)]
    assert ids(orchestra) == {"other": "work", "work": "third"}


def test_a_step_gets_another_id_and_its_workflow_has_one_since(orchestra: Orchestra, root: Path) -> None:
    write_workflow(root, "work", [set_step("a")])
    assert (orchestra.workflows.rename_step(OWNER, "work", "a", "b").document or {})["id"] == "work"
