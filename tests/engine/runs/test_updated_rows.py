"""Rows and files of the workspace that a rerun updates: what it wants is there afterwards, and an undo reverts all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.orchestra import Orchestra
from tests.engine.conftest import OWNER, Run
from tests.patience import PATIENCE_SECONDS

INPUTS = {"type": "object", "properties": {"text": {"type": "string", "default": "old"}}}
ROW = {"id": "row", "uses": "store.upsert", "with": {"table": "t", "key": "k", "value": "{{ inputs.text }}"}}
FILE = {"id": "file", "uses": "file.write", "with": {"path": "a.txt", "text": "{{ inputs.text }}"}}


def updated(orchestra: Orchestra, run_id: str, text: str) -> Any:
    again = orchestra.runs.rerun(OWNER, run_id, inputs={"text": text}, receipts="update")
    return orchestra.runs.wait(OWNER, again, PATIENCE_SECONDS)


def rows(orchestra: Orchestra) -> list[Any]:
    return [row.value for row in orchestra.tables.rows(OWNER, "t").rows] if orchestra.tables.names(OWNER) else []


@pytest.mark.parametrize("on_exists", ["replace", "fail"])
def test_an_update_writes_over_the_file_and_an_undo_deletes_it(
    root: Path, run: Run, orchestra: Orchestra, on_exists: str
) -> None:
    first = run([{**FILE, "with": {**FILE["with"], "on_exists": on_exists}}], inputs=INPUTS)  # type: ignore[dict-item]
    again = updated(orchestra, first["run_id"], "new")
    (written,) = root.rglob("a.txt")
    assert (again["status"], again["sentence"], written.read_text()) == (
        "succeeded", "Done: 1 step done. 1 updated.", "new",
    )  # fmt: skip
    written.unlink()
    updated(orchestra, first["run_id"], "new")
    assert written.read_text() == "new"
    assert len(orchestra.runs.undo(OWNER, first["run_id"]).undone) == 1
    assert not written.exists()


def test_an_update_saves_the_row_anew_and_an_undo_removes_it(run: Run, orchestra: Orchestra) -> None:
    first = run([ROW], inputs=INPUTS)
    assert updated(orchestra, first["run_id"], "new")["sentence"] == "Done: 1 step done. 1 updated."
    assert rows(orchestra) == ["new"]
    orchestra.tables.drop(OWNER, "t")
    updated(orchestra, first["run_id"], "new")
    assert rows(orchestra) == ["new"]
    assert len(orchestra.runs.undo(OWNER, first["run_id"]).undone) == 1
    assert rows(orchestra) == []


def test_an_update_of_another_file_leaves_the_first_one_and_the_undo_says_so(
    root: Path, run: Run, orchestra: Orchestra
) -> None:
    first = run([{**FILE, "with": {"path": "{{ inputs.text }}.txt", "text": "x"}}], inputs=INPUTS)
    updated(orchestra, first["run_id"], "new")
    assert sorted(path.name for path in root.rglob("*.txt")) == ["new.txt", "old.txt"]
    (refused,) = orchestra.runs.undo(OWNER, first["run_id"]).refused
    assert "left files/old.txt" in refused.reason
