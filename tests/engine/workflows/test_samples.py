"""Samples: offered, copied with their prompts, never over what is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.base.checkout import CHECKOUT
from engine.base.errors import InUse, UnknownName
from engine.workflows.samples import NAMES, copy_sample, prompt_names, samples
from engine.workspace.workspace import Workspace

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
