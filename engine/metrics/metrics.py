"""The `metrics` area: what Prometheus reads (docs/observability.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from typing import NamedTuple

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from engine.base.threads import shared_property
from engine.metrics.process import ProcessFigures
from engine.metrics.workspace import MetricSources, WorkspaceFigures
from engine.observing.tally import Tally
from engine.people.access import Principal
from engine.people.operation import operation


class MetricsPage(NamedTuple):
    """All metrics as text, and its media type."""

    content: bytes
    media_type: str


class Metrics:
    """Figures of the workspace, and of this process since it started."""

    def __init__(self, sources: Callable[[], MetricSources], tally: Tally, silent_seconds: Callable[[], float]) -> None:
        self._sources, self._tally, self._silent_seconds = sources, tally, silent_seconds

    @operation("metrics.read", "view", "read metrics", "Read the metrics")
    def page(self, p: Principal, accept: str = "") -> MetricsPage:
        """Return all metrics in the format that fits a header `Accept`. Raises NotAllowed."""
        return _page(self._all, p, accept)

    @operation("metrics.read_process", "view", "read metrics", "Read the metrics of the process")
    def process_page(self, p: Principal, accept: str = "") -> MetricsPage:
        """Return only the figures of this process: the workspace's own cost queries, and a server has them already."""
        return _page(self._own, p, accept)

    @shared_property
    def _all(self) -> CollectorRegistry:
        return self._registry(WorkspaceFigures(self._sources()))

    @shared_property
    def _own(self) -> CollectorRegistry:
        return self._registry()

    def _registry(self, *collectors: Collector) -> CollectorRegistry:
        registry = CollectorRegistry(auto_describe=False)  # True would collect everything once, only to register it
        for one in (*collectors, ProcessFigures(self._tally, self._silent_seconds)):
            registry.register(one)
        ProcessCollector(registry=registry)  # processor time, memory, open files
        return registry


class _ShownFigures:
    """The figures of a registry, except for workflows that a person may not see."""

    def __init__(self, registry: CollectorRegistry, p: Principal) -> None:
        self._registry, self._p = registry, p

    def collect(self) -> Iterator[Metric]:
        """Yield the families of figures."""
        for family in self._registry.collect():
            shown = copy(family)  # others get the same family within a second
            shown.samples = [one for one in family.samples if self._p.sees(one.labels.get("workflow", ""))]
            yield shown


def _page(registry: CollectorRegistry, p: Principal, accept: str) -> MetricsPage:
    encoder, media_type = choose_encoder(accept)
    return MetricsPage(encoder(_ShownFigures(registry, p)), media_type)
