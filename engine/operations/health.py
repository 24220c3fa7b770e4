"""Health checks of the workspace: run on demand, and answered in time even if a check hangs."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct, field

from engine.base.errors import OrchestraError

_FRESH_SECONDS = 0.5
_ANSWER_SECONDS = 3.5
_ABSOLUTE_PATH = re.compile(r"(?<![\w.])/[^\s:,;()]+")

Status = Literal["ok", "degraded", "failing"]


@dataclass(frozen=True)
class Reason:
    """Why something cannot be done, and what to do about it. `check`: the name of the check."""

    check: str
    message: str
    remedy: str

    def without_paths(self, root: Path) -> Reason:
        """Return a copy that is safe to publish: without the paths of this machine."""
        return Reason(self.check, _without_paths(self.message, root), _without_paths(self.remedy, root))


class Health(Struct, frozen=True):
    """The result. `failing`: requests would fail; `degraded`: they work, but somebody needs to act."""

    status: Status
    reasons: tuple[Reason, ...] = ()
    counts: Mapping[str, Any] = field(default_factory=dict)


class HealthCheck:
    """Runs each check in its own thread, one round at a time; requests in quick succession share a round.

    `checks` raise OrchestraError; `degraded` returns what somebody has to decide, or None.
    """

    def __init__(
        self,
        checks: Mapping[str, Callable[[], object]],
        degraded: Callable[[], Reason | None],
        counts: Callable[[], Mapping[str, Any]],
    ) -> None:
        self._checks, self._degraded, self._counts = checks, degraded, counts
        self._lock = threading.Lock()
        self._look: Future[Health] | None = None
        self._began_at = self._ended_at = 0.0
        self._at = ""

    def begin(self) -> Future[Health]:
        """Return the round that is running or has just ended, else start one."""
        with self._lock:
            now = time.monotonic()
            if self._look is None or (self._look.done() and now - self._ended_at > _FRESH_SECONDS):
                self._look, self._began_at = Future(), now
                threading.Thread(target=self._work, args=(self._look,), name="health", daemon=True).start()
            return self._look

    def seconds_left(self) -> float:
        """Return how long the running round may still take."""
        return max(0.0, self._began_at + _ANSWER_SECONDS - time.monotonic())

    def late(self) -> Health:
        """Return the result to report if a round does not finish in time."""
        seconds = time.monotonic() - self._began_at
        message = f"The check of the {self._at} has not come back for {seconds:.0f} s."
        remedy = "A disk that hangs, or another process that keeps the state file locked: look for it, and end it."
        if self._at == "engine":
            remedy = "It is replaced by itself where `orchestra serve` was used; else restart it."
        return Health("failing", (Reason(self._at, message, remedy),))

    def now(self) -> Health:
        """Run the checks and wait for the result."""
        look = self.begin()
        try:
            return look.result(self.seconds_left())
        except TimeoutError:
            return self.late()

    def _work(self, look: Future[Health]) -> None:
        try:
            found = self._found()
        except BaseException as error:  # noqa: BLE001 - raised again in the waiting caller
            self._ended_at = time.monotonic()
            look.set_exception(error)
        else:
            self._ended_at = time.monotonic()
            look.set_result(found)

    def _found(self) -> Health:
        reasons = []
        for name, check in self._checks.items():
            self._at = name
            try:
                check()
            except OrchestraError as error:
                reasons.append(Reason(name, error.message, error.remedy))
        if reasons:
            return Health("failing", tuple(reasons))
        try:
            held = self._degraded()
            counts = self._counts()
        except OrchestraError as error:
            return Health("failing", (Reason(self._at, error.message, error.remedy),))
        return Health("ok" if held is None else "degraded", () if held is None else (held,), counts)


def _without_paths(text: str, root: Path) -> str:
    return _ABSOLUTE_PATH.sub("a file", text.replace(f"{root}/", "").replace(str(root), "the workspace"))
