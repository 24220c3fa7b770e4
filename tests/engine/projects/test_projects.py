"""Projects: commits that are the same when they are made again, paths that stay inside, and what Git makes of them."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.base.errors import InUse, InvalidInput, StaleEdit, StorageError, UnknownName
from engine.projects.paths import PROTECTED
from engine.projects.projects import Projects
from engine.workspace.workspace import Workspace

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
MAIN = "print('Hi')\n"


@pytest.fixture
def projects(tmp_path: Path) -> Projects:
    return Projects(Workspace(tmp_path), lambda: AT)


@pytest.fixture
def head(projects: Projects) -> str:
    """The empty commit of a new project."""
    projects.create("words", "Count words")
    return projects.info("words").head


def test_what_is_committed_is_there_with_its_history(projects: Projects, head: str) -> None:
    first = projects.commit("words", head, {"main.py": MAIN, "docs/ä.md": "ä\n"}, "Begin", "ada", run_id="r1")
    second = projects.commit("words", first, {"docs/ä.md": None, "main.py": "print('Ho')\n"}, "Ho", "Bo <b>")
    projects.mark("words", first, is_green=True)
    projects.mark("words", first, is_green=False)
    info = projects.info("words")
    assert (info.title, info.head, info.files, info.size_bytes) == ("Count words", second, 1, 12)
    shown = [(one.message, one.author, one.is_green, one.run_id, one.parent) for one in projects.log("words", 9)]
    assert shown == [("Ho", "Bo b", None, "", first), ("Begin", "ada", False, "r1", head), shown[2]]
    assert projects.read("words", first, "docs/ä.md") == "ä\n"
    assert "+print('Ho')" in projects.diff("words", first, second)["main.py"]
    with zipfile.ZipFile(io.BytesIO(projects.archive_zip("words", first))) as archive:
        assert archive.namelist() == ["docs/ä.md", "main.py"]


def test_the_same_commit_is_made_once_whoever_makes_it_again(projects: Projects, head: str) -> None:
    made = {projects.written("words", head, {"main.py": MAIN}, "Begin", run_id="r1", at=AT) for _ in range(2)}
    assert len(made) == 1
    assert projects.info("words").head == head
    [commit] = made
    for _ in range(2):
        projects.advance("words", head, commit)
    assert projects.info("words").head == commit
    with pytest.raises(StaleEdit):
        projects.advance("words", head, projects.written("words", head, {"b": ""}, "B", run_id="", at=AT))
    with pytest.raises(StaleEdit):
        projects.commit("words", head, {"b": ""}, "B", "ada")


@pytest.mark.parametrize(
    "path",
    [
        "x" * 201,
        *("", "/etc/passwd", "../up", "a/../b", "a//b", "a/", "./a", ".", ".git/config", "a/.GIT/x", "git~1/x", "a\\b"),
        *(".gitmodules", "a/.GitModules", "GITMOD~1"),
        *(
            "a\0b",
            "a\nb",
            "con",
            "nul.txt",
            "a.",
            "a ",
            " a",
            "a:b",
            "x" * 201,
            "\u202egpj",
            "a/" * 12 + "b",
            "e\u0301",
        ),
    ],
)
def test_a_path_stays_inside_on_every_system(projects: Projects, head: str, path: str) -> None:
    with pytest.raises(InvalidInput, match="path"):
        projects.commit("words", head, {path: "x"}, "X", "ada")


@pytest.mark.parametrize("paths", [("a", "a/b"), ("Read.me", "read.me"), ("A/x", "a/y")])
def test_files_that_cannot_be_side_by_side_everywhere_are_refused(
    projects: Projects, head: str, paths: tuple[str, str]
) -> None:
    with pytest.raises(InvalidInput, match="cannot both be there"):
        projects.commit("words", head, dict.fromkeys(paths, "x"), "X", "ada")


def test_what_is_too_large_or_not_there_is_refused(projects: Projects, head: str) -> None:
    with pytest.raises(InvalidInput, match="1,000,001 bytes"):
        projects.commit("words", head, {"a": "x" * 1_000_001}, "X", "ada")
    with pytest.raises(InvalidInput, match="1,001 files"):
        projects.commit("words", head, {str(n): "" for n in range(1001)}, "X", "ada")
    with pytest.raises(InvalidInput, match="no file a to delete"):
        projects.commit("words", head, {"a": None}, "X", "ada")
    with pytest.raises(UnknownName):
        projects.read("words", head, "a")
    for commit in ("0" * 40, "main", "HEAD", "../x", ""):
        with pytest.raises(UnknownName):
            projects.files("words", commit)
    with pytest.raises(InUse):
        projects.create("words", "Again")
    for name in ("Words", "../x", "a/b", ""):
        with pytest.raises(InvalidInput):
            projects.log(name, 1)


def test_protected_files_are_listed_with_their_list(projects: Projects, head: str) -> None:
    files = {PROTECTED: "tests/test_words.py\n", "tests/test_words.py": "x", "main.py": MAIN}
    commit = projects.commit("words", head, files, "Plan", "ada")
    shown = {one.path: one.is_protected for one in projects.files("words", commit)}
    assert shown == {PROTECTED: True, "main.py": False, "tests/test_words.py": True}


@pytest.mark.skipif(shutil.which("git") is None, reason="Git is not installed")
def test_git_reads_the_bundle_and_finds_nothing_wrong(projects: Projects, head: str, tmp_path: Path) -> None:
    projects.commit("words", head, {"main.py": MAIN, "a/b/c.txt": "c"}, "Begin", "ada", run_id="r1")
    bundle = tmp_path / "words.bundle"
    bundle.write_bytes(projects.bundle("words"))
    git(tmp_path, "clone", "-q", "-b", "main", str(bundle), "clone")
    assert (tmp_path / "clone" / "main.py").read_text() == MAIN
    assert git(tmp_path / "projects" / "words.git", "fsck", "--strict") == ""
    assert git(tmp_path / "clone", "log", "--format=%an %s").splitlines() == ["ada Begin", "ai-orchestra Begin"]


def git(folder: Path, *arguments: str) -> str:
    """What Git prints."""
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


def test_only_its_owner_can_read_it_and_a_deleted_one_is_in_the_trash(
    projects: Projects, head: str, tmp_path: Path
) -> None:
    folder = tmp_path / "projects" / "words.git"
    assert {one.stat().st_mode & 0o077 for one in [folder, *folder.rglob("*")]} == {0}
    trash = projects.delete("words")
    assert trash.is_dir()
    assert projects.list() == []
    with pytest.raises(UnknownName):
        projects.info("words")


def test_a_damaged_repository_says_so(projects: Projects, head: str, tmp_path: Path) -> None:
    (tmp_path / "projects" / "words.git" / "refs" / "heads" / "main").unlink()
    with pytest.raises(StorageError, match="words cannot be used"):
        projects.info("words")


@pytest.mark.parametrize("place", ["refs/heads/main", "refs/heads/run-1", "objects"])
def test_a_lock_that_a_killed_process_has_left_stops_nobody(
    projects: Projects, head: str, tmp_path: Path, place: str
) -> None:
    repository = tmp_path / "projects" / "words.git"
    made = projects.written("words", head, {"main.py": MAIN}, "Begin", run_id="", at=AT)
    file = repository / (f"objects/{made[:2]}/{made[2:]}" if place == "objects" else place)
    file.unlink(missing_ok=True) if place != "refs/heads/main" else None
    lock = file.with_name(f"{file.name}.lock")
    lock.write_bytes(b"")
    os.utime(lock, (1, 1))
    assert projects.written("words", head, {"main.py": MAIN}, "Begin", run_id="", at=AT) == made
    with projects.opened("words") as opened:
        assert opened.advance(None, made, "run-1")
    projects.advance("words", head, made)
    assert projects.info("words").head == made
    assert not lock.exists()
