"""When a serving process collects garbage: memory that grows is taken back, an idle process is left alone."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass

import pytest

from engine.garbage import GarbageWatch
from tests.patience import PATIENCE_SECONDS

_MIB = 1024 * 1024


@dataclass
class Process:
    """A process as its watch sees it."""

    memory: int = 100 * _MIB
    seconds: float = 0.0
    now: float = 0.0
    collections: int = 0

    def collect(self) -> None:
        """Take back what has grown, as a collection of cycles does."""
        self.collections += 1
        self.memory = 100 * _MIB

    def passes(self, watch: GarbageWatch, *, grows: int = 0, works: float = 0.0) -> bool:
        """Let a second pass, then look."""
        self.now += 1.0
        self.memory += grows
        self.seconds += works
        return watch.look()


@pytest.fixture
def process() -> Process:
    return Process()


@pytest.fixture
def watch(process: Process) -> GarbageWatch:
    return GarbageWatch(lambda: process.memory, process.collect, lambda: process.seconds, lambda: process.now)


def test_an_idle_process_never_collects(process: Process, watch: GarbageWatch) -> None:
    assert not any(process.passes(watch, works=0.001) for _ in range(3600))


def test_memory_that_grows_is_taken_back_again_and_again(process: Process, watch: GarbageWatch) -> None:
    for _ in range(100):
        process.passes(watch, grows=4 * _MIB, works=0.9)
        assert process.memory <= 132 * _MIB
    assert process.collections == 12


def test_after_a_lot_of_work_the_next_quiet_second_is_used_once(process: Process, watch: GarbageWatch) -> None:
    assert not any(process.passes(watch, works=0.9) for _ in range(20))
    assert process.passes(watch, works=0.01)
    assert not any(process.passes(watch, works=0.01) for _ in range(60))


def test_growth_counts_from_the_least_memory_there_was(process: Process, watch: GarbageWatch) -> None:
    process.passes(watch, grows=-50 * _MIB)
    assert process.passes(watch, grows=40 * _MIB)


_IN_A_PROCESS_OF_ITS_OWN = f"""
import gc
from engine.garbage import GarbageWatch, resident_bytes

gc.disable()
watch = GarbageWatch()
for _ in range(64):
    cycle = [b"x" * {_MIB}]
    cycle.append(cycle)
grown = resident_bytes()
print(watch.look(), (grown - resident_bytes()) // {_MIB})
"""


def test_a_real_process_takes_back_cycles_that_nothing_else_ends() -> None:
    command = [sys.executable, "-c", _IN_A_PROCESS_OF_ITS_OWN]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=True)
    looked, mib = done.stdout.split()
    assert looked == "True"
    assert int(mib) >= 32
