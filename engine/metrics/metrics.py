"""The `metrics` facet: what Prometheus reads (docs/observability.md)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder

from engine.metrics.process import ProcessFigures
from engine.metrics.workspace import Sources, WorkspaceFigures
from engine.observing.tally import Tally
from engine.people.access import Principal, require


class Page(NamedTuple):
    """All metrics as text, and its media type."""

    content: bytes
    media_type: str


class Metrics:
    """Figures of the workspace, and of this process since it started."""

    def __init__(self, sources: Sources, tally: Tally, silent_seconds: Callable[[], float]) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        for collector in (WorkspaceFigures(sources), ProcessFigures(tally, silent_seconds)):
            self._registry.register(collector)
        ProcessCollector(registry=self._registry)  # processor time, memory, open files

    def page(self, p: Principal, accept: str = "") -> Page:
        """Return all metrics in the format that fits a header `Accept`. Raises NotAllowed."""
        require(p, "view", "read metrics")
        encoder, media_type = choose_encoder(accept)
        return Page(encoder(self._registry), media_type)
