"""A test that passes only when it is tried again is named."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.second_try import FOUND

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent
TESTS = """
from pathlib import Path

TRIED = Path(__file__).with_name("tried")

def test_is_sound():
    pass

def test_is_shaky():
    was_tried, _ = TRIED.exists(), TRIED.touch()
    assert was_tried

def test_is_wrong():
    assert not TRIED.exists()
"""


def tried(folder: Path, *options: str) -> str:
    """What pytest says of the folder; one test of it fails each time."""
    alone = ["--rootdir", str(folder), "-c", str(folder / "pytest.ini"), "-p", "tests.second_try"]
    command = [sys.executable, "-m", "pytest", *alone, *options, str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


def test_what_passed_only_at_the_second_try_is_named_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]")
    (tmp_path / "test_some.py").write_text(TESTS)
    assert "second try" not in tried(tmp_path)
    line = "Passed only at the second try: test_some.py::test_is_shaky\n"
    said = tried(tmp_path, "--last-failed")
    assert line in said
    assert said.count("second try:") == 1
    assert (tmp_path / FOUND).read_text() == line
