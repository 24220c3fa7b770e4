"""Branches: edited and run like a workflow, started by nothing else, and merged in one save."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import InUse, InvalidFile, InvalidInput, StaleEdit, UnknownName
from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.engine.conftest import OWNER, post_step, set_step, write_workflow
from tests.patience import PATIENCE_SECONDS

TRIGGER = {"id": "daily", "uses": "schedule", "with": {"cron": "0 7 * * *"}}
BRANCH = "work@labels"


@pytest.fixture
def branched(orchestra: Orchestra, root: Path) -> Orchestra:
    """A workflow with a branch; its text is formatted in its author's own way."""
    write_workflow(root, "work", [set_step("one"), set_step("two")], id="work", triggers=[TRIGGER])
    orchestra.branches.create(OWNER, "work", "labels")
    return orchestra


def edit(orchestra: Orchestra, name: str, *ops: dict[str, Any]) -> None:
    orchestra.editing.edit_file(OWNER, name, list(ops))


def title(step: str, new: str) -> dict[str, Any]:
    return {"op": "set", "step": step, "field": "title", "value": new}


def files(orchestra: Orchestra) -> list[str]:
    folder = orchestra.workspace.workflows.folder
    return sorted(str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file())


def test_a_branch_is_two_files_that_are_edited_like_a_workflow(branched: Orchestra) -> None:
    assert files(branched) == ["work.branches/labels.base.json", "work.branches/labels.json", "work.json"]
    edit(branched, BRANCH, title("one", "First"))
    draft = branched.editing.canvas(OWNER, BRANCH)
    made = branched.editing.apply(OWNER, BRANCH, draft.rev, [title("two", "Second")])
    assert made.text is None
    text = branched.drafts.get(OWNER, "workflow", BRANCH)
    assert text is not None
    saved = branched.editing.save(OWNER, BRANCH, text.text, draft.etag)
    assert {one.severity for one in saved.problems} == {"warning"}
    [status] = branched.branches.list(OWNER, "work")
    assert status.ahead == ['one: the title is now "First"', 'two: the title is now "Second"']
    assert (status.name, status.behind, status.error) == (BRANCH, [], "")
    assert [one.name for one in branched.workflows.list(OWNER)] == ["work"]
    assert branched.versions.differences(OWNER, BRANCH) == ['two: the title is now "Second"']
    assert branched.bundles.export(OWNER, BRANCH).name == "work"
    with pytest.raises(UnknownName, match="no branch of work named 'label'"):
        branched.workflows.get(OWNER, "work@label")
    with pytest.raises(InUse, match="has a branch 'labels' already"):
        branched.branches.create(OWNER, "work", "labels")


def test_a_merge_brings_the_changes_of_the_branch_and_nothing_else(branched: Orchestra, root: Path) -> None:
    main = root / "workflows" / "work.json"
    edit(branched, BRANCH, title("one", "First"), {"op": "add", "step": set_step("new"), "after": "two"})
    main.write_text(main.read_text().replace('"title": "work"', '"title":   "Changed by hand"'))
    found = branched.branches.check(OWNER, "work", "labels")
    assert found.differences == ['one: the title is now "First"', "Step new was added after two"]
    assert (found.problems, found.conflicts, found.is_done) == ([], [], False)
    branched.branches.merge(OWNER, "work", "labels", known_etag=found.etag, branch_etag=found.branch_etag)
    text = main.read_text()
    assert '"title":   "Changed by hand"' in text, "the rest stays as it is written"
    assert [one["id"] for one in json.loads(text)["steps"]] == ["one", "two", "new"]
    assert files(branched) == ["work.json"]
    newest, *_ = branched.versions.list(OWNER, "work")
    assert (newest.merged_from, newest.words) == ("labels", "tester, merged from branch labels")
    actions = [one.action for one in branched.audit(OWNER)]
    assert actions[:3] == ["workflows.delete_branch", "workflows.merge", "workflows.save"]


def test_a_branch_that_is_kept_goes_on_from_the_merged_text(branched: Orchestra) -> None:
    edit(branched, "work", title("two", "Second"))
    edit(branched, BRANCH, title("one", "First"))
    branched.branches.merge(OWNER, "work", "labels", keep=True)
    [status] = branched.branches.list(OWNER, "work")
    assert (status.ahead, status.behind) == ([], [])
    assert branched.workflows.get(OWNER, BRANCH).text == branched.workflows.get(OWNER, "work").text
    again = branched.branches.merge(OWNER, "work", "labels", keep=True)
    assert again.differences == []
    assert again.notes == ["The branch has nothing that the workflow does not have."]


def test_what_clashes_or_does_not_compile_is_shown_and_nothing_is_written(branched: Orchestra, root: Path) -> None:
    edit(branched, "work", title("one", "A"))
    edit(branched, BRANCH, title("one", "B"))
    before = (root / "workflows" / "work.json").read_bytes()
    with pytest.raises(InvalidFile, match=r'In work: one: the title is now "A"\. In the branch: .* "B"') as refused:
        branched.branches.merge(OWNER, "work", "labels")
    assert [one.field for one in refused.value.problems] == ["steps.one.title"]
    assert "--take steps.one.title=main|branch" in refused.value.remedy
    edit(
        branched, BRANCH, {"op": "set", "step": "two", "field": "with.values.x", "value": "{{ steps.nowhere.output }}"}
    )
    with pytest.raises(InvalidFile, match="nowhere"):
        branched.branches.merge(OWNER, "work", "labels", {"steps.one.title": "branch"})
    assert (root / "workflows" / "work.json").read_bytes() == before
    edit(branched, BRANCH, {"op": "unset", "step": "two", "field": "with.values.x"})
    seen = branched.branches.check(OWNER, "work", "labels")
    edit(branched, "work", title("two", "Second"))
    with pytest.raises(StaleEdit, match=r"work\.json since you looked"):
        branched.branches.merge(OWNER, "work", "labels", {"steps.one.title": "branch"}, known_etag=seen.etag)
    done = branched.branches.merge(OWNER, "work", "labels", {"steps.one.title": "branch"})
    assert done.differences == ['A: the title is now "B"']


def test_a_branch_without_its_base_says_so(branched: Orchestra, root: Path) -> None:
    (root / "workflows" / "work.branches" / "labels.base.json").unlink()
    [status] = branched.branches.list(OWNER, "work")
    assert "labels.base.json is missing" in status.error
    with pytest.raises(InvalidFile, match="is missing"):
        branched.branches.check(OWNER, "work", "labels")
    assert {one.severity for one in branched.workflows.get(OWNER, BRANCH).problems} == {"warning"}


def test_a_branch_runs_in_the_demo_and_is_planned_but_never_runs_on_real_accounts(
    branched: Orchestra, root: Path
) -> None:
    ended = branched.runs.wait(OWNER, branched.runs.start(OWNER, BRANCH, {}), PATIENCE_SECONDS)
    assert (ended["status"], ended["workflow"]) == ("succeeded", BRANCH)
    assert [one.run_id for one in branched.runs.list(OWNER, workflow=BRANCH).rows] == [ended["run_id"]]
    assert branched.runs.list(OWNER, workflow="work").rows == [], "it shares nothing with the workflow"
    write = post_step("send", "http://127.0.0.1/never")
    edit(branched, BRANCH, {"op": "add", "step": write})
    with pytest.raises(InvalidInput, match="a branch does not run on real accounts") as refused:
        branched.runs.start(OWNER, BRANCH, {})
    assert "Merge it first" in refused.value.remedy
    plan_id = branched.plans.make(OWNER, BRANCH, {})
    assert branched.runs.wait(OWNER, plan_id, PATIENCE_SECONDS)["status"] == "succeeded"
    with pytest.raises(InvalidInput, match="does not run on real accounts"):
        branched.plans.apply(OWNER, plan_id)


def test_a_branch_writes_to_the_tables_of_the_workspace_only_in_the_demo(branched: Orchestra, root: Path) -> None:
    save = {"id": "save", "uses": "store.upsert", "with": {"table": "people", "key": "ann", "value": 1}}
    edit(branched, BRANCH, {"op": "add", "step": save})
    with pytest.raises(InvalidInput, match="does not write to the tables and files of the workspace"):
        branched.runs.start(OWNER, BRANCH, {})
    assert branched.tables.names(OWNER) == {}
    with closing(Orchestra.open(root, demo=True)) as demo:
        assert demo.runs.wait(OWNER, demo.runs.start(OWNER, BRANCH, {}), PATIENCE_SECONDS)["status"] == "succeeded"
        assert demo.tables.names(OWNER, demo=True) == {"people": 1}
    assert branched.tables.names(OWNER) == {}


def test_a_run_of_a_branch_is_not_resumed_with_a_definition_that_uses_real_accounts(branched: Orchestra) -> None:
    stop = {"id": "stop", "uses": "flow.fail", "with": {"message": "Not yet."}}
    edit(branched, BRANCH, {"op": "add", "step": stop})
    run_id = branched.runs.start(OWNER, BRANCH, {})
    assert branched.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == "failed"
    write = post_step("stop", "http://127.0.0.1/never")
    edit(branched, BRANCH, {"op": "replace_step", "step": "stop", "new": write})
    with pytest.raises(InvalidInput, match="a branch does not run on real accounts"):
        branched.runs.resume(OWNER, run_id, newest=True)


def test_a_file_that_cannot_be_a_branch_is_left_out(branched: Orchestra) -> None:
    folder = branched.workspace.workflows.folder / "work.branches"
    (folder / "con.json").write_text("{}")
    assert [one.branch for one in branched.branches.list(OWNER, "work")] == ["labels"]


def test_without_its_default_environment_a_branch_is_refused_like_its_workflow(branched: Orchestra) -> None:
    branched.environments.init(OWNER)
    (branched.workspace.root / "environments" / "dev.json").write_text("{")
    for name in ("work", BRANCH):
        with pytest.raises(InvalidFile):
            branched.runs.start(OWNER, name, {})


def test_nothing_else_starts_a_branch(branched: Orchestra, root: Path) -> None:
    assert {one.workflow for one in branched.triggers.list(OWNER)} == {"work"}
    assert branched.triggers.list(OWNER, BRANCH) == []
    with pytest.raises(InvalidInput, match="has no triggers that start runs"):
        branched.triggers.turn_on(OWNER, BRANCH, "daily")
    call = {"id": "call", "uses": "workflow.run", "with": {"workflow": BRANCH}}
    write_workflow(root, "caller", [call])
    [problem] = branched.workflows.get(OWNER, "caller").problems
    assert "never called by other workflows" in problem.message
    branched.environments.init(OWNER)
    branched.runs.wait(OWNER, branched.runs.start(OWNER, BRANCH, {}), PATIENCE_SECONDS)
    for refused in (
        lambda: branched.runs.start(OWNER, BRANCH, {}, environment="prod"),
        lambda: branched.environments.promote(OWNER, BRANCH, "dev", "prod"),
        lambda: branched.environments.move_triggers(OWNER, BRANCH, "dev"),
    ):
        with pytest.raises(InvalidInput, match="and a branch"):
            refused()
    for wrong in (
        lambda: branched.workflows.create(OWNER, "work@more"),
        lambda: branched.workflows.duplicate(OWNER, "work", "work@more"),
        lambda: branched.workflows.rename(OWNER, "work", "other@more"),
        lambda: branched.workflows.save(OWNER, "work@more", "{}", None),
        lambda: branched.workflows.delete(OWNER, BRANCH),
        lambda: branched.branches.create(OWNER, "work", "../x"),
    ):
        with pytest.raises((InvalidInput, UnknownName)):
            wrong()
    assert {one.kind for one in branched.search.find(OWNER, "labels")} == {"run"}


def test_branches_go_with_their_workflow(branched: Orchestra, root: Path) -> None:
    edit(branched, BRANCH, title("one", "First"))
    draft = branched.editing.canvas(OWNER, BRANCH)
    branched.editing.apply(OWNER, BRANCH, draft.rev, [title("two", "Second")])
    branched.workflows.duplicate(OWNER, "work", "copy")
    assert branched.branches.list(OWNER, "copy") == []
    branched.workflows.rename(OWNER, "work", "job")
    [status] = branched.branches.list(OWNER, "job")
    assert status.ahead == ['one: the title is now "First"']
    assert branched.drafts.get(OWNER, "workflow", "job@labels") is not None
    assert len(branched.versions.list(OWNER, "job@labels")) == 2
    ended = branched.runs.wait(OWNER, branched.runs.start(OWNER, "job@labels", {}), PATIENCE_SECONDS)
    assert [one.run_id for one in branched.runs.list(OWNER, workflow="job@labels").rows] == [ended["run_id"]]
    text = branched.drafts.keep(OWNER, "workflow", "job", "{}").text
    trash = branched.workflows.delete(OWNER, "job")
    assert (trash / "job.draft-tester.json").read_text() == text
    assert (trash / "job@labels.draft-tester.json").is_file()
    assert (trash / "job.branches" / "labels.json").is_file()
    assert branched.drafts.get(OWNER, "workflow", "job@labels") is None
    assert files(branched) == ["copy.json"]


def test_receipts_follow_a_step_that_the_branch_has_renamed(branched: Orchestra) -> None:
    edit(branched, BRANCH, {"op": "rename", "step": "one", "to": "first"})
    branched.branches.merge(OWNER, "work", "labels")
    renamed = [one for one in branched.audit(OWNER) if one.action == "workflows.rename_step" and one.target == "work"]
    assert [json.loads(one.detail) for one in renamed] == [{"from": "one", "to": "first"}]


WRITE = post_step("ops", "http://127.0.0.1/ops")
ANA = Principal("ana", "editor")


def test_receipts_do_not_follow_to_a_write_that_only_looks_renamed(branched: Orchestra) -> None:
    edit(branched, "work", {"op": "add", "step": WRITE, "after": "two"})
    branched.branches.create(OWNER, "work", "replace")
    branched.branches.create(OWNER, "work", "rename")
    other = post_step("hr", "http://127.0.0.1/hr")
    edit(branched, "work@replace", {"op": "remove", "steps": ["ops"]}, {"op": "add", "step": other, "after": "two"})
    found = branched.branches.check(OWNER, "work", "replace")
    assert found.differences == ["Step ops was removed", "Step hr was added after two"]
    [note] = found.notes
    assert note.startswith("Step hr is in the place of ops")
    assert "writes again what ops has written" in note
    edit(branched, "work@rename", {"op": "rename", "step": "ops", "to": "hr"})
    edit(branched, "work@rename", {"op": "rename", "step": "hr", "to": "people"})
    done = branched.branches.merge(OWNER, "work", "rename")
    assert (done.differences, done.notes) == (["Step ops is now called people"], [])
    followed = [one for one in branched.audit(OWNER) if one.action == "workflows.rename_step" and one.target == "work"]
    assert [json.loads(one.detail) for one in followed] == [{"from": "ops", "to": "people"}]
    assert not any("branches/rename." in name for name in files(branched)), "its renames went with the branch"


def test_what_is_known_of_renames_ends_with_the_branch_and_with_the_step(branched: Orchestra) -> None:
    edit(branched, "work", {"op": "add", "step": WRITE, "after": "two"})
    branched.branches.create(OWNER, "work", "more")
    edit(branched, "work@more", {"op": "rename", "step": "ops", "to": "hr"})
    assert "work.branches/more.renames.json" in files(branched)
    branched.branches.merge(OWNER, "work", "more", keep=True)
    assert "work.branches/more.renames.json" not in files(branched), "the branch goes on from the merged text"
    assert "work.branches/labels.renames.json" in files(branched), (
        "and the other branch knows what the workflow renamed"
    )
    edit(branched, "work@more", {"op": "rename", "step": "hr", "to": "ops"})
    before = branched.workflows.get(OWNER, "work@more")
    versions = branched.versions.list(OWNER, "work@more")
    branched.versions.restore(OWNER, "work@more", versions[1].id, before.etag)
    assert "work.branches/more.renames.json" not in files(branched), "the text has the old id again"


def test_a_merge_says_which_steps_write_again(branched: Orchestra) -> None:
    group = {"id": "group", "steps": [set_step("inside")]}
    edit(branched, "work", {"op": "add", "step": WRITE, "after": "two"}, {"op": "add", "step": group, "after": "ops"})
    branched.branches.create(OWNER, "work", "move")
    edit(branched, "work@move", {"op": "move", "steps": ["ops"], "into": "group"})
    for found in (
        branched.branches.check(OWNER, "work", "move"),
        branched.branches.merge(OWNER, "work", "move"),
    ):
        assert found.differences == ["Step ops was moved after inside in group"]
        assert [one.split(",")[0] for one in found.notes] == ["Step ops: it writes again what was written from ops"]


def test_a_merge_keeps_the_branch_while_somebody_has_unsaved_changes_of_it(branched: Orchestra) -> None:
    edit(branched, BRANCH, title("one", "First"))
    file = branched.workflows.get(OWNER, BRANCH)
    draft = branched.drafts.keep(ANA, "workflow", BRANCH, file.text.replace("First", "Mine"), file.etag)
    branched.drafts.keep(OWNER, "workflow", BRANCH, f"{file.text}\n", file.etag)
    done = branched.branches.merge(OWNER, "work", "labels")
    assert done.notes == [
        "ana has unsaved changes of this branch; they are not merged, and the branch is kept for them."
    ]
    assert (done.branch_is, done.unsaved_by) == ("kept", ["ana"])
    assert branched.drafts.get(ANA, "workflow", BRANCH) == draft
    assert [one.unsaved_by for one in branched.branches.list(OWNER, "work")] == [["ana"]]
    assert [one.unsaved_by for one in branched.branches.list(Principal("v", "viewer"), "work")] == [[]]
    branched.drafts.drop(OWNER, "workflow", BRANCH)
    saved = branched.editing.save(ANA, BRANCH, draft.text, draft.etag)
    assert [one.unsaved_by for one in branched.branches.list(OWNER, "work")] == [[]]
    branched.drafts.keep(ANA, "workflow", BRANCH, "{}", saved.etag)
    deleted = branched.branches.delete(OWNER, "work", "labels")
    assert deleted.unsaved_by == ["ana"]
    assert (deleted.trash / f"{BRANCH}.draft-ana.json").read_text() == "{}"
    assert branched.drafts.get(ANA, "workflow", BRANCH) is None


def test_a_new_branch_has_nothing_of_a_deleted_one_with_its_name(branched: Orchestra) -> None:
    edit(branched, BRANCH, title("one", "First"))
    branched.branches.delete(OWNER, "work", "labels")
    branched.branches.create(OWNER, "work", "labels")
    [only] = branched.versions.list(OWNER, BRANCH)
    assert branched.versions.text(OWNER, BRANCH, only.id) == branched.workspace.workflows.text("work")
    [aside] = branched.workspace.state_dir.glob(f"trash/*/{BRANCH}.history")
    assert len(list(aside.iterdir())) == 2, "what was saved before is in the trash"
