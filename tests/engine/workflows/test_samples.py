"""Samples: offered, copied with their prompts, never over what is there."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from engine.base.checkout import CHECKOUT
from engine.base.errors import InUse, UnknownName
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.workflows.new_workspace import init
from engine.workflows.samples import NAMES, copy_sample, prompt_names, samples
from engine.workspace.workspace import Workspace

OWNER, EDITOR = Principal("owner", "owner"), Principal("ed", "editor")
SHIPPED = ["answer-mail", "commit-digest", "inbox-triage", "issue-to-notion", "reply-drafts"]


def test_the_shipped_workflows_are_offered_as_samples() -> None:
    offered = {sample.name: sample for sample in samples()}
    assert list(offered)[: len(SHIPPED)] == list(NAMES)
    assert sorted(NAMES) == SHIPPED
    assert set(offered) - set(NAMES) == {path.stem for path in (CHECKOUT / "gallery" / "workflows").glob("*.json")}
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


def test_a_sample_brings_the_connections_that_are_missing_without_a_key_and_changes_none(tmp_path: Path) -> None:
    init(tmp_path)
    config = tmp_path / "config.yaml"
    before = config.read_text()
    with closing(Orchestra.open(tmp_path)) as orchestra:
        made = orchestra.workflows.create_from_sample(EDITOR, "invoice-to-sheet", "of-an-editor")
        assert (made.added_connections, config.read_text()) == ([], before)
        assert [one.code for one in made.problems if one.severity == "error"] == ["connection"]
        made = orchestra.workflows.create_from_sample(OWNER, "invoice-to-sheet", "invoices")
        assert made.added_connections == ["google_sheets"]
        assert config.read_text() == before + "  google_sheets:\n    service: google_sheets\n"
        assert orchestra.workflows.create_from_sample(OWNER, "invoice-to-sheet", "again").added_connections == []
        status = orchestra.connections.get(OWNER, "google_sheets")
        assert (status.own_key_found, status.served_mode) == (False, "demo")
        orchestra.connections.add(OWNER, "files", "dropbox", {})
        assert orchestra.workflows.create_from_sample(OWNER, "attachments-to-drive", "to").added_connections == []
        with pytest.raises(InUse):
            orchestra.workflows.create_from_sample(OWNER, "meeting-from-mail", "to")
        assert "google_calendar" not in config.read_text()
