"""A new workspace: whole, commented, and never over one that is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.base.checkout import CHECKOUT
from engine.base.errors import InUse, StorageError
from engine.workflows.new_workspace import init
from engine.workflows.samples import NAMES
from engine.workspace.config import load
from engine.workspace.workspace import Workspace


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
    for name in NAMES:
        assert workspace.workflows.text(name) == Workspace(CHECKOUT).workflows.text(name)


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
