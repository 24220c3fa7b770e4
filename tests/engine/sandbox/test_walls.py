"""Programs that try to get out of the sandbox: none does. Without the filter, or without walls, some do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from clients.errors import SandboxMissing
from engine.sandbox import child, seccomp, walls, work
from engine.sandbox.child import ChildResult
from engine.sandbox.limits import ChildLimits
from engine.sandbox.walls import ChildRoom
from engine.sandbox.watch import ChildWatch
from tests.engine.sandbox.attempts import ATTEMPTS, LEAVES, WITHOUT_FILTER, WITHOUT_WALLS
from tests.engine.sandbox.conftest import tried

MB = 1024**2
LIMITS = ChildLimits(
    memory_bytes=512 * MB,
    cpu_seconds=2,
    wall_seconds=6.0,
    file_bytes=64 * MB,
    answer_bytes=MB,
    processes=40,
    tree_bytes=900 * MB,
)
ROOM = ChildRoom(work_bytes=32 * MB)
PATIENCE = ChildLimits(wall_seconds=60.0, file_bytes=64 * MB)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(walls.walls() is None, reason="bubblewrap does not work here"),
]


@pytest.fixture(scope="module")
def ends(outside: Mapping[str, Any]) -> Mapping[str, ChildResult]:
    """Return how each attempt has ended."""
    with ThreadPoolExecutor(3) as lanes:
        return dict(zip(ATTEMPTS, lanes.map(lambda one: tried(one, outside), ATTEMPTS.values()), strict=True))


def test_there_are_enough() -> None:
    assert len(ATTEMPTS) >= 76


@pytest.mark.parametrize("name", ATTEMPTS)
def test_nothing_gets_out(ends: Mapping[str, ChildResult], name: str) -> None:
    end, how = ends[name], ATTEMPTS[name].ends
    if end.out.startswith((b"OUT", b"BROKEN")):
        pytest.fail(end.out[:500].decode("utf-8", "replace"))
    if end.out.startswith(b"HELD"):
        return
    was_killed = end.status < 0 or "Killed" in end.said or end.status > 0
    assert end.reason in how or ({"cpu", "killed"} & set(how) and was_killed), end
    assert len(end.out) <= LIMITS.answer_bytes


def test_what_is_left_behind_is_only_plain_files(ends: Mapping[str, ChildResult]) -> None:
    for one in LEAVES:
        found = work.files(ends[one.name].left, most=100, bytes_most=MB)
        assert all(not file.content for file in found), one.name
        assert bool(found) == (one.name in ("leave odd names", "leave a program that runs as its owner")), one.name


def test_no_process_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    sessions: list[str] = []

    def watched(process_id: int, limits: ChildLimits) -> ChildWatch:
        sessions.append(str(process_id))
        return ChildWatch(process_id, limits)

    monkeypatch.setattr(child, "ChildWatch", watched)
    for name in ("fork again and again", "say too much", "leave a process behind", "end everybody"):
        tried(ATTEMPTS[name], {})
    time.sleep(0.2)
    assert len(sessions) == 4
    assert [one for one in Path("/proc").glob("[0-9]*/stat") if _session(one) in sessions] == []


def _session(stat: Path) -> str:
    """Return the session of a process, also of a dead one that nobody has cleared away."""
    try:
        return stat.read_text().rpartition(") ")[2].split()[3]
    except OSError:
        return ""


def test_cancelling_ends_it_at_once() -> None:
    cancelled = threading.Event()
    threading.Timer(0.5, cancelled.set).start()
    began = time.monotonic()
    end = work.run(["/bin/sh", "-c", "sleep 600 & sleep 600"], PATIENCE, ROOM, cancelled=cancelled)
    assert end.reason == "cancelled"
    assert time.monotonic() - began < 20


def test_what_a_program_says_and_leaves_arrives() -> None:
    command = ["/bin/sh", "-c", "mkdir a; printf text > a/b; cat; echo said; echo complained >&2; exit 3"]
    end = work.run(command, PATIENCE, ROOM)
    assert (end.status, end.out, end.said, end.reason) == (3, b"said\n", "complained", "")
    assert [(one.path, one.content) for one in work.files(end.left, most=10, bytes_most=100)] == [("a/b", b"text")]


HANDLE = """
import os, sys
handle, said = int(sys.argv[1]), []
for name, act in {
    "reopened": lambda: os.open(f"/proc/self/fd/{handle}", os.O_RDWR),
    "by another name": lambda: os.open(f"/dev/fd/{handle}", os.O_RDWR),
    "written": lambda: os.write(handle, b"x"),
    "cut": lambda: os.ftruncate(handle, 0),
    "rights": lambda: os.fchmod(handle, 0o777),
    "owner": lambda: os.fchown(handle, os.getuid(), os.getgid()),
    "times": lambda: os.utime(handle, (1, 1)),
    "attribute": lambda: os.setxattr(handle, "user.x", b"x"),
    "temporary": lambda: open("/tmp/x", "w"),
    "shared": lambda: open("/dev/shm/x", "w"),
}.items():
    try:
        act()
        said.append(name)
    except OSError:
        pass
print(os.read(handle, 10), said, end="")
"""


def test_a_reader_can_only_read_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script, file = tmp_path / "script.py", tmp_path / "file"
    script.write_text(HANDLE)
    file.write_text("text")
    before = file.stat()
    handle = os.open(file, os.O_RDONLY)
    try:
        assert child.ended([str(script), str(handle)], PATIENCE, handles=[handle]).out == b"b'text' []"
        assert file.stat() == before or file.stat().st_atime != before.st_atime
        monkeypatch.setattr(child, "walls", lambda: None)
        os.lseek(handle, 0, os.SEEK_SET)
        assert b"reopened" in child.ended([str(script), str(handle)], PATIENCE, handles=[handle]).out
    finally:
        os.close(handle)


@pytest.mark.control
@pytest.mark.parametrize("name", WITHOUT_FILTER)
def test_without_the_filter_it_gets_out(name: str, outside: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    plain = subprocess.run(
        [sys.executable, "-I", "-c", ATTEMPTS[name].program, json.dumps(outside)], capture_output=True, check=False
    )
    if not plain.stdout.startswith(b"OUT"):
        pytest.skip(f"the kernel refuses it to everybody: {plain.stdout.decode()}")
    monkeypatch.setattr(seccomp, "program", lambda **_: b"")
    assert tried(ATTEMPTS[name], outside).out.startswith(b"OUT")


@pytest.mark.control
@pytest.mark.parametrize("name", WITHOUT_WALLS)
def test_without_walls_it_gets_out(name: str, outside: Mapping[str, Any], tmp_path: Path) -> None:
    program = ATTEMPTS[name].program.replace("/w/", f"{tmp_path}/")
    plain = subprocess.run([sys.executable, "-c", program, json.dumps(outside)], capture_output=True, check=False)
    assert plain.stdout.startswith(b"OUT"), plain.stdout + plain.stderr


def test_where_bubblewrap_does_not_work_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "walls", lambda: None)
    with pytest.raises(SandboxMissing):
        work.run(["/bin/true"], LIMITS, ROOM)
    for script, words in (
        ("", "apt install bubblewrap"),
        ("echo 'bwrap: setting up uid map: Permission denied' >&2; exit 1", "bwrap-userns-restrict"),
        ("echo 'bwrap: No permissions to create a new namespace' >&2; exit 1", "user.max_user_namespaces"),
        ("echo 'bwrap: Unknown option --cap-drop' >&2; exit 1", "0.8 or later"),
    ):
        (tmp_path / "bwrap").unlink(missing_ok=True)
        if script:
            (tmp_path / "bwrap").write_text(f"#!/bin/sh\n{script}\n")
            (tmp_path / "bwrap").chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
        found, problem = walls._tried.__wrapped__()
        assert found is None
        assert words in problem
        assert "\n" not in problem
