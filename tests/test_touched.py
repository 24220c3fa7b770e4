"""What of `assurance/` a change touches: too little would let a broken promise pass."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.touched import OUTSIDE, PROOFS, ROOT, changed, proofs, touched_by


def test_every_part_is_there_and_every_folder_is_chosen_by_one() -> None:
    assert [part for part in PROOFS if not (ROOT / "engine" / part).is_dir()] == []
    assert {folder for folders in PROOFS.values() for folder in folders} == proofs()
    assert [place for place in OUTSIDE if not (ROOT / place).exists()] == []


@pytest.mark.parametrize(
    ("files", "folders"),
    [
        (["engine/sandbox/limits.py"], {"bombs"}),
        (["engine/store/sql/tables.py", "README.md"], {"faults", "kill", "processes"}),
        (["commands/run.py", "docs/extending.md"], {"packages", "processes"}),
        (["assurance/semantics/model.py"], {"semantics"}),
        (["docs/control.md", "dashboard/base/page.py", "tests/few.py"], set()),
        (["requirements.txt"], proofs()),
        (["assurance/conftest.py"], proofs()),
    ],
)
def test_a_change_touches_what_belongs_to_its_files(files: Sequence[str], folders: set[str]) -> None:
    assert touched_by(files) == folders


def test_no_test_of_every_day_needs_what_is_left_out_of_it() -> None:
    users = [path for path in (ROOT / "tests").rglob("*.py") if "\nfrom assurance" in path.read_text(encoding="utf-8")]
    assert users == []


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of three commits, of which each adds a file."""
    monkeypatch.delenv("SINCE", raising=False)
    git(tmp_path, "init", "-q")
    for name in ("first", "second", "third"):
        (tmp_path / name).touch()
        git(tmp_path, "add", name)
        git(tmp_path, "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-q", "-m", name)
    return tmp_path


def git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=root, check=True)


def test_a_change_is_what_the_shared_branch_does_not_have(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert changed(clone) == ["third"], "without such a branch, the newest commit"
    git(clone, "update-ref", "refs/remotes/origin/main", "HEAD")
    assert changed(clone) == ["third"], "the branch is this commit"
    git(clone, "update-ref", "refs/remotes/origin/main", "HEAD~2")
    assert changed(clone) == ["second", "third"]
    monkeypatch.setenv("SINCE", "HEAD~1")
    assert changed(clone) == ["third"]


def test_everything_counts_as_changed_before_a_release_and_where_nobody_knows(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SINCE", "0" * 40)
    assert changed(clone) is None
    monkeypatch.delenv("SINCE")
    git(clone, "tag", "v0.1.0")
    assert changed(clone) is None
