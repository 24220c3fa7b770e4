"""Errors as recorded in runs: one JSON form for errors of services, of the engine and of steps."""

from __future__ import annotations

from typing import cast

from pydantic import ValidationError

from clients.errors import ServiceError, WriteRefused
from engine.base.errors import OrchestraError, PlanDrift, Rejected
from engine.base.names import file_stem
from engine.base.plain_values import plain_json
from engine.base.wording import kind_of
from engine.documents.shapes import first_fault
from engine.record.types.step import Failure

_LONGEST = 2000  # characters of a message: services may put whole pages into one


class StepFailed(Exception):
    """A step ended without output; carries the error document.

    `goes_on`: the run goes on without the step, whatever its `on_error` says.
    """

    def __init__(self, error: Failure, *, goes_on: bool = False) -> None:
        super().__init__(error["message"])
        self.error, self.goes_on = error, goes_on

    @property
    def is_final(self) -> bool:
        """Whether no `on_error` makes up for it: a plan no longer fits the world, or would have to write.

        Nothing else may run then.
        """
        return self.error["type"] in (PlanDrift.__name__, WriteRefused.__name__)


def failure(error: BaseException, *, workflow: str = "", step: str = "") -> Failure:
    """Return the error document (docs/files.md: Run) of an exception at a step of a workflow."""
    document: Failure = {
        "type": type(error).__name__,
        "message": str(error)[:_LONGEST],
        "file": f"workflows/{file_stem(workflow)}.json" if workflow else None,
        "step": step or None,
        "field": None,
        "value": None,
        "remedy": None,
        "retryable": False,
        "outcome": "not_done",
        "http_status": None,
        "retry_after_seconds": None,
    }
    return cast("Failure", plain_json(_detailed(document, error)))


def document_of(error: StepFailed | OrchestraError, *, workflow: str, step: str) -> Failure:
    """Return the error document of a failed step, or of an error raised at `step` itself."""
    return error.error if isinstance(error, StepFailed) else failure(error, workflow=workflow, step=step)


def _detailed(document: Failure, error: BaseException) -> Failure:
    """Return the error document with what this kind of error knows."""
    if isinstance(error, ServiceError):
        return {
            **document,
            "message": error.message[:_LONGEST],
            "remedy": error.remedy,
            "retryable": error.retryable,
            "outcome": error.outcome,
            "http_status": error.http_status,
            "retry_after_seconds": error.retry_after_seconds,
        }
    if isinstance(error, OrchestraError):
        field = error.details.get("field")
        found: Failure = {
            **document,
            "message": error.message[:_LONGEST],
            "remedy": error.remedy or None,
            "field": field,
        }
        if isinstance(error, Rejected) and error.by:
            found["by"] = error.by
            if error.is_stopped:
                found["stopped"] = True
        return found
    if isinstance(error, ValidationError):
        return _misfitting(document, error)
    # Unforeseen, so a bug of ours. Its text could contain anything: show only its type.
    return {
        **document,
        "type": "InternalError",
        "message": f"The step broke down ({type(error).__name__}).",
        "remedy": "The server's own log has the details; please report it.",
        "outcome": "unknown",
    }


def _misfitting(document: Failure, error: ValidationError) -> Failure:
    """Return the error document of arguments that do not fit."""
    fault, seen = first_fault(error)
    value = seen if isinstance(seen, str | int | float | bool | None) else kind_of(seen)
    return {
        **document,
        "type": "InvalidInput",
        "message": fault.message[:_LONGEST],
        "field": ".".join(map(str, ("with", *fault.path))),
        "value": value[:200] if isinstance(value, str) else value,
        "remedy": "Look at the expression that fills it." + (f" {fault.remedy}" if fault.code == "wrong_value" else ""),
    }
