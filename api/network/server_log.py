"""The log of a serving process: one form for the lines of all modules, and repeated messages are counted."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable

from engine.observing.log_lines import set_level_anew

MOST_ALIKE = 20
"""How many lines of one kind are written per minute."""
_SECONDS = 60.0
_KINDS = 1_000


class ServerLogThrottle(logging.Filter):
    """Lets 20 warnings or errors of a kind through per minute; the first of the next says how many were left out.

    Lines are of one kind if they have the same logger, level and message template.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._lock = threading.Lock()
        self._begun = clock()
        self._counts: dict[tuple[str, int, str], int] = {}
        self._left_out: dict[tuple[str, int, str], int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether to write the record; whoever has set a level below WARNING wants all of its lines."""
        if record.levelno < logging.WARNING:
            return True
        kind = (record.name, record.levelno, str(record.msg)[:200])
        with self._lock:
            self._turn()
            if len(self._counts) >= _KINDS and kind not in self._counts:
                kind = ("", 0, "others")
            count = self._counts[kind] = self._counts.get(kind, 0) + 1
            if count > MOST_ALIKE:
                return False
            left_out = self._left_out.pop(kind, 0)
        if left_out:
            record.msg = f"{record.getMessage()} ({left_out} more like this were left out)"
            record.args = ()
        return True

    def _turn(self) -> None:
        """Begin another minute, if this one is over."""
        now = self._clock()
        if now - self._begun >= _SECONDS:
            self._left_out = {kind: count - MOST_ALIKE for kind, count in self._counts.items() if count > MOST_ALIKE}
            self._begun, self._counts = now, {}


def write_as_one() -> None:
    """Let what Streamlit and uvicorn log be written by the handlers of the root logger, as everything else is.

    Streamlit gives each of its loggers, and uvicorn's, a handler of its own, which neither redacts secrets nor counts
    repeated lines, whenever a module of it is first imported.
    """
    of_streamlit = sys.modules.get("streamlit.logger")
    if of_streamlit is not None:
        vars(of_streamlit)["setup_formatter"] = _lead_to_root
        for logger in list(vars(of_streamlit)["_loggers"].values()):
            _lead_to_root(logger)


def _lead_to_root(logger: logging.Logger) -> None:
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
    logger.propagate = True
    set_level_anew(logger)
