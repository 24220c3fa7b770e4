"""Check the `retry` of a step: the error names in it."""

from __future__ import annotations

from clients import errors as of_services
from clients.wording import did_you_mean
from engine.base import errors as of_engine
from engine.compiler.checks.report import Report
from engine.compiler.definition.plan import Retry
from engine.compiler.definition.step_model import StepModel
from engine.documents.json_file import JsonPath

RETRIED = frozenset(
    name
    for name, kind in vars(of_services).items()
    if isinstance(kind, type) and issubclass(kind, of_services.ServiceError)
) | {"Forbidden"}  # of clients/sockets.py, which is slow to import
"""Errors of a call after which another attempt is possible."""
_OTHERS = frozenset(
    name for name, kind in vars(of_engine).items() if isinstance(kind, type) and issubclass(kind, Exception)
)


def check_retry(path: JsonPath, step: StepModel, report: Report) -> Retry | None:
    """Return the retry policy of a step; unknown error names in `on` go to the report."""
    if step.retry is None:
        return None
    for place, name in enumerate(step.retry.on):
        if name not in RETRIED | _OTHERS:
            message = f"There is no error type {name!r}."
            remedy = did_you_mean(name, sorted(RETRIED))
            report.add((*path, "retry", "on", place), message, "unknown_error", remedy)
    return Retry(step.retry.attempts, step.retry.backoff_seconds, frozenset(step.retry.on))
