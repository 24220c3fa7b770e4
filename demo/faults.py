"""Fault injection: makes the next matching requests of a stand-in fail as real services do."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "PROPFIND", "MKCOL")
CHOICES = ("before_effect", "after_effect")
NUMBERS = ("delay_seconds", "retry_after", "drip", "until_seconds", "chance")


@dataclass(frozen=True)
class InjectedFault:
    """A failure, the requests it applies to, and how often.

    `match` is empty (every request), a method, a part of path and query, or both ("POST /v1/pages").
    `status` and `body` (raw text) replace the answer; `drip` is the pause in seconds between two bytes of it;
    `cut` closes the connection without one. With `before_effect` the fault strikes before the service has done what was
    asked (a client that gives up during the delay has caused nothing); with `after_effect`, afterwards. `until_seconds`
    makes it last that long, instead of `times`; `chance` is its probability for each matching request.
    """

    match: str = ""
    times: int = 1
    status: int | None = None
    retry_after: float | None = None
    delay_seconds: float = 0
    drip: float | None = None
    cut: bool = False
    when: Literal["before_effect", "after_effect"] = "before_effect"
    body: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    until_seconds: float | None = None
    chance: float = 1.0

    @classmethod
    def parse(cls, document: object) -> InjectedFault:
        """Parse a fault from JSON; raises ValueError with the reason."""
        if not isinstance(document, dict):
            raise ValueError("a fault is a JSON object")
        known = [each.name for each in fields(cls)]
        if unknown := sorted(set(document) - set(known)):
            raise ValueError(f"unknown field {unknown[0]!r}; there are {', '.join(known)}")
        values = {name: value for name, value in document.items() if value is not None}
        for name, value in values.items():
            _check(name, value)
        if "retry_after" in values:
            # A wait alone means a rate limit, the most frequent case.
            values.setdefault("status", 429)
        return cls(**values)

    @property
    def replaces_answer(self) -> bool:
        """Whether the client receives something other than the service's own answer."""
        return self.cut or self.status is not None or self.body is not None

    def fits(self, method: str, target: str) -> bool:
        """Return whether it applies to a request with this method, path and query."""
        first, _, rest = self.match.strip().partition(" ")
        if first.upper() in METHODS:
            return first.upper() == method and rest.strip() in target
        return self.match.strip() in target


def _check(name: str, value: Any) -> None:
    """Reject a value of the wrong type or range."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if name in NUMBERS:
        ok = number and 0 <= value < 100_000
    elif name == "headers":
        ok = isinstance(value, dict) and all(isinstance(text, str) for text in value.values())
    else:
        ok = {
            "times": number and isinstance(value, int) and value >= 1,
            "status": number and isinstance(value, int) and 200 <= value <= 599,
            "cut": isinstance(value, bool),
            "when": value in CHOICES,
        }.get(name, isinstance(value, str))
    if not ok:
        raise ValueError(f"{name!r} cannot be {value!r}")


@dataclass
class _Armed:
    fault: InjectedFault
    left: int
    ends_at: float | None
    generation: int


class FaultSwitch:
    """The faults of one service, in the order they were set; kept in memory only.

    `generation` numbers the sample data: another process may reset it, and a fault applies only to the data that it was
    set on.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, generation: Callable[[], int] = lambda: 0) -> None:
        self._clock, self._generation = clock, generation
        self._armed: list[_Armed] = []

    def set(self, fault: InjectedFault) -> None:
        """Activate a fault."""
        ends_at = None if fault.until_seconds is None else self._clock() + fault.until_seconds
        self._armed.append(_Armed(fault, fault.times, ends_at, self._generation()))

    def clear(self) -> None:
        """Remove all faults."""
        self._armed.clear()

    def take(self, method: str, target: str) -> InjectedFault | None:
        """Return the fault for this request, if any, and count it as used."""
        if not self._armed:
            return None
        now, generation = self._clock(), self._generation()
        self._armed = [
            each
            for each in self._armed
            if each.generation == generation and (each.ends_at is None or each.ends_at > now)
        ]
        for armed in self._armed:
            if armed.fault.fits(method, target) and random.random() < armed.fault.chance:  # noqa: S311 - no secret
                if armed.ends_at is None:
                    armed.left -= 1
                    self._armed = [each for each in self._armed if each.left > 0]
                return armed.fault
        return None
