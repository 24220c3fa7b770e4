"""A file that may have changed is never taken for the one that was read."""

from __future__ import annotations

import os
import time
from pathlib import Path

from engine.files.fingerprint import stamp
from tests.patience import PATIENCE_SECONDS

LONG_AGO = time.time_ns() - 10_000_000_000


def settled(path: Path) -> Path:
    """Wait until the clock of the file system has moved on."""
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while stamp(path) is None and time.monotonic() < ends_at:
        time.sleep(0.02)
    return path


def test_a_file_that_stays_keeps_its_stamp(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("one")
    assert stamp(settled(path)) == stamp(path)


def test_a_file_changed_just_now_has_none(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("one")
    os.utime(path, ns=(LONG_AGO, LONG_AGO))  # what a tool may set; the time of the change itself it cannot
    assert stamp(path) is None


def test_a_change_of_equal_length_shows(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("one")
    before = stamp(settled(path))
    path.write_text("two")
    assert stamp(settled(path)) != before


def test_a_missing_file_is_a_state_of_its_own(tmp_path: Path) -> None:
    assert stamp(tmp_path / "file") == ()


def test_a_link_has_none(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("one")
    link = tmp_path / "link"
    link.symlink_to(settled(path))
    assert stamp(link) is None


def test_a_path_that_no_file_can_have_has_an_empty_one(tmp_path: Path) -> None:
    assert [stamp(f"{tmp_path}/{name}") for name in ("\0", "\ud800", "a" * 300)] == [()] * 3
