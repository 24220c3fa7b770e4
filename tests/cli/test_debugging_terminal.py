"""`runs debug` at a real terminal: it asks at each pause, and takes the answers that its question names."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread

import pytest

from tests.patience import PATIENCE_SECONDS, until

pytestmark = pytest.mark.slow


class Terminal:
    """A command with a terminal of its own: what it has written, and a keyboard."""

    def __init__(self, *arguments: str) -> None:
        self.text = ""
        self._questions = 0
        self._keyboard, inside = pty.openpty()
        command = [sys.executable, "-m", "cli", *arguments]
        self.process = subprocess.Popen(command, stdin=inside, stdout=inside, stderr=inside)
        os.close(inside)
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with suppress(OSError):  # what Linux says at the end of a terminal
            while read := os.read(self._keyboard, 4096):
                self.text += read.decode()

    def asks(self) -> None:
        """Wait until it asks how to go on."""
        until(lambda: self.text.count("q(uit)") > self._questions or self.process.poll() is not None, "a question")
        self._questions += 1
        assert self.process.poll() is None, self.text

    def type(self, answer: str) -> None:
        os.write(self._keyboard, f"{answer}\n".encode())

    def close(self) -> int:
        """Wait for the command's end; return its exit code."""
        code = self.process.wait(PATIENCE_SECONDS)
        self._reader.join(PATIENCE_SECONDS)
        return code

    def unplug(self) -> None:
        os.close(self._keyboard)


@pytest.fixture
def terminal(workspace: Path) -> Iterator[Terminal]:
    opened = Terminal("runs", "debug", "pure", "--workspace", str(workspace))
    yield opened
    if opened.process.poll() is None:
        opened.process.kill()
    opened.close()
    opened.unplug()


def test_each_answer_does_what_the_question_says(terminal: Terminal) -> None:
    terminal.asks()
    terminal.type("s")
    terminal.asks()
    assert "Paused before each[" in terminal.text
    terminal.type("p first")
    terminal.asks()
    assert '"v": 2' in terminal.text
    terminal.type("s 7")
    terminal.asks()
    assert "No paused step has the number 7." in terminal.text
    terminal.type("c")
    assert terminal.close() == 0
    assert "succeeded" in terminal.text


def test_quitting_leaves_the_run_paused_and_says_how_to_go_on(terminal: Terminal) -> None:
    terminal.asks()
    terminal.type("q")
    assert terminal.close() == 5
    assert "orchestra runs continue" in terminal.text
