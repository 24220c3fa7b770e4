"""Model answers as they are being written, for people who watch a run; in memory only, nothing depends on them."""

from __future__ import annotations

import threading
from collections.abc import Callable

_CHARACTERS_MOST = 50_000
"""Per answer: the rest is visible once the answer is recorded."""


class Live:
    """The answers in progress in this process, by run and step. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: dict[str, dict[str, LiveAnswer]] = {}

    def of(self, run_id: str) -> dict[str, str]:
        """Return {step path: text so far} for a run, in the order in which the answers began."""
        with self._lock:
            answers = dict(self._answers.get(run_id, {}))
        return {path: answer.text for path, answer in answers.items()}

    def show(self, run_id: str, path: str, answer: LiveAnswer) -> None:
        """Show an answer, replacing an earlier one of the same step."""
        with self._lock:
            self._answers.setdefault(run_id, {})[path] = answer

    def forget(self, run_id: str, path: str) -> None:
        """Remove the answer of a step: it has been recorded, or there is no answer."""
        with self._lock:
            answers = self._answers.get(run_id, {})
            answers.pop(path, None)
            if not answers:
                self._answers.pop(run_id, None)

    def close(self) -> None:
        """Do nothing: there is nothing to end."""


class StepAnswers:
    """The answers of one step: each attempt starts a new one."""

    def __init__(self, live: Live, run_id: str, path: str) -> None:
        self._live, self._run_id, self._path = live, run_id, path
        self._is_open = True

    def attempt(self) -> Callable[[str], None]:
        """Return the function that takes the pieces of an attempt's answer; it is visible from the first piece."""
        answer = LiveAnswer()

        def take(piece: str) -> None:
            if not answer.pieces and self._is_open:
                self._live.show(self._run_id, self._path, answer)
                if not self._is_open:  # closed at this very moment
                    self._live.forget(self._run_id, self._path)
            answer.add(piece)

        return take

    def close(self) -> None:
        """Stop showing the step; a late thread may continue to write."""
        self._is_open = False
        self._live.forget(self._run_id, self._path)


class LiveAnswer:
    """An answer in progress; one thread adds to it, others read."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self._length = 0

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(tuple(self.pieces))

    def add(self, piece: str) -> None:
        """Add a piece of the text."""
        if self._length < _CHARACTERS_MOST:
            self.pieces.append(piece)
            self._length += len(piece)
