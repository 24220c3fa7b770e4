"""Regular maintenance of a server: finish interrupted renames, delete old runs, compact logs and journal."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from engine.base.errors import OrchestraError
from engine.files.log_files import shorten_logs

_log = logging.getLogger(__name__)
_SECONDS = 300.0


class Upkeep:
    """A thread that does each piece of work at startup, and then every given number of five-minute rounds."""

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
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """Start no more work, and wait briefly for work in progress."""
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
