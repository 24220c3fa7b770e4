"""A workspace in a temporary folder, an opened engine on it, and a loopback service that counts and fails on demand."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.engine.record.members import misfits
from tests.patience import PATIENCE_SECONDS

OWNER = Principal("tester", "owner", confirmed=True)
"""Agrees to all that a workflow would touch; what happens without that, `test_consent.py` tells."""


@dataclass
class Service:
    """Answers every request with {path, count}; `answers` scripts statuses, `seconds` delays, `seen` counts."""

    port: int = 0
    seen: Counter[str] = field(default_factory=Counter)
    bodies: list[Any] = field(default_factory=list)
    answers: dict[str, list[int]] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    """What is answered to a path instead."""
    at_once: int = 0
    most_at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def url(self, path: str) -> str:
        """The address of a path."""
        return f"http://127.0.0.1:{self.port}{path}"

    def enter(self, path: str, body: Any) -> int:
        """Count a request; return the status to answer with."""
        with self.lock:
            self.seen[path] += 1
            self.bodies.append(body)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            scripted = self.answers.get(path)
        time.sleep(self.seconds.get(path, 0.0))
        with self.lock:
            self.at_once -= 1
            return scripted.pop(0) if scripted else 200


def _handler(service: Service) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            """Answer."""
            length = int(self.headers.get("content-length") or 0)
            raw = self.rfile.read(length)
            status = service.enter(self.path, json.loads(raw) if raw else None)
            said = service.texts.get(self.path) or json.dumps({"path": self.path, "count": service.seen[self.path]})
            answer = said.encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            for name, value in service.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer)

        do_POST = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Handler


@pytest.fixture
def service() -> Iterator[Service]:
    """A running service."""
    state = Service()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(state))
    server.daemon_threads = True
    state.port = server.server_port
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield state
    server.shutdown()
    server.server_close()


@pytest.fixture
def root(tmp_path: Path, service: Service) -> Path:
    """A workspace whose one connection may reach the service."""
    folder = tmp_path / "workspace"
    for name in ("workflows", "prompts", "logs"):
        (folder / name).mkdir(parents=True)
    config = "approvals:\n  default: never\n"  # else every POST to the service would wait for a person
    config += (
        f"connections:\n  web:\n    service: http\n    allow_hosts: ['127.0.0.1:{service.port}']\n"  # tests add some
    )
    (folder / "config.yaml").write_text(config)
    return folder


@pytest.fixture
def orchestra(root: Path) -> Iterator[Orchestra]:
    """The engine of a command on that workspace."""
    opened = Orchestra.open(root)
    yield opened
    opened.close()


Run = Callable[..., Any]


@pytest.fixture
def run(orchestra: Orchestra, root: Path) -> Run:
    """Run steps (and more of a workflow) to the end; return the run document."""

    def start(steps: list[Mapping[str, Any]], given: Mapping[str, Any] | None = None, **more: Any) -> Any:
        write_workflow(root, "work", steps, **more)
        run_id = orchestra.runs.start(OWNER, "work", given or {})
        document = orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
        assert misfits(document) == []
        return document

    return start


def write_workflow(root: Path, name: str, steps: Sequence[Mapping[str, Any]], **more: Any) -> None:
    """Put a workflow file into a workspace."""
    document = {"schema_version": 1, "title": name, **more, "steps": steps}
    (root / "workflows" / f"{name}.json").write_text(json.dumps(document, indent=2))


def set_step(step_id: str, values: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A step that touches nothing."""
    return {"id": step_id, "uses": "flow.set", "with": {"values": values or {"done": True}}, **more}


def get_step(step_id: str, url: str, **more: Any) -> dict[str, Any]:
    """A step that reads from the service."""
    return {"id": step_id, "uses": "http.request", "connection": "web", "with": {"method": "GET", "url": url}, **more}


def post_step(step_id: str, url: str, **more: Any) -> dict[str, Any]:
    """A step that writes to the service, which cannot be asked whether it arrived."""
    fields = {"method": "POST", "url": url, "json": {"from": step_id}}
    return {"id": step_id, "uses": "http.request", "connection": "web", "with": fields, **more}


def statuses(document: Mapping[str, Any]) -> dict[str, str]:
    """{path: status} of the steps of a run."""
    return {step["path"]: step["status"] for step in document["steps"]}
