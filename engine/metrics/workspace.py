"""The state of the workspace as metrics: every process of the workspace reports the same."""

from __future__ import annotations

import heapq
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from prometheus_client import Metric
from prometheus_client.registry import Collector

from engine.base.clock import Clock, moment_of
from engine.base.errors import OrchestraError
from engine.base.statuses import OPEN_RUNS
from engine.budgets.prices import usd
from engine.connections.account_notices import AccountNotice
from engine.metrics.families import Labels, counter, gauge
from engine.people.access import Principal
from engine.runs.budgets import Budgets
from engine.store.load import Loads
from engine.store.owners import OwnerRecord

if TYPE_CHECKING:
    from engine.triggering.triggers import Triggers

MOST_SERIES = 500
"""How many triggers and budgets are listed, highest values first."""
_FRESH_SECONDS = 1.0
_KINDS = ("serve", "worker", "cli")
_READER = Principal("metrics", "viewer")


class MetricSources(Struct, frozen=True):
    """Where the figures come from."""

    loads: Loads
    triggers: Triggers
    budgets: Budgets
    account_notices: Callable[[], Sequence[AccountNotice]]
    folders: Mapping[str, Path]
    """What is on the disks of this machine, such as `workspace`."""
    clock: Clock


class WorkspaceFigures(Collector):
    """Reads the figures on demand, once a second at most; any thread."""

    def __init__(self, sources: MetricSources) -> None:
        self._sources = sources
        self._lock = threading.Lock()
        self._families: list[Metric] = []
        self._read_at = float("-inf")

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics. A part that cannot be read is left out, and said to be."""
        with self._lock:
            if time.monotonic() - self._read_at > _FRESH_SECONDS:
                self._families, self._read_at = list(self._read()), time.monotonic()
            found = self._families
        yield from found

    def _read(self) -> Iterator[Metric]:
        parts: Mapping[str, Callable[[], Iterable[Metric]]] = {
            "load": self._load,
            "triggers": self._triggers,
            "budgets": self._budgets,
            "connections": self._connections,
            "storage": self._storage,
        }
        unreadable: dict[tuple[str], float] = {}
        for name, part in parts.items():
            try:
                yield from list(part())
                unreadable[name,] = 0
            except (OrchestraError, OSError):
                unreadable[name,] = 1
        yield gauge("unreadable", "1 for a part of the metrics that could not be read.", ("part",), unreadable)

    def _load(self) -> Iterator[Metric]:
        load, now = self._sources.loads.now(), self._sources.clock()
        queues = {("ready",): load.ready, ("in_line",): load.in_line}
        runs = {key: one.runs for key, one in queues.items()}
        ages = {key: _age(one.oldest_at, now) for key, one in queues.items()}
        statuses = {(status.value,): load.open_runs.get(status, 0) for status in OPEN_RUNS}
        alive = _alive(load.processes, now)
        yield gauge("queue_runs", "Runs accepted that no process has begun.", ("queue",), runs)
        yield gauge("queue_oldest_seconds", "Age of the oldest run that never began.", ("queue",), ages)
        yield gauge("open_runs", "Runs that have not ended.", ("status",), statuses)
        yield gauge("set_aside_runs", "Runs that took their process down too often.", (), {(): load.set_aside})
        yield gauge("processes", "Processes that may own runs and whose lease is good.", ("kind",), alive)
        calls = {(mode.value,): amount.calls for mode, amount in load.used.items()}
        spent = {(mode.value,): usd(amount.nano_usd) for mode, amount in load.used.items()}
        tokens = {(mode.value, "input"): amount.input_tokens for mode, amount in load.used.items()}
        tokens |= {(mode.value, "output"): amount.output_tokens for mode, amount in load.used.items()}
        yield counter("model_calls", "Answered calls of models.", ("account",), calls)
        yield counter("model_tokens", "Tokens of answered calls.", ("account", "direction"), tokens)
        yield counter("model_usd", "Dollars of answered calls with a known price.", ("account",), spent)

    def _triggers(self) -> Iterator[Metric]:
        area, now = self._sources.triggers, self._sources.clock()
        watched, counts = area.watched(_READER), area.summary()
        lags = {(one.workflow, one.id, one.uses): _age(one.succeeded_at or one.turned_on_at, now) for one in watched}
        states = {("on",): counts["on"], ("silent",): counts["silent"]}
        labels = ("workflow", "trigger", "type")
        yield gauge("triggers", "Triggers that are on, and how many of them miss their polls.", ("state",), states)
        yield gauge("trigger_dead_items", "Items that could not be processed.", (), {(): counts["dead"]})
        yield gauge("trigger_lag_seconds", "Time since the last good poll.", labels, _highest(lags))

    def _budgets(self) -> Iterator[Metric]:
        overview = self._sources.budgets.overview(_READER)
        shares = {(one.workflow or "", one.period): one.share for one in overview.budgets if one.share is not None}
        labels, waiting = ("workflow", "period"), {(): len(overview.paused_runs)}
        yield gauge("budget_used_ratio", "Share of a budget that is used, 1 at the limit.", labels, _highest(shares))
        yield gauge("budget_waiting_runs", "Runs that wait because a budget is used up.", (), waiting)

    def _connections(self) -> Iterator[Metric]:
        refused = {(): len(self._sources.account_notices())}
        yield gauge("refused_connections", "Accounts that refuse calls which workflows need.", (), refused)

    def _storage(self) -> Iterator[Metric]:
        free = {(name,): shutil.disk_usage(folder).free for name, folder in self._sources.folders.items()}
        yield gauge("disk_free_bytes", "Room on the disk that a folder is on.", ("folder",), free)
        yield gauge("state_size_bytes", "Room that the state takes.", (), {(): self._sources.loads.size_bytes()})


def _age(at: str | None, now: datetime) -> float:
    return 0.0 if at is None else max(0.0, (now - moment_of(at)).total_seconds())


def _alive(processes: Sequence[OwnerRecord], now: datetime) -> Mapping[tuple[str], float]:
    counts = dict.fromkeys(_KINDS, 0)
    for one in processes:
        if _age(one.heartbeat_at, now) <= one.lease_seconds:
            counts[one.kind] = counts.get(one.kind, 0) + 1
    return {(kind,): count for kind, count in counts.items()}


def _highest(values: Mapping[Labels, float]) -> Mapping[Labels, float]:
    return dict(heapq.nlargest(MOST_SERIES, values.items(), key=itemgetter(1)))
