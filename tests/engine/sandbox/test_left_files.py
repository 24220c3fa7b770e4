"""What code leaves, as bytes from inside the sandbox: only plain files come out, and no bytes freeze the reader."""

from __future__ import annotations

import io
import os
import socket
import struct
import tarfile
import time
from pathlib import Path

import pytest

from clients.errors import InvalidRequest, LimitExceeded
from engine.sandbox import work
from engine.sandbox.inside import leaving

MB = 1024**2
HEAD = struct.Struct(">IQ")
END = HEAD.pack(0, 0)


def record(name: bytes, content: bytes = b"x", size: int = -1) -> bytes:
    return HEAD.pack(len(name), len(content) if size < 0 else size) + name + content


def test_plain_files_arrive_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("out/d/e").mkdir(parents=True)
    written = {".output": b"{}", "out/d/e/a": bytes(3 * MB), "out/a\nb": b""}
    for name, content in written.items():
        Path(name).write_bytes(content)
    Path(os.fsdecode(b"out/\xff")).touch()
    Path("out/link").symlink_to(".output")
    Path("out/folder").symlink_to("d")
    os.mkfifo("out/pipe")
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("out/socket")
    leaving.write((".output", "out", "not there"), sent := io.BytesIO())
    found = {one.path: one.content for one in work.files(sent.getvalue(), most=4, bytes_most=4 * MB)}
    assert found == written | {os.fsdecode(b"out/\xff"): b""}
    with pytest.raises(LimitExceeded):
        work.files(sent.getvalue(), most=3, bytes_most=4 * MB)
    with pytest.raises(LimitExceeded):
        work.files(sent.getvalue(), most=4, bytes_most=3 * MB)


def pax() -> bytes:
    """A tar that keeps `tarfile` busy for many seconds."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.PAX_FORMAT) as archive:
        one = tarfile.TarInfo("out/s")
        one.pax_headers = {"x": "9" * 200_000 + " " * 10}
        archive.addfile(one)
    return made.getvalue()


FORGED = {
    "nothing": b"",
    "no end": record(b"a"),
    "more after the end": END + b"x",
    "a tar": pax(),
    "half a head": b"\0" * 11,
    "a size below zero": record(b"a", b"", 2**64 - 512) + END,
    "a longer content": record(b"a", b"x", 5) + END,
    "a longer name": HEAD.pack(4000, 0) + b"a" + END,
    "a name without end": record(b"a" * 5000) + END,
    **{repr(name): record(name) + END for name in (b"/a", b"a/../b", b"..", b"a//b", b"./a", b"a\0b", b"a/")},
    "many files": record(b"a", b"") * 500_000,
}


@pytest.mark.parametrize("name", FORGED)
def test_forged_bytes_are_refused_at_once(name: str) -> None:
    began = time.process_time()
    with pytest.raises((InvalidRequest, LimitExceeded)):
        work.files(FORGED[name], most=100, bytes_most=MB)
    assert time.process_time() - began < 0.5
