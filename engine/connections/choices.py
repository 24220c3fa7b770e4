"""What accounts offer for a field to name: remembered for a minute, so that forms do not keep asking the services."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress

from msgspec import Struct, field

from clients.errors import ServiceError
from engine.base.errors import OrchestraError, TooManyRequests
from engine.connections.accounts import Account

_KEPT_SECONDS, _REFUSED_SECONDS = 60.0, 5.0
"""How long an answer counts, and how long it counts that there was none: somebody may be mending the account."""
_MOST_ASKED, _PERIOD_SECONDS = 30, 60.0
"""How often one person may make accounts be asked."""

_Key = tuple[str, str]


class _Answer(Struct):
    """What an account has answered last, for one format."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    account: Account | None = None
    choices: Sequence[str] = ()
    until: float = 0.0


class KnownChoices:
    """The answers of accounts; thread-safe. Many who ask for the same at once wait for one answer."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._answers: dict[_Key, _Answer] = {}
        self._asked: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def of(self, person: str, account: Account, form: str, ask: Callable[[], Sequence[str]]) -> list[str]:
        """Return the choices of an account for a format, [] if `ask` raises. Raises TooManyRequests."""
        with self._lock:
            answer = self._answers.setdefault((account.connection, form), _Answer())
        with answer.lock:
            if answer.account is not account or self._clock() >= answer.until:
                self._count(person)
                answer.account, answer.choices, lasts = account, (), _REFUSED_SECONDS
                with suppress(OrchestraError, ServiceError):  # then there are no choices, for some seconds
                    answer.choices, lasts = ask(), _KEPT_SECONDS
                answer.until = self._clock() + lasts
            return list(answer.choices)

    def _count(self, person: str) -> None:
        now = self._clock()
        with self._lock:
            for other, times in list(self._asked.items()):
                while times and now - times[0] >= _PERIOD_SECONDS:
                    times.popleft()
                if not times:  # who no longer asks takes no memory
                    del self._asked[other]
            times = self._asked.setdefault(person, deque())
            if len(times) >= _MOST_ASKED:
                raise TooManyRequests(
                    f"You have asked accounts for their choices {_MOST_ASKED} times within a minute.",
                    retry_after_seconds=int(times[0] + _PERIOD_SECONDS - now) + 1,
                )
            times.append(now)
