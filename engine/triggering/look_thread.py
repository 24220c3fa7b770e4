"""A thread of the server that looks for something again and again."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

from engine.base.errors import OrchestraError

_log = logging.getLogger(__name__)
_TICK_SECONDS = 2.0
_CLOSE_SECONDS = 5.0


class LookThread:
    """Calls each of `looks` every two seconds, in the one server that `leads` all that share the state.

    `name`: what they look for.
    """

    def __init__(self, name: str, looks: Sequence[Callable[[], None]], leads: Callable[[], bool]) -> None:
        self._name, self._looks, self._leads = name, looks, leads
        self._errors: dict[Callable[[], None], str] = {}
        """The last one of each look, which is logged once."""
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def is_stopped(self) -> bool:
        """Whether nothing more is to be done."""
        return self._stopped.is_set()

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """Look for nothing more, and wait briefly for a look in progress."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout=_CLOSE_SECONDS)

    def _run(self) -> None:
        while not self._stopped.is_set():
            for look in self._looks if self._leads() else ():
                self._guarded(look)
            self._stopped.wait(_TICK_SECONDS)

    def _guarded(self, look: Callable[[], None]) -> None:
        try:
            look()
        except OrchestraError as error:  # tried again next time
            if self._errors.get(look) != str(error):
                _log.error("%s could not be looked for: %s", self._name, error)
            self._errors[look] = str(error)
        except Exception:  # noqa: BLE001 - as above
            _log.exception("%s could not be looked for", self._name)
        else:
            self._errors.pop(look, None)
