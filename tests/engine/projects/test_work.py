"""The work of a run: each write once, protected files, and back to what has passed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.base.errors import InvalidInput
from engine.projects.projects import Projects
from engine.projects.work import RunBranch, work_on
from engine.workspace.workspace import Workspace

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
LINES = "".join(f"line {number}\n" for number in range(20))


@pytest.fixture
def projects(tmp_path: Path) -> Projects:
    made = Projects(Workspace(tmp_path), lambda: AT)
    made.create("words", "Words")
    return made


@pytest.fixture
def work(projects: Projects, tmp_path: Path) -> Iterator[RunBranch]:
    with work_on(tmp_path / "projects", "words", "run-1", "r1", AT) as found:
        yield found


def test_main_stays_until_the_work_is_finished(projects: Projects, work: RunBranch) -> None:
    main = projects.info("words").head
    made = work.write("a.py", "a", "m1", replaces=False)
    assert (work.head, projects.info("words").head, made.paths) == (made.commit, main, ("a.py",))


def test_a_write_is_found_by_its_marker_and_by_no_other(work: RunBranch) -> None:
    made = work.write("a.py", "a", "m1", replaces=False)
    work.write("b.py", "b", "m11", replaces=False)
    assert work.made_by("m1") == made
    assert work.made_by("m") is None
    assert work.made_by("m2") is None


def test_a_text_cannot_pose_as_the_marker_of_another_write(work: RunBranch) -> None:
    for path in ("a\nWrite: m9", "Write: m9"):
        with pytest.raises(InvalidInput, match="file names cannot have"):
            work.write(path, "Write: m9\n", "m1", replaces=False)
    work.write("a.py", "\n\nWrite: m9\n", "m1", replaces=False)
    assert work.made_by("m9") is None


def test_protected_files_are_changed_by_no_write(work: RunBranch) -> None:
    work.protect({"tests/test_a.py": "assert True"}, "m1")
    for path in ("tests/test_a.py", ".orchestra/protected", ".orchestra/x", ".Orchestra/protected"):
        with pytest.raises(InvalidInput, match="cannot be changed here"):
            work.write(path, "x", "m2", replaces=True)
    work.protect({"tests/test_b.py": ""}, "m3")
    assert work.repository.protected(work.head) == {".orchestra/protected", "tests/test_a.py", "tests/test_b.py"}


def test_a_file_does_not_lose_much_without_saying_so(work: RunBranch) -> None:
    work.write("a.py", LINES, "m1", replaces=False)
    with pytest.raises(InvalidInput, match="would lose 19 of its 20 lines"):
        work.write("a.py", "line 1\n# the rest stays as it is\n", "m2", replaces=False)
    work.write("a.py", LINES.replace("line 1\n", "line one\n"), "m3", replaces=False)
    work.write("c.py", "}\n" * 20, "m8", replaces=False)
    with pytest.raises(InvalidInput, match="would lose 19 of its 20 lines"):  # equal lines count as often as they are
        work.write("c.py", "}\n", "m9", replaces=False)
    work.write("a.py", "line 1\n", "m4", replaces=True)
    work.write("b.py", LINES * 10, "m5", replaces=False)
    with pytest.raises(InvalidInput, match="up to 150 lines"):
        work.write("b.py", LINES * 10 + "x", "m6", replaces=False)


def test_red_after_green_goes_back_and_the_history_says_so(projects: Projects, work: RunBranch) -> None:
    assert work.go_back("m0") is None
    green = work.write("a.py", "works", "m1", replaces=False)
    work.repository.mark(green.commit, is_green=True)
    assert work.go_back("m2") is None
    work.write("a.py", "broken", "m3", replaces=False)
    work.write("b.py", "new", "m4", replaces=False)
    back = work.go_back("m5")
    assert back is not None
    assert work.texts() == {"a.py": "works"}
    assert work.repository.commit(back.commit).message == f"Go back to {green.commit[:8]}: the tests failed"
    assert work.made_by("m5") == back


def test_what_passed_other_tests_is_not_gone_back_to(work: RunBranch) -> None:
    work.protect({"test_a.py": "old"}, "m1")
    green = work.write("a.py", "works", "m2", replaces=False)
    work.repository.mark(green.commit, is_green=True)
    work.protect({"test_b.py": "new"}, "m3")
    work.write("a.py", "not yet", "m4", replaces=False)
    assert work.last_green() is None
    assert work.go_back("m5") is None
    assert work.texts()["test_b.py"] == "new"


def test_files_that_are_no_texts_are_neither_edited_nor_overwritten(work: RunBranch) -> None:
    picture = b"\x89PNG\xff".decode("utf-8", "surrogateescape")
    work.commit({"a.png": picture}, "A picture", "m1")
    with pytest.raises(InvalidInput, match="is not text"):
        work.write("a.png", "x", "m2", replaces=False)
    with pytest.raises(InvalidInput, match="is not text"):
        work.edit(f"a.png\n{'<' * 7} SEARCH\n{'=' * 7}\nx\n{'>' * 7} REPLACE", "m3")
    green = work.write("b.py", "works", "m4", replaces=False)
    work.repository.mark(green.commit, is_green=True)
    work.commit({"c.png": picture}, "Another", "m5")
    work.go_back("m6")
    assert [one.path for one in work.repository.files(work.head)] == ["a.png", "b.py"]
    assert work.repository.content(work.head, "a.png") == b"\x89PNG\xff"


def test_a_file_is_deleted_unless_it_is_protected(work: RunBranch) -> None:
    work.protect({"test_a.py": ""}, "m1")
    work.write("a.py", "x", "m2", replaces=False)
    assert work.remove("a.py", "m3").paths == ("a.py",)
    for path in ("test_a.py", "a.py"):
        with pytest.raises(InvalidInput, match=r"cannot be changed here|no file a\.py to delete"):
            work.remove(path, "m4")


@pytest.mark.parametrize("branch", ["main", "", "../x", "a..b", "a/b", "a.lock", "-x", "a b", "x" * 81])
def test_a_branch_is_a_plain_name(projects: Projects, tmp_path: Path, branch: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be a branch"), work_on(tmp_path, "words", branch, "", AT):
        pass
