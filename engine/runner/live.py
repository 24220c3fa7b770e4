"""What models are writing at this moment, for people who watch a run; in memory only, and nothing depends on it."""

from __future__ import annotations

import threading
from collections.abc import Callable

_CHARACTERS_MOST = 50_000
"""Of one answer: what comes after is seen once the answer is recorded."""


class Live:
    """The answers under way in this process, by run and step. Any thread may use it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: dict[str, dict[str, _Answer]] = {}

    def of(self, run_id: str) -> dict[str, str]:
        """Return {step path: text so far} of a run, in the order in which the answers began."""
        with self._lock:
            answers = dict(self._answers.get(run_id, {}))
        return {path: "".join(tuple(answer.pieces)) for path, answer in answers.items()}

    def show(self, run_id: str, path: str, answer: _Answer) -> None:
        """Let an answer be seen, in place of an earlier one of the same step."""
        with self._lock:
            self._answers.setdefault(run_id, {})[path] = answer

    def forget(self, run_id: str, path: str) -> None:
        """Forget the answer of a step: it is recorded, or there is none."""
        with self._lock:
            answers = self._answers.get(run_id, {})
            answers.pop(path, None)
            if not answers:
                self._answers.pop(run_id, None)


class Watch:
    """The answers of one step: each attempt begins anew."""

    def __init__(self, live: Live, run_id: str, path: str) -> None:
        self._live, self._run_id, self._path = live, run_id, path
        self._is_open = True

    def attempt(self) -> Callable[[str], None]:
        """Return what takes the pieces of an attempt's answer; it is seen from the first one on."""
        answer = _Answer()

        def take(piece: str) -> None:
            if not answer.pieces and self._is_open:
                self._live.show(self._run_id, self._path, answer)
                if not self._is_open:  # closed in this very moment
                    self._live.forget(self._run_id, self._path)
            answer.add(piece)

        return take

    def close(self) -> None:
        """Show nothing of the step any more; a thread that is late may go on writing."""
        self._is_open = False
        self._live.forget(self._run_id, self._path)


class _Answer:
    def __init__(self) -> None:
        self.pieces: list[str] = []
        self._length = 0

    def add(self, piece: str) -> None:
        """Add a piece of the text."""
        if self._length < _CHARACTERS_MOST:
            self.pieces.append(piece)
            self._length += len(piece)
