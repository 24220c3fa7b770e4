"""What happened in this process since it started, as metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client import Metric
from prometheus_client.registry import Collector

from engine.base.statuses import ENDED_RUNS
from engine.metrics.families import counter, gauge, histogram
from engine.observing.tally import Tally

_TYPE = ("step_type",)


class ProcessFigures(Collector):
    """Made from a tally; `silent_seconds` returns how long the engine's loop has not run."""

    def __init__(self, tally: Tally, silent_seconds: Callable[[], float]) -> None:
        self._tally, self._silent_seconds = tally, silent_seconds

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        yield from self._runs()
        yield from self._steps()
        yield from self._requests()
        late, silent = {(): self._tally.late_seconds}, {(): self._silent_seconds()}
        yield histogram("loop_delay_seconds", "How late the engine's event loop ran what was due.", (), late)
        yield gauge("loop_silent_seconds", "Time since the engine's event loop last ran a poll.", (), silent)

    def _runs(self) -> Iterator[Metric]:
        tally = self._tally
        resumed = {(by,): tally.resumed_runs[by] for by in ("engine", "person")}
        ended = {(status.value,): tally.ended_runs[status] for status in ENDED_RUNS}
        claims = {(): tally.taken_up_runs}
        yield counter("claims", "Runs that this process took up from its queue, new or to go on.", (), claims)
        yield counter("runs_begun", "Runs that began.", (), {(): tally.begun_runs})
        yield counter("runs_resumed", "Runs that went on after a wait, a restart or a takeover.", ("by",), resumed)
        yield counter("runs_ended", "Runs that ended.", ("status",), ended)
        yield counter("runs_adopted", "Runs taken over from processes that died or hung.", (), {(): tally.adopted_runs})
        yield counter("fenced", "Times that another process took over the runs of this one.", (), {(): tally.takeovers})

    def _steps(self) -> Iterator[Metric]:
        tally = self._tally
        calls = {(uses, _outcome(is_good)): count for (uses, is_good), count in tally.calls.copy().items()}
        seconds = {(uses,): one for uses, one in tally.call_seconds.copy().items()}
        attempts = {(uses,): count for uses, count in tally.failed_attempts.copy().items()}
        yield counter("step_calls", "Calls of steps that ended.", ("step_type", "outcome"), calls)
        yield histogram("step_duration_seconds", "How long calls of steps took, with all attempts.", _TYPE, seconds)
        yield counter("step_failed_attempts", "Failed attempts at calls of steps.", _TYPE, attempts)

    def _requests(self) -> Iterator[Metric]:
        tally = self._tally.requests
        counts = {(method, route, str(status)): count for (method, route, status), count in tally.counts.copy().items()}
        flying, labels = {(): tally.in_flight}, ("method", "route")
        yield counter("http_requests", "Requests that ended.", (*labels, "status"), counts)
        seconds = tally.seconds.copy()
        yield histogram("http_request_duration_seconds", "How long requests took.", labels, seconds)
        yield gauge("http_requests_in_flight", "Requests that are being answered.", (), flying)


def _outcome(is_good: bool) -> str:  # noqa: FBT001 - as the tally has it
    return "succeeded" if is_good else "failed"
