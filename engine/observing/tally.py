"""Counts what happens in this process, in plain numbers: the engine pays for an addition, not for a library."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter

from engine.observing.observer import Observer

CALL_SECONDS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
REQUEST_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
LATE_SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Histogram:
    """How many durations fell into each bucket. `bounds`: the upper end of each but the last, in seconds."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum_seconds = 0.0

    def add(self, seconds: float) -> None:
        """Count a duration."""
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.sum_seconds += seconds


class RequestTally:
    """Requests to this process. Written on the loop of its web server; any thread may read it, as below."""

    def __init__(self) -> None:
        self.in_flight = 0
        self.counts: Counter[tuple[str, str, int]] = Counter()
        """How many, by method, template of the address and status."""
        self.seconds: dict[tuple[str, str], Histogram] = {}
        """How long they took, by method and template of the address."""

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request that has ended."""
        self.counts[method, route, status] += 1
        histogram = self.seconds.get((method, route))
        if histogram is None:
            histogram = self.seconds[method, route] = Histogram(REQUEST_SECONDS)
        histogram.add(seconds)


class Tally(Observer):
    """Written on the engine's loop; any thread may read it, and copies what grows before it goes through it."""

    def __init__(self) -> None:
        self.taken_up_runs = self.begun_runs = self.adopted_runs = self.takeovers = 0
        self.resumed_runs: Counter[str] = Counter()
        """The keys say who asked: `engine` or `person`."""
        self.ended_runs: Counter[str] = Counter()
        """By status."""
        self.failed_attempts: Counter[str] = Counter()
        """By step type."""
        self.calls: Counter[tuple[str, bool]] = Counter()
        """By step type, and whether it succeeded."""
        self.call_seconds: dict[str, Histogram] = {}
        """By step type."""
        self.late_seconds = Histogram(LATE_SECONDS)
        self.requests = RequestTally()

    def taken_up(self) -> None:
        """Count a run that this process begins or continues to work on."""
        self.taken_up_runs += 1

    def begun(self) -> None:
        """Count a run that began."""
        self.begun_runs += 1

    def resumed(self, *, by_person: bool) -> None:
        """Count a run that goes on, by who asked for it."""
        self.resumed_runs["person" if by_person else "engine"] += 1

    def ended(self, status: str) -> None:
        """Count a run that ended, by its status."""
        self.ended_runs[status] += 1

    def adopted(self, runs: int) -> None:
        """Count runs taken over from other processes."""
        self.adopted_runs += runs

    def fenced(self) -> None:
        """Count a takeover of this process's runs by another one."""
        self.takeovers += 1

    def attempt_failed(self, uses: str) -> None:
        """Count a failed attempt, by step type."""
        self.failed_attempts[uses] += 1

    def called(self, uses: str, seconds: float, *, is_good: bool) -> None:
        """Count a call, by step type and success, and how long it took."""
        self.calls[uses, is_good] += 1
        histogram = self.call_seconds.get(uses)
        if histogram is None:
            histogram = self.call_seconds[uses] = Histogram(CALL_SECONDS)
        histogram.add(seconds)

    def late(self, seconds: float) -> None:
        """Count how late the engine's loop did something."""
        self.late_seconds.add(max(0.0, seconds))
