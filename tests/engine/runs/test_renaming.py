"""A step has another id: what it wrote before is still known, also to a state that was read from the logs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import InUse, StaleEdit, StorageError
from engine.base.step_tree import step_nodes
from engine.files.atomic import etag
from engine.operations import upkeep
from engine.orchestra import Orchestra
from engine.runs.runs import Runs
from engine.store.acceptances import RunEntry
from engine.store.renames import StepRename
from engine.store.sql.acceptances import SqlAcceptances
from engine.store.sql.base.tables import meta
from engine.store.sql.renames import BEGUN_RENAME
from engine.workspace.copies import move
from tests.engine.conftest import OWNER, Service, set_step, write_workflow
from tests.patience import PATIENCE_SECONDS, until

_LATER = "2999-01-01T00:00:00.000Z"


def keyed(service: Service) -> list[Mapping[str, Any]]:
    """A loop of writes with keys, one of them in a group."""
    post = {"uses": "http.request", "connection": "web", "with": {"method": "POST", "url": service.url("/w")}}
    return [
        {
            "id": "each", "foreach": "{{ ['a', 'b'] }}", "as": "name", "key": "{{ name }}",
            "steps": [{"id": "note", **post}, {"id": "group", "steps": [{"id": "inner", **post}]}],
        }
    ]  # fmt: skip


def started(orchestra: Orchestra, name: str = "work") -> Any:
    return orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, name, {}), PATIENCE_SECONDS)


def reused(document: dict[str, Any]) -> set[bool]:
    return {step["effect"]["reused"] for step in document["steps"] if step["effect"]}


def lost_state(root: Path, orchestra: Orchestra) -> Orchestra:
    orchestra.close()
    for path in (root / ".orchestra").glob("state.db*"):
        path.unlink()
    return Orchestra.open(root)


def test_receipts_follow_a_step_and_are_found_after_the_state_was_lost(
    orchestra: Orchestra, root: Path, service: Service
) -> None:
    write_workflow(root, "work", keyed(service))
    assert started(orchestra)["status"] == "succeeded"
    for old, new in (("note", "remark"), ("group", "pair"), ("each", "every"), ("inner", "core")):
        orchestra.workflows.rename_step(OWNER, "work", old, new)
    again = started(orchestra)
    assert {step["path"] for step in again["steps"]} >= {"every[0].remark", "every[1].pair.core"}
    assert reused(again) == {True}
    back = lost_state(root, orchestra)
    try:
        assert reused(started(back)) == {True}
    finally:
        back.close()
    assert service.seen["/w"] == 4


def test_receipts_follow_the_steps_that_were_renamed_in_a_draft_when_it_is_saved(
    orchestra: Orchestra, root: Path, service: Service
) -> None:
    write_workflow(root, "work", keyed(service))
    assert started(orchestra)["status"] == "succeeded"
    file = orchestra.workflows.get(OWNER, "work")
    ops = [{"op": "rename", "step": old, "to": new} for old, new in (("note", "remark"), ("each", "every"))]
    draft = orchestra.editing.apply(OWNER, "work", file.etag, [*ops, {"op": "set", "field": "title", "value": "New"}])
    again = orchestra.editing.apply(OWNER, "work", draft.rev, [{"op": "rename", "step": "inner", "to": "core"}])
    orchestra.editing.undo(OWNER, "work", again.rev)
    text = orchestra.editing.canvas(OWNER, "work").text
    saved = orchestra.workflows.save(OWNER, "work", text, file.etag)
    assert [node.path for node in step_nodes(saved.document)] == [
        "every",
        "every.remark",
        "every.group",
        "every.group.inner",
    ]
    assert reused(started(orchestra)) == {True}
    assert service.seen["/w"] == 4


def named(*renames: str) -> list[dict[str, str]]:
    return [{"op": "rename", "step": one.split(">")[0], "to": one.split(">")[1]} for one in renames]


@pytest.mark.parametrize("is_draft", [True, False], ids=["draft", "file"])
@pytest.mark.parametrize(
    "renames",
    [("note>noet", "noet>remark"), ("note>remark", "inner>note"), ("note>x", "x>note", "each>every")],
    ids=["twice", "moved up", "and back"],
)
def test_receipts_follow_several_renames_that_are_saved_at_once(
    orchestra: Orchestra, root: Path, service: Service, renames: tuple[str, ...], is_draft: bool
) -> None:
    write_workflow(root, "work", keyed(service))
    started(orchestra)
    file, editing = orchestra.workflows.get(OWNER, "work"), orchestra.editing
    orchestra.workflows.move_steps(OWNER, "work", {"each": [1, 2]})
    if is_draft:
        rev = file.etag
        for op in named(*renames):
            rev = editing.apply(OWNER, "work", rev, [op]).rev
        orchestra.workflows.save(OWNER, "work", editing.canvas(OWNER, "work").text, file.etag)
    else:
        editing.edit_file(OWNER, "work", named(*renames))
    assert len(orchestra.versions.list(OWNER, "work")) == 2
    assert list(orchestra.workflows.positions(OWNER, "work")) == ["every" if "each>every" in renames else "each"]
    assert reused(started(orchestra)) == {True}
    back = lost_state(root, orchestra)
    try:
        assert reused(started(back)) == {True}
    finally:
        back.close()
    assert service.seen["/w"] == 4


@pytest.mark.parametrize(
    ("renames", "said"),
    [
        (named("note>x", "inner>note", "x>inner"), "trade their ids"),
        ([*named("each>every"), {"op": "remove", "steps": ["inner"]}, *named("note>inner")], "is another step"),
    ],
    ids=["swap", "taken"],
)
def test_renames_that_cannot_all_be_saved_change_nothing(
    orchestra: Orchestra, root: Path, service: Service, renames: list[dict[str, Any]], said: str
) -> None:
    write_workflow(root, "work", keyed(service))
    before = orchestra.workflows.get(OWNER, "work").text
    with pytest.raises(InUse, match=said):
        orchestra.editing.edit_file(OWNER, "work", renames)
    assert orchestra.workflows.get(OWNER, "work").text == before
    assert not (root / "logs" / "renamed.jsonl").exists()


def test_receipts_of_a_called_run_follow_the_step_that_called_it(
    orchestra: Orchestra, root: Path, service: Service
) -> None:
    post = {"uses": "http.request", "connection": "web", "with": {"method": "POST", "url": service.url("/w")}}
    write_workflow(root, "inner", [{"id": "write", **post}])
    call_ = {"id": "called", "uses": "workflow.run", "with": {"workflow": "inner"}}
    loop = {"id": "each", "foreach": "{{ [1, 2] }}", "as": "n", "key": "{{ n }}", "steps": [call_]}
    write_workflow(root, "work", [loop])
    assert started(orchestra)["status"] == "succeeded"
    orchestra.workflows.rename_step(OWNER, "work", "called", "asked")
    orchestra.workflows.rename_step(OWNER, "inner", "write", "put")
    assert started(orchestra)["status"] == "succeeded"
    back = lost_state(root, orchestra)
    try:
        assert started(back)["status"] == "succeeded"
    finally:
        back.close()
    assert service.seen["/w"] == 2


def test_a_run_that_may_still_write_stands_in_the_way(orchestra: Orchestra, root: Path) -> None:
    write_workflow(root, "work", [{"id": "wait", "uses": "flow.wait", "with": {"seconds": 3600}}])
    call_ = {"id": "called", "uses": "workflow.run", "with": {"workflow": "work"}}
    write_workflow(root, "caller", [{"id": "first", "uses": "flow.wait", "with": {"seconds": 3600}}, call_])
    for name in ("work", "caller"):
        run_id = orchestra.runs.start(OWNER, name, {})
        before = orchestra.workflows.get(OWNER, "work").text
        with pytest.raises(InUse, match=f"1 run of '{name}' has not ended") as refused:
            orchestra.workflows.rename_step(OWNER, "work", "wait", "pause")
        assert "bears the old id" in refused.value.remedy
        if name == "work":
            with pytest.raises(InUse, match="1 run of 'work' has not ended") as refused:
                orchestra.workflows.delete(OWNER, "work")
            assert "name" not in refused.value.remedy
        assert orchestra.workflows.get(OWNER, "work").text == before
        orchestra.runs.cancel(OWNER, run_id)
        orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    assert "pause" in orchestra.workflows.rename_step(OWNER, "work", "wait", "pause").text


def test_the_text_before_is_kept_and_the_drawing_follows(orchestra: Orchestra, root: Path) -> None:
    write_workflow(root, "work", [set_step("a"), set_step("b", {"v": "{{ steps.a.output.done }}"})])
    orchestra.workflows.move_steps(OWNER, "work", {"a": [0, 0], "b": [0, 120]})
    before = orchestra.workflows.get(OWNER, "work").text
    after = orchestra.workflows.rename_step(OWNER, "work", "a", "first")
    assert orchestra.workflows.positions(OWNER, "work") == {"first": [0, 0], "b": [0, 120]}
    versions = orchestra.versions.list(OWNER, "work")
    texts = [orchestra.versions.text(OWNER, "work", one.id) for one in versions]
    assert texts == [after.text, before]
    assert orchestra.audit(OWNER, 1)[0].action == "workflows.rename_step"


def test_nothing_moves_where_the_file_was_changed_meanwhile(orchestra: Orchestra, root: Path, service: Service) -> None:
    write_workflow(root, "work", keyed(service))
    started(orchestra)
    with pytest.raises(StaleEdit):
        orchestra.workflows.rename_step(OWNER, "work", "note", "remark", etag="another")
    assert not (root / "logs" / "renamed.jsonl").exists()
    assert reused(started(orchestra)) == {True}


@pytest.mark.parametrize(
    ("rename", "before", "after"),
    [
        pytest.param(
            StepRename("w", "x", "a"), ["me", "w", "a.b.a", "run", 1], ["me", "w", "x.b.x", "run", 1], id="step"
        ),
        pytest.param(
            StepRename("w", "x", "a"), ["me", "v", "a", "once", "a"], ["me", "v", "a", "once", "a"], id="another"
        ),
        pytest.param(
            StepRename("w", "x", "a"), ["me", "v", "a", "keys", "a", ["w", "a", "keys", "a", ["u", "a", "run", "a"]]],
            ["me", "v", "a", "keys", "a", ["w", "x", "keys", "a", ["u", "a", "run", "a"]]], id="caller",
        ),
    ],
)  # fmt: skip
def test_an_identity_follows(rename: StepRename, before: list[Any], after: list[Any]) -> None:
    assert json.loads(rename.applied(json.dumps(before))) == after


@pytest.mark.parametrize("is_done", [pytest.param(True, id="file saved"), pytest.param(False, id="file not saved")])
def test_a_rename_cut_short_is_ended_or_forgotten_at_the_next_start(
    orchestra: Orchestra, root: Path, service: Service, is_done: bool
) -> None:
    write_workflow(root, "work", keyed(service))
    path = root / "workflows" / "work.json"
    path.write_text(orchestra.workflows.save(OWNER, "work", path.read_text(), etag(path.read_text())).text)
    started(orchestra)
    after = path.read_text().replace('"each"', '"every"').replace('"note"', '"remark"')
    renames = [{"workflow": "work", "new": new, "step": old} for old, new in (("each", "every"), ("note", "remark"))]
    begun = {"renames": renames, "at": _LATER}
    with orchestra._families.opened.database.writing() as connection:
        connection.execute(meta.insert().values(key=BEGUN_RENAME, value=json.dumps({**begun, "etag": etag(after)})))
    orchestra.close()
    if is_done:
        path.write_text(after)
    again = Orchestra.open(root)
    try:
        assert not again._families.opened.state.renames.is_begun()
        assert reused(started(again)) == {True}
        assert (root / "logs" / "renamed.jsonl").exists() is is_done
    finally:
        again.close()
    assert service.seen["/w"] == 4


def test_a_process_that_stays_ends_what_one_that_died_had_begun_to_rename(
    orchestra: Orchestra, root: Path, service: Service
) -> None:
    write_workflow(root, "work", keyed(service))
    path = root / "workflows" / "work.json"
    started(orchestra)
    after = path.read_text().replace('"each"', '"every"')
    begun = {"renames": [{"workflow": "work", "new": "every", "step": "each"}], "at": _LATER, "etag": etag(after)}
    with orchestra._families.opened.database.writing() as connection:
        connection.execute(meta.insert().values(key=BEGUN_RENAME, value=json.dumps(begun)))
    path.write_text(after)
    assert reused(started(orchestra)) == {True}
    assert service.seen["/w"] == 4


def test_a_server_ends_what_a_process_that_died_had_begun_to_rename_where_nothing_runs(
    root: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "_SECONDS", 0.05)
    write_workflow(root, "work", keyed(service))
    path = root / "workflows" / "work.json"
    after = path.read_text().replace('"each"', '"every"')
    begun = {"renames": [{"workflow": "work", "new": "every", "step": "each"}], "at": _LATER, "etag": etag(after)}
    server = Orchestra.open(root, serve=True)
    try:
        with server._families.opened.database.writing() as connection:
            path.write_text(after)
            connection.execute(meta.insert().values(key=BEGUN_RENAME, value=json.dumps(begun)))
        until(lambda: not server._families.opened.state.renames.is_begun(), "the end of the rename")
    finally:
        server.close()
    assert (root / "logs" / "renamed.jsonl").exists()


def test_a_rename_that_no_disk_would_take_down_is_ended_before_anything_runs(
    orchestra: Orchestra, root: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_workflow(root, "work", keyed(service))
    started(orchestra)

    def refused(*_: object) -> None:
        raise StorageError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("engine.record.run_log.RunLogs.keep_renames", refused)
        with pytest.raises(StorageError):
            orchestra.workflows.rename_step(OWNER, "work", "note", "remark")
        with pytest.raises(StorageError):  # its receipts are not there yet: everything would be written once more
            orchestra.runs.start(OWNER, "work", {})
    assert reused(started(orchestra)) == {True}
    assert service.seen["/w"] == 4


def test_a_rename_whose_files_cannot_be_moved_leaves_nothing_behind(
    orchestra: Orchestra, root: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_workflow(root, "work", keyed(service))
    orchestra.workflows.move_steps(OWNER, "work", {"each": [0, 0]})
    started(orchestra)

    def refused(source: Path, target: Path) -> None:
        if target.name == "other.json":
            raise OSError(28, "No space left on device")
        move(source, target)

    with monkeypatch.context() as patch:
        patch.setattr("engine.workspace.file_store.move", refused)
        with pytest.raises(StorageError):
            orchestra.workflows.rename(OWNER, "work", "other")
    assert not [path.name for path in (root / "workflows").iterdir() if path.name.startswith("other")]
    assert not (root / ".orchestra" / "versions" / "workflows" / "other").exists()
    assert orchestra.versions.list(OWNER, "work")
    assert "layout" in str(sorted((root / "workflows").iterdir()))
    assert reused(started(orchestra)) == {True}
    orchestra.workflows.rename(OWNER, "work", "other")
    assert reused(started(orchestra, "other")) == {True}


@pytest.mark.parametrize(
    "cut",
    [
        pytest.param("engine.workspace.file_store.FileStore._require_room", id="before anything was moved"),
        pytest.param("engine.workspace.history.History.rename", id="before the saved versions were moved"),
        pytest.param("engine.workspace.references.NamingFiles.rename", id="before its callers were changed"),
        pytest.param("engine.workspace.file_store.FileStore._move", id="before the file was moved"),
    ],
)
def test_a_workflow_whose_rename_was_cut_short_is_renamed_whole_by_repeating_it(
    root: Path, service: Service, cut: str
) -> None:
    first = Orchestra.open(root)
    first.workflows.create(OWNER, "work")
    write_workflow(root, "work", keyed(service))
    first.workflows.move_steps(OWNER, "work", {"each": [0, 0]})
    call_ = {"id": "called", "uses": "workflow.run", "with": {"workflow": "work"}}
    write_workflow(root, "caller", [call_])
    started(first)
    before = len(first.versions.list(OWNER, "work"))
    first.close()
    died = subprocess.run([sys.executable, "-c", _DIES, str(root), cut], check=False)
    assert died.returncode == _DIED
    again = Orchestra.open(root)
    try:
        again.workflows.rename(OWNER, "work", "other")
        assert again.workflows.names(OWNER) == ["caller", "other"]
        assert len(again.versions.list(OWNER, "other")) > before
        assert again.workflows.positions(OWNER, "other") == {"each": [0, 0]}
        assert reused(started(again, "other")) == {True}
        assert started(again, "caller")["status"] == "succeeded"
    finally:
        again.close()


_DIED = 9
_DIES = f"""
import os, sys
from importlib import import_module
from pathlib import Path
from engine.orchestra import Orchestra
from tests.engine.conftest import OWNER

where, name = sys.argv[2].rsplit(".", 1)
try:
    place = import_module(where)
except ImportError:
    module, kind = where.rsplit(".", 1)
    place = getattr(import_module(module), kind)
really = getattr(place, name)

def dies(*given):
    if name == "_move" and not str(given[1]).endswith("/work.json"):
        return really(*given)
    os._exit({_DIED})

setattr(place, name, dies)
Orchestra.open(Path(sys.argv[1])).workflows.rename(OWNER, "work", "other")
"""


_ACCEPTED: list[Any] = [
    pytest.param(lambda runs, _: runs.start(OWNER, "work", {}, request_key="key"), id="start"),
    pytest.param(lambda runs, _: runs.start_all(OWNER, "work", iter([{}])), id="start all"),
    pytest.param(lambda runs, earlier: runs.rerun(OWNER, earlier), id="rerun"),
]


@pytest.mark.parametrize("accept", _ACCEPTED)
def test_a_run_whose_plan_is_older_than_a_rename_is_not_accepted_with_it(
    orchestra: Orchestra,
    root: Path,
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    accept: Callable[[Runs, str], object],
) -> None:
    write_workflow(root, "work", keyed(service))
    first, store = started(orchestra)["run_id"], SqlAcceptances.store

    def renamed_before(acceptances: SqlAcceptances, entries: Sequence[RunEntry]) -> None:
        monkeypatch.undo()
        other.workflows.rename_step(OWNER, "work", "note", "remark")
        store(acceptances, entries)

    other = Orchestra.open(root)
    try:
        monkeypatch.setattr(SqlAcceptances, "store", renamed_before)
        accept(orchestra.runs, first)
        for run in orchestra.runs.list(OWNER).rows:
            orchestra.runs.wait(OWNER, run.run_id, PATIENCE_SECONDS)
        assert reused(started(orchestra)) == {True}
    finally:
        other.close()
    assert len(orchestra.runs.list(OWNER).rows) == 3
    assert service.seen["/w"] == 4


def test_a_run_is_not_accepted_while_a_rename_has_begun_whose_process_died(
    orchestra: Orchestra, root: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_workflow(root, "work", keyed(service))
    path, store = root / "workflows" / "work.json", SqlAcceptances.store
    started(orchestra)
    after = path.read_text().replace('"each"', '"every"')
    begun = {"renames": [{"workflow": "work", "new": "every", "step": "each"}], "at": _LATER, "etag": etag(after)}

    def cut_short_before(acceptances: SqlAcceptances, entries: Sequence[RunEntry]) -> None:
        monkeypatch.undo()
        with orchestra._families.opened.database.writing() as connection:
            connection.execute(meta.insert().values(key=BEGUN_RENAME, value=json.dumps(begun)))
        path.write_text(after)
        store(acceptances, entries)

    monkeypatch.setattr(SqlAcceptances, "store", cut_short_before)
    again = started(orchestra)
    assert {step["path"] for step in again["steps"]} >= {"every[0].note"}
    assert reused(again) == {True}
    assert service.seen["/w"] == 4
