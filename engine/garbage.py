"""When our processes collect garbage, and give memory back: rarely, since they create almost no reference cycles."""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

_NEW_OBJECTS = 60_000
_ROUNDS = 20
_GROWTH_BYTES = 32 * 1024 * 1024
_BUSY_SECONDS = 5.0
_QUIET_SHARE = 0.1
_STATM = Path("/proc/self/statm")


def look_rarely() -> None:
    """Set high collection thresholds; the programs call this at startup, before their other imports.

    Python's default of 700 new objects slows startup and many short runs by a tenth, and finds nothing.
    """
    gc.set_threshold(_NEW_OBJECTS, _ROUNDS, _ROUNDS)


def look_at_nothing_yet() -> None:
    """Disable collection until `look_from_now_on`: imports create many objects, and all of them stay.

    With the thresholds above, `workflows list` takes a quarter less processor time (1.34 s, not 1.77).
    """
    gc.disable()


def look_from_now_on() -> None:
    """Collect only objects created from now on; if collection was disabled, existing objects are frozen."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


def look_no_more() -> None:
    """Exempt all objects from collection: a process about to exit would look at each of them once more."""
    gc.freeze()


def resident_bytes() -> int:
    """Return the memory of this process in bytes, or its peak if the system does not report the current value."""
    if _STATM.exists():
        return int(_STATM.read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def collect_and_return() -> None:
    """Collect all garbage, and return the memory that glibc holds free to the system: a third of a peak, measured."""
    import ctypes  # only servers need it

    gc.collect()
    libc = ctypes.CDLL(None) if sys.platform.startswith("linux") else None
    if libc is not None and hasattr(libc, "malloc_trim"):
        libc.malloc_trim(0)


class GarbageWatch:
    """Collects all garbage of a serving process when its memory has grown, or when it is idle after a lot of work.

    A full collection stops every thread. Collecting after each script run, Streamlit's default, takes most of the time
    of a page that is redrawn again and again.
    """

    def __init__(
        self,
        memory: Callable[[], int] = resident_bytes,
        collect: Callable[[], object] = collect_and_return,
        processor: Callable[[], float] = time.process_time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._memory, self._collect, self._processor, self._clock = memory, collect, processor, clock
        self._least = memory()
        self._collected = self._looked = processor()
        self._looked_at = clock()

    def look(self) -> bool:
        """Collect if it is time to, and return whether it was. Call it about once a second."""
        self._least = min(self._least, self._memory())
        used, now = self._processor(), self._clock()
        is_quiet = used - self._looked < _QUIET_SHARE * (now - self._looked_at)
        self._looked, self._looked_at = used, now
        has_worked = used - self._collected > _BUSY_SECONDS
        if self._memory() - self._least < _GROWTH_BYTES and not (is_quiet and has_worked):
            return False
        self._collect()
        self._least, self._collected = self._memory(), self._processor()
        return True
