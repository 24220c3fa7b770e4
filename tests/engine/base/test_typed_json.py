"""Threads that read the same types for the first time at once, as after the start of a server."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

from engine.record import events
from engine.record.types.run_form import is_run

PROCESSES = 20
_THREADS = 4
_EVENT = '{"type": "run_interrupted", "at": "2026-11-29T12:00:00.000Z"}'


def _read() -> None:
    is_run({"schema_version": 1}, [])
    events.decoded(_EVENT)


def _read_by_threads() -> None:
    """Read in several threads that take turns as often as possible, then end this process."""
    sys.setswitchinterval(1e-6)
    start = threading.Barrier(_THREADS)

    def read() -> None:
        start.wait()
        _read()

    threads = [threading.Thread(target=read) for _ in range(_THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    os._exit(0)


def test_threads_that_read_a_type_for_the_first_time_do_not_crash_the_process() -> None:
    """Each of the processes is forked before anything is read."""
    script = f"from {__name__} import fork_readers; fork_readers()"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def fork_readers() -> None:
    """Fork one process after the other; exit with the status of the first that did not end well."""
    for _ in range(PROCESSES):
        if (child := os.fork()) == 0:
            _read_by_threads()
        if status := os.waitpid(child, 0)[1]:
            os._exit(status & 0x7F or 1)
    os._exit(0)
