"""Families of metrics as the library of Prometheus takes them, from plain numbers."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
from typing import TypeVar

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

from engine.observing.tally import Histogram

PREFIX = "orchestra_"
Labels = TypeVar("Labels", bound=tuple[str, ...])
"""The labels of one value."""


def gauge(name: str, said: str, labels: tuple[str, ...], values: Mapping[Labels, float]) -> GaugeMetricFamily:
    """Return a gauge; `said`: what it is, as its help text."""
    family = GaugeMetricFamily(PREFIX + name, said, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def counter(name: str, said: str, labels: tuple[str, ...], values: Mapping[Labels, float]) -> CounterMetricFamily:
    """Return a counter, whose name in queries ends in `_total`."""
    family = CounterMetricFamily(PREFIX + name, said, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def histogram(
    name: str, said: str, labels: tuple[str, ...], values: Mapping[Labels, Histogram]
) -> HistogramMetricFamily:
    """Return a histogram of seconds."""
    family = HistogramMetricFamily(PREFIX + name, said, labels=labels)
    for key, one in values.items():
        bounds = (*map(str, one.bounds), "+Inf")
        family.add_metric(key, list(zip(bounds, accumulate(one.counts), strict=True)), one.sum_seconds)
    return family
