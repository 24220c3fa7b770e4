"""Files that are made to harm: each is refused with a sentence or read within the limits, and this process stays."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from math import ceil
from pathlib import Path
from typing import Any

import pytest

from clients.errors import InvalidRequest
from engine.sandbox import child
from engine.sandbox.limits import ChildLimits
from engine.sandbox.reading import ReadableFile, read
from tests.engine.sandbox.bombs import MB, bombs
from tests.few import every
from tests.patience import slowness

BOMBS = bombs()
LIMITS = ChildLimits(cpu_seconds=1, wall_seconds=60.0, file_bytes=20 * MB, answer_bytes=4 * MB)
OPTIONS: Mapping[str, Any] = {"most": 100_000, "form": "markdown", "pages": [], "limit": 100, "pattern": "*"}
GROWTH_MOST = 48 * MB
ROWS = 300_000
"""Of a table that, as a whole, needs more memory than its limit here."""


@pytest.fixture(autouse=True)
def without_walls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the limits alone hold, as on a machine without bubblewrap."""
    monkeypatch.setattr(child, "walls", lambda: None)


@contextmanager
def given(folder: Path, name: str, content: bytes) -> Iterator[ReadableFile]:
    path = folder / "bomb"
    path.write_bytes(content)
    handle = os.open(path, os.O_RDONLY)
    try:
        yield ReadableFile(handle, name)
    finally:
        os.close(handle)


def resident() -> int:
    """The memory that this process holds now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def peak_of_children() -> int:
    """The most memory that any child of this process has had; a fork counts as much as this process has."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024


def own_peak() -> int:
    """The most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def answered(folder: Path, name: str, task: str) -> str:
    """What is said about a bomb: `read`, or why it is refused."""
    with given(folder, name, BOMBS[name]()) as file, (folder / "out").open("wb") as out:
        before = resident()
        try:
            read(file, task, OPTIONS, LIMITS, out.fileno())
            said = "read"
        except InvalidRequest as error:
            said = error.message
        assert resident() - before < GROWTH_MOST, name
    assert (folder / "out").stat().st_size <= LIMITS.file_bytes
    return said


def test_there_are_enough() -> None:
    assert len(BOMBS) >= 60


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the memory of a process is read as on Linux")
@pytest.mark.slow
@pytest.mark.parametrize("name", every(3, BOMBS))
def test_a_bomb_is_refused_with_a_sentence_or_read_within_the_limits(tmp_path: Path, name: str) -> None:
    tasks = ["unpack"] if name.endswith(".zip") else ["text"]
    tasks += ["table"] if name.endswith((".xlsx", ".csv", ".json", ".jsonl", ".html")) else []
    of_earlier = peak_of_children()
    for task in tasks:
        said = answered(tmp_path, name, task)
        assert said == "read" or (said.startswith(f"{name!r} was not read: ") and said.endswith(".")), said
        refused = REFUSED.get(name)
        assert refused is None or refused in said, said
    peak = peak_of_children()
    most = max(LIMITS.memory_bytes, own_peak(), of_earlier)  # a fork has what this process has, and that may be more
    assert peak <= most


REFUSED = {
    "sum of entries.zip": "unpacks to 220,200,960 bytes",
    "ratio.zip": "200 times its size",
    "entries.zip": "2,500 entries",
    "password.zip": "password",
    "entities.xlsx": "declares entities",
    "foreign entity.xlsx": "declares entities",
    "entities.docx": "declares entities",
    "quadratic.docx": "declares entities",
    "entities.pptx": "declares entities",
    "behind a comment.docx": "declares entities",
    "other name.docx": "declares entities",
    "wide.docx": "declares entities",
    "wide.pptx": "declares entities",
    "equal names.csv": "",
    "one line.csv": "Line 1 has more than 10,000,000 characters",
    "large.png": "",
    "nested.json": "",
}


def test_what_leads_out_of_a_folder_is_left_out(tmp_path: Path) -> None:
    for name in ("entries that lead out.zip", "links.zip"):
        with given(tmp_path, name, BOMBS[name]()) as file, (tmp_path / "out").open("wb") as out:
            assert read(file, "unpack", OPTIONS, LIMITS, out.fileno())["entries"] == []


def test_a_cell_far_away_is_read(tmp_path: Path) -> None:
    with given(tmp_path, "x", BOMBS["cell far away.xlsx"]()) as file, (tmp_path / "out").open("wb") as out:
        found = read(
            file, "table", {**OPTIONS, "header": False}, replace(LIMITS, cpu_seconds=ceil(slowness())), out.fileno()
        )
    assert found["row_count"] == 2


def test_too_many_columns_are_refused_before_they_get_names(tmp_path: Path) -> None:
    with (
        given(tmp_path, "a.csv", BOMBS["equal names.csv"]()) as file,
        pytest.raises(InvalidRequest, match="more than 16,384 columns"),
    ):
        read(file, "table", OPTIONS, LIMITS)


def test_a_part_of_any_name_declares_no_entities(tmp_path: Path) -> None:
    for name in ("behind a comment.docx", "other name.docx", "wide.docx", "wide.pptx"):
        with (
            given(tmp_path, name, BOMBS[name]()) as file,
            pytest.raises(InvalidRequest, match="declares entities"),
        ):
            read(file, "text", OPTIONS, LIMITS)


def test_a_child_sees_neither_the_environment_nor_other_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SECRET", "x")
    seen: list[Any] = []
    started: Any = subprocess.Popen

    def watched(*args: Any, **more: Any) -> Any:
        seen.append(more)
        return started(*args, **more)

    monkeypatch.setattr(subprocess, "Popen", watched)
    with given(tmp_path, "a.txt", b"text") as file:
        assert read(file, "text", OPTIONS)["text"] == "text"
        assert seen[-1]["env"] == {}
        assert seen[-1]["pass_fds"] == (file.handle,)


def test_a_large_table_of_text_takes_no_memory(tmp_path: Path) -> None:
    lines = b"".join(b"%d;Customer %d;%d.5;2026-11-20\n" % (at, at % 997, at) for at in range(ROWS))
    small = ChildLimits(memory_bytes=100 * MB, cpu_seconds=60, wall_seconds=300.0, file_bytes=200 * MB)
    with given(tmp_path, "a.csv", b"id;name;amount;date\n" + lines) as file, (tmp_path / "out").open("wb") as out:
        before = resident()
        found = read(file, "table", OPTIONS, small, out.fileno())
        assert resident() - before < GROWTH_MOST
    assert (found["row_count"], found["truncated"]) == (ROWS, True)
    assert found["rows"][1] == {"id": 1, "name": "Customer 1", "amount": 1.5, "date": "2026-11-20"}
    as_a_whole = b'{"items": [' + b"[1]," * 4 * MB + b"1]}"
    with given(tmp_path, "a.json", as_a_whole) as file, pytest.raises(InvalidRequest, match="needs more than 100 MB"):
        read(file, "table", OPTIONS, small)
