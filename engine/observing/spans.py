"""Spans of OpenTelemetry, sent by OTLP over HTTP. Needs the extra `traces`."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import Span as OtelSpan
from opentelemetry.trace import SpanKind, Status, StatusCode

_FAILED = "failed"
_CLOSE_SECONDS = 2.0


class Spans:
    """Makes spans without any value of a run: only names, statuses and types of errors."""

    def __init__(self, environment: Mapping[str, str], owner: str) -> None:
        self._ids = _RunIds()
        is_named = "OTEL_SERVICE_NAME" in environment or "service.name=" in environment.get(
            "OTEL_RESOURCE_ATTRIBUTES", ""
        )
        named = {} if is_named else {"service.name": "ai-orchestra"}
        resource = Resource.create({**named, "service.instance.id": owner})
        self._provider = TracerProvider(resource=resource, id_generator=self._ids, shutdown_on_exit=False)
        self._exporter = OTLPSpanExporter()
        self._provider.add_span_processor(BatchSpanProcessor(self._exporter))
        self._tracer = self._provider.get_tracer("ai-orchestra")

    @contextmanager
    def run(self, run_id: str, workflow: str, parent_run_id: str | None) -> Iterator[_Span]:
        """Trace the work on a run."""
        told = {"orchestra.run_id": run_id, "orchestra.workflow": workflow}
        if parent_run_id is not None:
            told["orchestra.parent_run_id"] = parent_run_id
        self._ids.next_trace_id = trace_id_of(run_id)
        with self._tracer.start_as_current_span(
            f"run {workflow}",
            context=Context(),  # whoever started the run does not wait for it
            attributes=told,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            yield _Span(span)

    @contextmanager
    def step(self, uses: str, path: str, *, is_remote: bool) -> Iterator[_Span]:
        """Trace a call of a step type."""
        with self._tracer.start_as_current_span(
            uses,
            kind=SpanKind.CLIENT if is_remote else SpanKind.INTERNAL,
            attributes={"orchestra.step": path, "orchestra.step_type": uses},
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            yield _Span(span)

    def close(self) -> None:
        """Send what is left, in two seconds at most: the library would try for longer."""
        end = threading.Timer(_CLOSE_SECONDS, self._exporter.shutdown)
        end.start()
        self._provider.shutdown()
        end.cancel()
        end.join()


class _Span:
    """A span that is open."""

    def __init__(self, span: OtelSpan) -> None:
        self._span = span

    def ended(self, status: str, error_type: str = "") -> None:
        """Note how it ended."""
        self._span.set_attribute("orchestra.status", status)
        if status == _FAILED:
            self._span.set_status(Status(StatusCode.ERROR, error_type or None))
            if error_type:
                self._span.set_attribute("error.type", error_type)


class _RunIds(RandomIdGenerator):
    """Gives all spans of a run one trace id, whichever process works on it."""

    next_trace_id = 0

    def generate_trace_id(self) -> int:
        """Return the id of the trace that begins; called by `run` alone."""
        return self.next_trace_id


def trace_id_of(run_id: str) -> int:
    """Return the trace id of a run: the first 16 bytes of the SHA-256 of its id."""
    return int.from_bytes(hashlib.sha256(run_id.encode()).digest()[:16], "big")
