"""Versions of workflows: kept, labelled, and found by label wherever a version is accepted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import InvalidFile, InvalidInput, NotAllowed, StaleEdit
from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.engine.conftest import OWNER, post_step, set_step, write_workflow

LABEL = "before the rewrite"


def titled(step: str, new: str) -> dict[str, Any]:
    return {"op": "set", "step": step, "field": "title", "value": new}


def edit(orchestra: Orchestra, *ops: dict[str, Any]) -> None:
    orchestra.editing.edit_file(OWNER, "work", list(ops))


@pytest.fixture
def kept(orchestra: Orchestra, root: Path) -> Orchestra:
    """A workflow whose first text has a label, and is not among the last 20 any more."""
    write_workflow(root, "work", [set_step("one"), set_step("two")], id="work")
    edit(orchestra, titled("one", "First"))
    orchestra.versions.label(OWNER, "work", f"  {LABEL} ")
    for number in range(22):
        edit(orchestra, titled("two", f"Title {number}"))
    return orchestra


def test_an_earlier_text_comes_back_and_the_later_is_kept(orchestra: Orchestra, root: Path) -> None:
    write_workflow(root, "work", [set_step("one")], id="work")
    first = orchestra.workflows.get(OWNER, "work")
    edit(orchestra, titled("one", "First"))
    second = orchestra.workflows.get(OWNER, "work")
    newest, oldest = orchestra.versions.list(OWNER, "work")
    assert orchestra.versions.text(OWNER, "work", newest.id) == second.text
    assert orchestra.versions.restore(OWNER, "work", oldest.id, second.etag).document == first.document
    assert len(orchestra.versions.list(OWNER, "work")) == 3
    with pytest.raises(StaleEdit):
        orchestra.versions.restore(OWNER, "work", oldest.id, second.etag)


def test_a_labelled_version_outlives_the_history_a_rename_and_a_copy_and_is_named_everywhere(kept: Orchestra) -> None:
    kept.workflows.rename(OWNER, "work", "job")
    rows = kept.versions.list(OWNER, "job")
    assert len(rows) == 21
    assert (rows[-1].id, rows[-1].number, rows[-1].labels) == ("1", 1, [LABEL])
    assert kept.versions.differences(OWNER, "job", LABEL.upper()) == ['two: the title is now "Title 21"']
    document = kept.versions.get(OWNER, "job", "1").document
    assert document is not None
    assert [one.get("title") for one in document["steps"]] == ["First", None]
    kept.versions.rename_label(OWNER, "job", LABEL, "v2")
    kept.branches.create(OWNER, "job", "old", "v2")
    [branch] = kept.branches.list(OWNER, "job")
    assert (branch.ahead, branch.behind) == ([], ['two: the title is now "Title 21"'])
    kept.environments.init(OWNER)
    kept.environments.promote(OWNER, "job", "", "prod", version="v2")
    entry = kept.environments.get(OWNER, "prod").workflows["job"]
    assert (entry.version, entry.promoted_from) == (1, "version v2")
    kept.versions.restore(OWNER, "job", "v2", kept.workflows.get(OWNER, "job").etag)
    assert kept.versions.list(OWNER, "job")[0].labels == ["v2"]
    kept.versions.remove_label(OWNER, "job", "v2")
    assert kept.versions.list(OWNER, "job")[0].number == 1


def test_labels_are_listed_and_found_and_given_by_people_who_edit(kept: Orchestra) -> None:
    kept.versions.label(OWNER, "work", "now")
    assert kept.versions.labels(OWNER, "work") == [LABEL, "now"]
    assert kept.search.find(OWNER, "rewrite")[0].name == "work"
    with pytest.raises(NotAllowed):
        kept.versions.label(Principal("vic", "viewer"), "work", "mine")
    with pytest.raises(NotAllowed):
        kept.versions.restore(Principal("vic", "viewer"), "work", LABEL, kept.workflows.get(OWNER, "work").etag)


def test_a_damaged_file_of_labels_names_the_place_and_nothing_is_written_over_it(kept: Orchestra) -> None:
    path = kept.workspace.workflows.folder / "work.versions" / "labels.json"
    content = json.loads(path.read_text())
    content["labels"]["gone"] = {"version": 9}
    path.write_text(json.dumps(content))
    [problem] = kept.versions.file_problems(OWNER)
    assert (problem.field, problem.code) == ("labels.gone", "label")
    kept.versions.remove_label(OWNER, "work", "gone")
    path.write_text('{"schema_version": 1, "labels": {"v2": {"version": "one"}}}')
    with pytest.raises(InvalidFile, match="labels"):
        kept.versions.label(OWNER, "work", "now")
    assert kept.versions.file_problems(OWNER)[0].field == "labels.v2.version"
    assert '"one"' in path.read_text()


def test_a_version_of_another_workflow_that_came_with_a_copy_is_not_promoted(kept: Orchestra) -> None:
    kept.workflows.duplicate(OWNER, "work", "twin")
    kept.environments.init(OWNER)
    with pytest.raises(InvalidInput, match="has the id 'work' of another workflow"):
        kept.environments.promote(OWNER, "twin", "", "prod", version=LABEL)
    for source, version in (("", ""), ("dev", LABEL)):
        with pytest.raises(InvalidInput, match="name the environment whose version it is, or a version"):
            kept.environments.promote(OWNER, "work", source, "prod", version=version)


@pytest.mark.parametrize("way", ["saved", "by hand"])
def test_the_receipts_of_renamed_steps_follow_to_an_earlier_version_and_to_a_branch_of_it(
    orchestra: Orchestra, root: Path, way: str
) -> None:
    steps = [post_step("send", "https://example.org/one")]
    write_workflow(root, "work", steps, id="work")
    if way == "saved":
        edit(orchestra, titled("send", "Send it"))
    edit(orchestra, {"op": "rename", "step": "send", "to": "post"})
    labelled = orchestra.versions.list(OWNER, "work")[1]
    orchestra.versions.label(OWNER, "work", LABEL, labelled.id)
    orchestra.environments.init(OWNER)
    orchestra.environments.promote(OWNER, "work", "", "prod", version=LABEL)
    made_at = orchestra.environments.get(OWNER, "prod").workflows["work"].made_at
    assert orchestra._families.opened.logs.renames().since("work", made_at) == [("send", "post")]
    orchestra.branches.create(OWNER, "work", "old", LABEL)
    edit(orchestra, titled("post", "Post it"))
    orchestra.editing.edit_file(OWNER, "work@old", [{"op": "set", "step": "send", "field": "note", "value": "Old"}])
    found = orchestra.branches.check(OWNER, "work", "old")
    assert not any("again" in note for note in found.notes), found.notes
    assert any("Old" in one for one in found.differences), found.differences
