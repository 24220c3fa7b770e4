"""What a server that stays on for months does now and then: cut renames end, old runs go, logs and journal shrink."""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

from engine.errors import OrchestraError

_log = logging.getLogger(__name__)
_SECONDS = 300.0
_LARGEST_LOG_BYTES = 5 * 1024 * 1024


class Upkeep:
    """A thread that does each piece of work at the start, and again after so many rounds of five minutes."""

    def __init__(
        self,
        state_dir: Path,
        prune: Callable[[], object],
        shrink: Callable[[], object],
        end_renames: Callable[[], object],
    ) -> None:
        self._work = ((end_renames, 1), (prune, 12), (shrink, 1), (lambda: shorten_logs(state_dir), 1))
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="upkeep", daemon=True)

    def start(self) -> None:
        """Begin, in a thread of its own."""
        self._thread.start()

    def close(self) -> None:
        """Begin nothing more, and wait for what is at work, a little."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def _run(self) -> None:
        rounds = 0
        while not self._stopped.is_set():
            for work, every in self._work:
                if rounds % every == 0 and not self._stopped.is_set():
                    _try(work)
            rounds += 1
            self._stopped.wait(_SECONDS)


def _try(work: Callable[[], object]) -> None:
    try:
        work()
    except OrchestraError as error:
        _log.error("%s %s", error, error.remedy)
    except Exception:  # noqa: BLE001 - tried again next time
        _log.exception("upkeep broke down")


def shorten_logs(folder: Path) -> None:
    """Move what stands in a large `*.log` aside to `*.log.1`; those who have it open go on at its new beginning.

    A line that is written in that very moment may be lost: these logs are for people, runs have their own.
    """
    for path in folder.glob("*.log"):
        if path.stat().st_size > _LARGEST_LOG_BYTES:
            shutil.copyfile(path, path.with_name(f"{path.name}.1"))
            with path.open("r+b") as log:
                log.truncate(0)
