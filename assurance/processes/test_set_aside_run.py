"""A run whose workers die is set aside, and a person finds it, whoever asks: by command, over HTTP, in the metrics."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from assurance.processes.test_two_servers import PASSWORD, Server, serving
from engine.orchestra import Orchestra
from tests import postgres
from tests.engine.conftest import OWNER, Service, get_step, root, service, write_workflow
from tests.patience import until

pytestmark = [pytest.mark.slow, pytest.mark.service]
__all__ = ["root", "service"]

DEATHS = 3


@pytest.fixture
def server(root: Path, service: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server that only accepts, with its state in PostgreSQL; ada is signed in."""
    write_workflow(root, "bomb", [get_step("bang", service.url("/deadly"))])
    write_workflow(root, "fails", [{"id": "no", "uses": "flow.fail", "with": {"message": "No."}}])
    with postgres.schema() as url:
        monkeypatch.setenv("ORCHESTRA_STATE", url)
        monkeypatch.setenv("ORCHESTRA_LOGS", "postgres")
        monkeypatch.setenv("ORCHESTRA_SECRET_KEY", Fernet.generate_key().decode())
        monkeypatch.setenv("ORCHESTRA_LIMITS__RUNS_AT_ONCE", "0")
        with closing(Orchestra.open(root)) as people:
            people.users.add(OWNER, "ada", "Ada", "owner", PASSWORD)
        with serving(root) as running:
            session = {"user_id": "ada", "password": PASSWORD}
            running.api.headers["Origin"] = running.url  # as the dashboard does
            running.api.post("/login", data=session)
            yield running


def _command(root: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "cli", *arguments, "--workspace", str(root)]


def _started(server: Server, workflow: str) -> str:
    asked = server.api.post("/workflows/execute", json={"workflow": workflow, "confirmed": True})
    assert asked.is_success, asked.text
    return str(asked.json()["run_id"])


def _status(server: Server, run_id: str) -> str:
    return str(server.api.get(f"/api/runs/{run_id}").json()["status"])


def _counted(server: Server) -> str:
    """Return the line of `/metrics` that counts the runs which were set aside."""
    [line] = [one for one in server.api.get("/metrics").text.splitlines() if one.startswith("orchestra_set_aside")]
    return line


def _found(server: Server, root: Path) -> tuple[list[str], list[str], int]:
    """Return the runs that were set aside over HTTP and by command, and the count of `/health`."""
    listed = server.api.get("/api/runs", params={"status": "set_aside"}).json()["runs"]
    said = subprocess.check_output(_command(root, "runs", "list", "--status", "set_aside", "--json"), text=True)
    counted = server.api.get("/health").json()["set_aside_runs"]
    return (*([one["run_id"] for one in some] for some in (listed, json.loads(said)["runs"])), counted)


@pytest.mark.chaos
def test_a_run_whose_workers_die_is_set_aside_found_and_resumed(server: Server, root: Path, service: Service) -> None:
    service.seconds = {"/deadly": 600.0}
    bomb = _started(server, "bomb")
    for death in range(1, DEATHS + 1):
        with subprocess.Popen(_command(root, "worker"), stdout=subprocess.DEVNULL) as worker:
            until(lambda death=death: service.seen["/deadly"] == death, "the worker that takes the run")  # type: ignore[misc]
            worker.kill()
    service.seconds.clear()
    with subprocess.Popen(_command(root, "worker"), stdout=subprocess.DEVNULL) as worker:
        try:
            failed = _started(server, "fails")
            until(lambda: _status(server, failed) == "failed" and _status(server, bomb) == "failed")
            assert server.api.get(f"/api/runs/{bomb}").json()["error"]["type"] == "SetAside"
            assert service.seen["/deadly"] == DEATHS
            until(lambda: _counted(server) == "orchestra_set_aside_runs 1.0", "metrics, a second old at most")
            assert _found(server, root) == ([bomb], [bomb], 1)
            both = server.api.get("/api/runs", params={"status": ["failed", "set_aside"]}).json()["runs"]
            assert sorted(one["run_id"] for one in both) == sorted([bomb, failed]), "each once"

            assert server.api.post(f"/api/runs/{bomb}/resume", json={"confirmed": True}).is_success
            until(lambda: _status(server, bomb) == "succeeded")
            until(lambda: _counted(server) == "orchestra_set_aside_runs 0.0")
            assert _found(server, root) == ([], [], 0)
        finally:
            worker.kill()
