"""A new workspace: whole, commented, and never over one that is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.config import load
from engine.errors import InUse, StorageError, UnknownName
from engine.samples import copy_sample, prompt_names, samples
from engine.workspace import CHECKOUT, Workspace, init

SHIPPED = ["commit-digest", "inbox-triage", "issue-to-notion", "reply-drafts"]


def test_a_new_workspace_has_settings_folders_and_every_sample(tmp_path: Path) -> None:
    workspace = init(tmp_path / "new" / "place")
    assert sorted(path.name for path in workspace.root.iterdir()) == [
        ".gitignore",
        ".orchestra",
        "config.yaml",
        "logs",
        "prompts",
        "workflows",
    ]
    assert workspace.state_dir.stat().st_mode & 0o777 == 0o700
    assert (workspace.root / ".gitignore").read_text() == "logs/\n.orchestra/\n.env\n"
    assert load(workspace.root, {}).config.server.port == 8501
    for name in samples():
        assert workspace.workflows.text(name.name) == Workspace(CHECKOUT).workflows.text(name.name)
        assert workspace.workflows.layout_path(name.name).exists()


def test_a_workspace_is_never_made_over_one_that_is_there(tmp_path: Path) -> None:
    init(tmp_path)
    (tmp_path / "config.yaml").write_text("# mine\n")
    with pytest.raises(InUse, match="is a workspace already"):
        init(tmp_path)
    assert (tmp_path / "config.yaml").read_text() == "# mine\n"


def test_files_that_are_there_stay_as_they_are(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*.tmp\n.env")
    (tmp_path / "workflows").mkdir()
    (tmp_path / "workflows" / "inbox-triage.json").write_text("mine")
    init(tmp_path)
    assert (tmp_path / ".gitignore").read_text() == "*.tmp\n.env\nlogs/\n.orchestra/\n"
    assert (tmp_path / "workflows" / "inbox-triage.json").read_text() == "mine"


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="file") as caught:
        init(tmp_path / "file")
    assert caught.value.remedy


def test_the_shipped_workflows_are_offered_as_samples() -> None:
    offered = {sample.name: sample for sample in samples()}
    assert sorted(offered) == SHIPPED
    assert offered["inbox-triage"].title == "Inbox triage"
    assert all(sample.description for sample in offered.values())


def test_a_sample_brings_its_prompts_and_leaves_those_that_are_there(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.prompts.save("classify-mail", "{}", None, "ann")
    copy_sample(workspace, "inbox-triage", "mine", "ann")
    assert workspace.workflows.names() == ["mine"]
    assert workspace.prompts.text("classify-mail") == "{}"
    copy_sample(workspace, "reply-drafts", "mine-too", "ann")
    assert (tmp_path / "prompts" / "draft-reply.versions" / "1.json").exists()
    with pytest.raises(InUse):
        copy_sample(workspace, "inbox-triage", "mine", "ann")
    with pytest.raises(UnknownName):
        copy_sample(workspace, "nothing", "other", "ann")


def test_the_prompts_of_a_workflow_are_found_at_any_depth() -> None:
    inner = {"uses": "llm.chat", "with": {"prompt": "deep@7"}}
    document = {
        "steps": [
            {"uses": "llm.chat", "with": {"prompt": "flat"}},
            {"steps": [inner], "on_error": {"steps": [{"uses": "llm.chat", "with": {"prompt": "late@x"}}]}},
            {"uses": "flow.set", "with": {"values": {"prompt": 5}}},
        ]
    }
    assert prompt_names(document) == {"flat", "deep", "late"}
