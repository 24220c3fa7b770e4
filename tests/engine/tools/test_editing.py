"""The files and versions of tools: saved without losing edits, nowhere but in their folder, kept and restored."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.base.errors import InUse, InvalidFile, InvalidInput, NotAllowed, StaleEdit, UnknownName
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.sandbox.walls import walls
from tests.engine.conftest import OWNER, Run
from tests.engine.tools.test_tools import TWICE, step, write_tool

pytestmark = pytest.mark.skipif(walls() is None, reason="bubblewrap does not work here")


def test_a_file_is_saved_only_over_the_text_that_was_read(root: Path, orchestra: Orchestra, run: Run) -> None:
    write_tool(root, TWICE)
    assert orchestra.tools.test(OWNER, "twice").passed
    files = orchestra.tool_files
    main = files.get(OWNER, "twice", "main.py")
    assert [one.path for one in files.list(OWNER, "twice")] == ["tool.json", "main.py", "tests/one.json"]
    files.save(OWNER, "twice", "main.py", TWICE + "\n", main.etag)
    assert orchestra.tools.show(OWNER, "twice").state == "changed"
    with pytest.raises(StaleEdit):
        files.save(OWNER, "twice", "main.py", "lost", main.etag)
    with pytest.raises(StaleEdit):
        files.delete(OWNER, "twice", "main.py", main.etag)
    with pytest.raises(InvalidInput, match="already"):
        files.save(OWNER, "twice", "main.py", "lost", None)
    made = files.save(OWNER, "twice", "tests/more/two.json", "{}", None)
    with pytest.raises(InvalidInput, match="a file and a folder"):
        files.save(OWNER, "twice", "tests/more/two.json/x", "", None)
    files.delete(OWNER, "twice", "tests/more/two.json", made.etag)
    assert not (root / "tools" / "twice" / "tests" / "more").exists()
    with pytest.raises(InvalidInput, match="would be no tool"):
        files.delete(OWNER, "twice", "tool.json", files.get(OWNER, "twice", "tool.json").etag)


@pytest.mark.parametrize(
    "path",
    [
        "../out",
        "/etc/passwd",
        "a/../../b",
        "a//b",
        ".hidden",
        "a/.git",
        "a\\b",
        "a\nb",
        "",
        "__pycache__/a.py",
        "a/" * 6,
    ],
)
def test_no_file_is_written_outside_the_folder(root: Path, orchestra: Orchestra, path: str) -> None:
    write_tool(root, TWICE)
    with pytest.raises(InvalidInput, match="cannot be the name"):
        orchestra.tool_files.save(OWNER, "twice", path, "x", None)
    with pytest.raises(UnknownName):
        orchestra.tool_files.get(OWNER, "twice", path)


@pytest.mark.parametrize("path", ["tested.json", "requirements.lock"])
def test_what_commands_write_is_not_written_by_hand(root: Path, orchestra: Orchestra, path: str) -> None:
    write_tool(root, TWICE)
    with pytest.raises(InvalidInput, match="not written by hand"):
        orchestra.tool_files.save(OWNER, "twice", path, "{}", None)


def test_links_are_refused(root: Path, orchestra: Orchestra, tmp_path: Path) -> None:
    folder = write_tool(root, TWICE)
    (tmp_path / "secret").write_text("x")
    os.link(tmp_path / "secret", folder / "same")
    with pytest.raises(InvalidFile, match="hard link"):
        orchestra.tool_files.list(OWNER, "twice")
    (folder / "same").unlink()
    (folder / "there").symlink_to(tmp_path)
    with pytest.raises(InvalidFile, match="not a plain file"):
        orchestra.tool_files.save(OWNER, "twice", "there/secret", "y", None)
    assert (tmp_path / "secret").read_text() == "x"


def test_only_people_who_edit_change_tools(root: Path, orchestra: Orchestra) -> None:
    write_tool(root, TWICE)
    viewer = Principal("local:vera", "viewer")
    assert orchestra.tool_files.get(viewer, "twice", "main.py").text == TWICE
    with pytest.raises(NotAllowed):
        orchestra.tool_files.save(viewer, "twice", "main.py", "x", None)
    with pytest.raises(NotAllowed):
        orchestra.tools.lock(viewer, "twice")


def test_a_version_is_restored_and_what_it_replaces_is_kept(root: Path, orchestra: Orchestra, run: Run) -> None:
    folder, tools = write_tool(root, TWICE), orchestra.tools
    (folder / "table.bin").write_bytes(b"\xff\x00")
    assert orchestra.tools.test(OWNER, "twice").passed
    assert orchestra.tools.test(OWNER, "twice").passed
    [first] = tools.versions(OWNER, "twice")
    assert (first.version, first.tested, first.is_current, first.saved_by) == ("1.0.0", True, True, OWNER.id)
    write_tool(root, "output = {'n': 2}", version="1.1.0")
    (folder / "table.bin").unlink()
    (folder / "notes.txt").write_text("not tested")
    changes = {one.path: (one.change, one.lines) for one in tools.changes(OWNER, "twice", first.id)}
    assert changes["notes.txt"] == ("added", "@@ -0,0 +1 @@\n+not tested")
    assert changes["table.bin"] == ("removed", "")
    assert changes["main.py"][1].splitlines()[1:] == [f"-{TWICE}", "+output = {'n': 2}"]
    tools.restore(OWNER, "twice", first.id)
    assert run([step()])["steps"][0]["output"] == {"n": 42}
    assert (folder / "table.bin").read_bytes() == b"\xff\x00"
    [replaced, kept] = tools.versions(OWNER, "twice")
    assert (kept.is_current, replaced.version, replaced.tested) == (True, "1.1.0", False)
    tools.restore(OWNER, "twice", replaced.id)
    assert (folder / "notes.txt").read_text() == "not tested"
    assert orchestra.tools.show(OWNER, "twice").state == "changed"
    with pytest.raises(UnknownName):
        tools.restore(OWNER, "twice", "../../users")


def test_a_tool_that_is_not_valid_can_be_mended(root: Path, orchestra: Orchestra) -> None:
    folder = write_tool(root, TWICE)
    good = (folder / "tool.json").read_text()
    (folder / "tool.json").write_text("{")
    assert orchestra.tools.show(OWNER, "twice").state == "invalid"
    broken = orchestra.tool_files.get(OWNER, "twice", "tool.json")
    orchestra.tool_files.save(OWNER, "twice", "tool.json", good, broken.etag)
    assert orchestra.tools.test(OWNER, "twice").passed


def test_a_renamed_tool_stays_tested_and_used_and_a_used_one_is_not_deleted(
    root: Path, orchestra: Orchestra, run: Run
) -> None:
    write_tool(root, TWICE)
    assert orchestra.tools.test(OWNER, "twice").passed
    assert run([{**step(), "uses": "tool.twice@1"}])["status"] == "succeeded"
    assert orchestra.tools.rename(OWNER, "twice", "double") == ["work"]
    assert '"tool.double@1"' in (root / "workflows" / "work.json").read_text()
    info = orchestra.tools.show(OWNER, "double")
    assert (info.state, info.used_by, (root / "tools" / "twice").exists()) == ("tested", ("work",), False)
    assert [one.is_current for one in orchestra.tools.versions(OWNER, "double")] == [True]
    with pytest.raises(InUse, match=r"'tool\.double' is used by work"):
        orchestra.tools.delete(OWNER, "double")
    assert orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, "work", {}), 60)["status"] == "succeeded"
    orchestra.workflows.delete(OWNER, "work")
    trash = orchestra.tools.delete(OWNER, "double")
    assert (trash / "main.py").read_text() == TWICE
    assert orchestra.tools.list(OWNER) == []
