"""`orchestra fmt`: written form for all that can be read, the rest named and left alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.base.checkout import CHECKOUT
from engine.workflows.formatting import format_workspace
from engine.workspace.workspace import Workspace
from tests.workspaces import init


def test_every_file_gets_its_written_form_and_a_second_time_nothing_changes(tmp_path: Path) -> None:
    workspace = init(tmp_path)
    layout = tmp_path / "workflows" / "inbox-triage.layout.json"
    layout.write_text(json.dumps({"schema_version": 2, "positions": {"each_mail": [0, 40]}}))
    for file in ("workflows/inbox-triage.json", "workflows/inbox-triage.layout.json", "prompts/draft-reply.json"):
        path = tmp_path / file
        path.write_text(json.dumps(dict(reversed(json.loads(path.read_text()).items()))))
    version = tmp_path / "prompts" / "draft-reply.versions" / "1.json"
    version.write_text("{}")
    done = format_workspace(workspace, "ann")
    assert done.changed == [
        "workflows/inbox-triage.json",
        "workflows/inbox-triage.layout.json",
        "prompts/draft-reply.json",
    ]
    assert workspace.workflows.text("inbox-triage") == Workspace(CHECKOUT).workflows.text("inbox-triage")
    assert version.read_text() == "{}"
    assert format_workspace(workspace, "ann").changed == []


def test_a_file_that_cannot_be_read_is_named_and_left_alone(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.workflows.folder.mkdir()
    (workspace.workflows.folder / "bad.json").write_text('{"a": 1,}')
    (workspace.workflows.folder / "Bad Name.json").write_text("{ }")
    (workspace.workflows.folder / "good.json").write_text("{ }")
    done = format_workspace(workspace, "ann")
    assert done.changed == ["workflows/good.json"]
    assert [(one.file, one.line, one.column) for one in done.problems] == [
        ("workflows/Bad Name.json", 1, 1),
        ("workflows/bad.json", 1, 8),
    ]
    assert (workspace.workflows.folder / "bad.json").read_text() == '{"a": 1,}'


@pytest.mark.parametrize(
    ("number", "written"),
    [
        ("12345678901234567890.5", "12345678901234567890.5"),
        ("0.1000000000000000055", "0.1000000000000000055"),
        ("-1e-400", "-1e-400"),
        ("1e-99999999999999999999", "1e-99999999999999999999"),
        ("0.10", "0.1"),
        ("1E2", "100.0"),
        ("-9223372036854775808", "-9223372036854775808"),
    ],
)
def test_digits_that_no_float_holds_stay_as_they_are(tmp_path: Path, number: str, written: str) -> None:
    workspace = init(tmp_path)
    path = tmp_path / "workflows" / "digest.json"
    path.write_text(f'{{"schema_version": 1, "steps": [{{"id": "a", "with": {{"value": [1, {number}]}}}}]}}')
    format_workspace(workspace, "tester")
    assert f'"value": [1, {written}]' in path.read_text()
    assert format_workspace(workspace, "tester").changed == []
