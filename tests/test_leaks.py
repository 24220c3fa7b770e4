"""A test that fails, or that leaves something open, makes no other test fail."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent
TESTS = '''
import gc, socket, subprocess, sys, threading
import pytest

class Holder:
    """Refers to itself, so that only the garbage collector ends it."""
    def __init__(self, held):
        self.held, self.me = held, self

@pytest.fixture(scope="module")
def of_the_file():
    return Holder(socket.socket())

@pytest.fixture
def of_the_test():
    return Holder(socket.socket())

def test_leaks_a_socket():
    Holder(socket.socket())

def test_is_sound(of_the_file):
    gc.collect()

def test_is_given_a_socket(of_the_test):
    pass

def test_is_sound_after_a_gift(of_the_file):
    gc.collect()

def test_fails_with_a_socket_and_a_process_open():
    opened = socket.socket()
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert opened is child

def test_is_sound_after_a_failure():
    gc.collect()

def test_is_the_last_of_a_file_that_leaks(of_the_file):
    pass
'''
NEXT = """
import gc

def test_is_sound_in_the_next_file():
    gc.collect()
"""
LEAKING = {
    "test_leaks_a_socket",
    "test_is_given_a_socket",
    "test_fails_with_a_socket_and_a_process_open",
    "test_is_the_last_of_a_file_that_leaks",
}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "test_first.py").write_text(TESTS)
    (tmp_path / "test_next.py").write_text(NEXT)
    return tmp_path


def blamed(files: Path, *options: str) -> set[str]:
    """The names of the tests of which something is told that is not right."""
    command = [sys.executable, "-m", "pytest", "-c", "/dev/null", "-rfE", "-W", "error", *options, str(files)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    return set(re.findall(r"^(?:FAILED|ERROR) \S+::(\w+)", done.stdout, re.MULTILINE))


def test_each_leak_is_told_of_the_test_that_made_it(files: Path) -> None:
    assert blamed(files, "-p", "tests.leaks") == LEAKING


def test_left_to_itself_pytest_tells_it_of_others(files: Path) -> None:
    assert "test_is_sound" in blamed(files) - LEAKING
