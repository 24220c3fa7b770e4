"""Traces: off unless the usual variables of OpenTelemetry name a receiver, and nothing is imported until then."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Protocol

from clients.service import install_command

_log = logging.getLogger(__name__)
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


class Span(Protocol):
    """A piece of work that is being traced."""

    def ended(self, status: str, error_type: str = "") -> None:
        """Note how it ended: a status in one word and, if it failed, the type of the error."""


class Tracer(Protocol):
    """Makes spans. Used on the engine's loop."""

    def run(self, run_id: str, workflow: str, parent_run_id: str | None) -> AbstractContextManager[Span]:
        """Trace the work on a run until it ends, waits or is left; all such spans of a run are one trace."""

    def step(self, uses: str, path: str, *, is_remote: bool) -> AbstractContextManager[Span]:
        """Trace a call of a step type; `is_remote`: it calls a service."""

    def close(self) -> None:
        """Send what is left, as far as the receiver answers."""


def tracer_of(environment: Mapping[str, str], owner: str) -> Tracer | None:
    """Return the tracer that the environment asks for, if any. `owner`: the id of this process."""
    is_wanted = any(environment.get(name) for name in _ENDPOINTS)
    is_off = (
        environment.get("OTEL_SDK_DISABLED", "").lower() == "true" or environment.get("OTEL_TRACES_EXPORTER") == "none"
    )
    if not is_wanted or is_off:
        return None
    try:
        from engine.observing.spans import Spans
    except ImportError:
        command = install_command("traces")
        _log.warning("OTEL_EXPORTER_OTLP_ENDPOINT is set, and no traces are sent: %s", command)
        return None
    return Spans(environment, owner)
