"""The `retry` of a step: which errors it may name."""

from __future__ import annotations

from clients import errors as of_services
from engine import errors as of_engine
from engine.compiler.model import StepModel
from engine.compiler.plan import Retry
from engine.compiler.report import Report
from engine.expressions.wording import did_you_mean
from engine.workspace.jsonfile import JsonPath

RETRIED = frozenset(
    name
    for name, kind in vars(of_services).items()
    if isinstance(kind, type) and issubclass(kind, of_services.ServiceError)
) | {"Forbidden"}  # of clients/sockets.py, which is slow to import
"""Errors of a call: those that another attempt may follow."""
_OTHERS = frozenset(
    name for name, kind in vars(of_engine).items() if isinstance(kind, type) and issubclass(kind, Exception)
)


def check_retry(path: JsonPath, step: StepModel, report: Report) -> Retry | None:
    """Return how often a step is tried; names in `on` that no error has go to the report."""
    if step.retry is None:
        return None
    for place, name in enumerate(step.retry.on):
        if name not in RETRIED | _OTHERS:
            message = f"There is no error type {name!r}."
            remedy = did_you_mean(name, sorted(RETRIED))
            report.add((*path, "retry", "on", place), message, "unknown_error", remedy)
    return Retry(step.retry.attempts, step.retry.backoff_seconds, frozenset(step.retry.on))
