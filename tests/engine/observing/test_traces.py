"""Traces reach a real receiver of OTLP over HTTP: a span for the work on each run and for each call of a step."""

from __future__ import annotations

import hashlib
import logging
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from engine.observing.traces import tracer_of
from engine.orchestra import Orchestra
from tests.engine.conftest import OWNER, Service, get_step, set_step, write_workflow
from tests.patience import PATIENCE_SECONDS


@dataclass
class Receiver:
    """What was sent."""

    requests: list[ExportTraceServiceRequest] = field(default_factory=list)
    paths: set[str] = field(default_factory=set)
    bodies: bytes = b""

    def spans(self) -> list[Span]:
        return [span for one in self.requests for r in one.resource_spans for s in r.scope_spans for span in s.spans]

    def resource(self) -> dict[str, str]:
        [first, *_] = self.requests[0].resource_spans
        return {one.key: one.value.string_value for one in first.resource.attributes}


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """A receiver that the environment names."""
    state = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            state.requests.append(ExportTraceServiceRequest.FromString(body))
            state.paths.add(self.path)
            state.bodies += body
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    yield state
    server.shutdown()
    server.server_close()


def told(span: Span) -> dict[str, str]:
    return {one.key: one.value.string_value for one in span.attributes}


def test_a_run_is_a_trace_of_its_calls(receiver: Receiver, root: Path, service: Service) -> None:
    service.answers["/secret-path"] = [400]
    each = {"id": "each", "foreach": "{{ [1, 2] }}", "as": "n", "key": "{{ string(n) }}", "parallel": 2}
    steps = [set_step("one"), {**each, "steps": [get_step("good", service.url("/a"))]}]
    write_workflow(root, "work", [*steps, get_step("bad", service.url("/secret-path"))])
    orchestra = Orchestra.open(root)
    run_id = orchestra.runs.start(OWNER, "work", {})
    assert orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == "failed"
    owner = orchestra._families.work.worker.owner.id
    orchestra.close()  # sends what is left
    spans = receiver.spans()
    assert receiver.paths == {"/v1/traces"}
    assert receiver.resource()["service.name"] == "ai-orchestra"
    assert receiver.resource()["service.instance.id"] == owner
    assert {span.trace_id for span in spans} == {hashlib.sha256(run_id.encode()).digest()[:16]}
    [run] = [span for span in spans if span.name == "run work"]
    steps_of = {told(span)["orchestra.step"]: span for span in spans if span is not run}
    assert set(steps_of) == {"one", "each[0].good", "each[1].good", "bad"}
    assert run.parent_span_id == b""
    assert {span.parent_span_id for span in steps_of.values()} == {run.span_id}
    assert told(run) == {"orchestra.run_id": run_id, "orchestra.workflow": "work", "orchestra.status": "failed"}
    assert (run.status.code, steps_of["bad"].status.code) == (Status.STATUS_CODE_ERROR, Status.STATUS_CODE_ERROR)
    assert told(steps_of["bad"])["error.type"] == steps_of["bad"].status.message == "InvalidRequest"
    assert told(steps_of["one"])["orchestra.status"] == "succeeded"
    assert (steps_of["one"].kind, steps_of["bad"].kind) == (Span.SPAN_KIND_INTERNAL, Span.SPAN_KIND_CLIENT)
    assert all(span.start_time_unix_nano < span.end_time_unix_nano for span in spans)
    assert b"secret-path" not in receiver.bodies


def test_a_run_that_goes_on_in_another_process_is_the_same_trace(
    receiver: Receiver, root: Path, service: Service
) -> None:
    service.answers["/a"] = [400]
    write_workflow(root, "work", [get_step("one", service.url("/a"))])
    first = Orchestra.open(root)
    run_id = first.runs.start(OWNER, "work", {})
    first.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    first.close()
    second = Orchestra.open(root)
    second.runs.resume(OWNER, run_id)
    assert second.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == "succeeded"
    second.close()
    runs = [span for span in receiver.spans() if span.name == "run work"]
    assert [told(span)["orchestra.status"] for span in runs] == ["failed", "succeeded"]
    assert len({span.trace_id for span in runs}) == 1


@pytest.mark.parametrize(
    "environment",
    [
        pytest.param({}, id="nothing said"),
        pytest.param({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_SDK_DISABLED": "true"}, id="disabled"),
        pytest.param({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_TRACES_EXPORTER": "none"}, id="none"),
    ],
)
def test_without_a_receiver_nothing_is_traced(environment: dict[str, str]) -> None:
    assert tracer_of(environment, "me") is None


def test_without_the_extra_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delitem(sys.modules, "engine.observing.spans", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with caplog.at_level(logging.WARNING):
        assert tracer_of({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}, "me") is None
    assert "pip install 'ai-orchestra[traces]'" in caplog.text


def test_a_receiver_that_is_gone_costs_a_run_nothing(
    root: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    write_workflow(root, "work", [set_step("one")])
    orchestra = Orchestra.open(root)
    run_id = orchestra.runs.start(OWNER, "work", {})
    assert orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == "succeeded"
    orchestra.close()
    assert "127.0.0.1" in caplog.text, "the library says that nothing was sent"
