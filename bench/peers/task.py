"""What every peer measures, and how it says so; needs nothing but Python, for it runs in their environment."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from pathlib import Path

ROUNDS = 3
CHAIN = 200
RUNS = 500
SHORT = 5
COLD = 3


class Peer(ABC):
    """An engine with chains of steps that do nothing; it is opened on a folder that is empty."""

    def __init__(self, folder: Path, lengths: tuple[int, ...]) -> None:
        self.folder, self.lengths = folder, lengths

    @abstractmethod
    def run(self, steps: int) -> None:
        """Run a chain of so many steps to its end; each step is on disk before the next one starts."""

    @abstractmethod
    def run_many(self, count: int, steps: int) -> None:
        """Start so many runs at once, and return when all have ended."""

    @abstractmethod
    def close(self) -> None:
        """End everything."""


def main(peer: type[Peer]) -> None:
    """Measure the work that the command line names; the figures of its rounds are printed as JSON."""
    work = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        opened = peer(Path(folder), {"W1": (CHAIN,), "W3": (SHORT,), "W4": (COLD,)}[work])
        try:
            sys.stdout.write(f"{json.dumps(_figures(opened, work))}\n")
        finally:
            opened.close()


def _figures(peer: Peer, work: str) -> list[float]:
    if work == "W4":  # the whole process is measured, from outside
        peer.run(COLD)
        return []
    if work == "W1":
        peer.run(CHAIN)  # warm-up
        return [1000 * _seconds(lambda: peer.run(CHAIN)) / CHAIN for _ in range(ROUNDS)]
    peer.run_many(RUNS // 10, SHORT)
    return [RUNS / _seconds(lambda: peer.run_many(RUNS, SHORT)) for _ in range(ROUNDS)]


def _seconds(work: object) -> float:
    assert callable(work)
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
