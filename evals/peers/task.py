"""The tasks that every peer measures, each round right before its limit; needs only Python, to run in any environment.

The limits are those of our own benchmarks: a raw SQLite commit per step, and a synced line per step in a file per run.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path

ROUNDS = 5
CHAIN = 200
RUNS = 500
SHORT = 5
COLD = 3
_EVENT = json.dumps({"type": "step_finished", "path": "s100", "text": "x" * 300})  # as long as ours


class Peer(ABC):
    """An engine with chains of steps that do nothing; it is opened on an empty folder."""

    def __init__(self, folder: Path, lengths: tuple[int, ...]) -> None:
        self.folder, self.lengths = folder, lengths

    @abstractmethod
    def run(self, steps: int) -> None:
        """Run a chain of this many steps to its end; each step is on disk before the next one starts."""

    @abstractmethod
    def run_many(self, count: int, steps: int) -> None:
        """Start this many runs at once, and return when all have ended."""

    @abstractmethod
    def close(self) -> None:
        """Release everything."""


def main(peer: type[Peer]) -> None:
    """Measure the task named on the command line; print {figures, limits} of its rounds as JSON."""
    work = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        opened = peer(Path(folder), {"W1": (CHAIN,), "W3": (SHORT,), "W4": (COLD,)}[work])
        try:
            sys.stdout.write(f"{json.dumps(_figures(opened, work, Path(folder)))}\n")
        finally:
            opened.close()


def _figures(peer: Peer, work: str, folder: Path) -> dict[str, list[float]]:
    if work == "W4":  # the whole process is measured from outside
        peer.run(COLD)
        return {}
    if work == "W1":
        peer.run(CHAIN)  # warm-up
        commits = _Commits(folder / "limit.db")
        pairs = [(_seconds(lambda: peer.run(CHAIN)), commits.seconds()) for _ in range(ROUNDS)]
        return _rounds([(1000 * figure / CHAIN, 1000 * limit / CHAIN) for figure, limit in pairs])
    peer.run_many(RUNS // 10, SHORT)
    pairs = [(_seconds(lambda: peer.run_many(RUNS, SHORT)), _synced_lines(folder / str(n))) for n in range(ROUNDS)]
    return _rounds([(RUNS / figure, RUNS / limit) for figure, limit in pairs])


def _rounds(pairs: list[tuple[float, float]]) -> dict[str, list[float]]:
    return {"figures": [figure for figure, _ in pairs], "limits": [limit for _, limit in pairs]}


def _seconds(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


class _Commits:
    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.execute("CREATE TABLE events (run_id TEXT, number INTEGER, event TEXT)")
        for _ in range(6):  # over 1,000 pages: from then on its write-ahead log is overwritten and no longer grows
            self.seconds()

    def seconds(self) -> float:
        """Return the duration of one synced transaction per step."""
        began = time.perf_counter()
        for number in range(CHAIN):
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute("INSERT INTO events VALUES (?, ?, ?)", ("run", number, _EVENT))
            self._connection.execute("COMMIT")
        return time.perf_counter() - began


def _synced_lines(folder: Path) -> float:
    folder.mkdir()
    line = _EVENT.encode() + b"\n"
    began = time.perf_counter()
    for number in range(RUNS):
        handle = os.open(folder / f"{number}.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for _ in range(SHORT):
            os.write(handle, line)
            os.fdatasync(handle)
        os.close(handle)
    return time.perf_counter() - began
