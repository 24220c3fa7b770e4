"""The result of a benchmark: our figure, the limit (the least that could do the same), and the goal for their ratio."""

from __future__ import annotations

import importlib
import statistics
from collections.abc import Sequence
from typing import Any

ROUNDS = 5


def measured(module: str) -> dict[str, Any]:
    """Return the figures of the benchmark in a module."""
    figures: dict[str, Any] = importlib.import_module(module).measure()
    return figures


def beside(ours: Sequence[float], limits: Sequence[float], goal: float, unit: str) -> dict[str, Any]:
    """Return the medians of figures that were measured in turn; `ratio` and `goal` are in units of the limit."""
    our, limit = statistics.median(ours), statistics.median(limits)
    return {"ours": _short(our), "limit": _short(limit), "ratio": _short(our / limit), "goal": goal, "unit": unit}


def absolute(ours: Sequence[float], goal: float, unit: str) -> dict[str, Any]:
    """Return the median of figures that are compared with a fixed goal."""
    our = statistics.median(ours)
    return {"ours": _short(our), "limit": goal, "ratio": _short(our / goal), "goal": goal, "unit": unit}


def _short(figure: float) -> float:
    return float(f"{figure:.4g}")
