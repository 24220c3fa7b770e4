"""A worker that is told to stop while PostgreSQL is away stops soon, and what it could not store is done again."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from engine.base.statuses import RunStatus
from engine.orchestra import Orchestra
from tests import postgres
from tests.engine.conftest import OWNER, Service, get_step, post_step, write_workflow
from tests.few import rare
from tests.patience import PATIENCE_SECONDS, until
from tests.road import Road

pytestmark = [pytest.mark.slow, pytest.mark.service]
LONGEST_STOP_SECONDS = 15.0
"""What docs/deployment.md promises."""
_CODE = "import sys, cli; sys.exit(cli.main(sys.argv[1:]))"


@pytest.fixture
def state() -> Iterator[str]:
    with postgres.schema() as url:
        yield url


@pytest.fixture
def road(state: str) -> Iterator[Road]:
    parts = urlsplit(state)
    made = Road(parts.hostname or "127.0.0.1", parts.port or 5432)
    yield made
    made.close()


@pytest.mark.parametrize("is_silent", [rare(False, id="refused"), pytest.param(True, id="silent")])
def test_a_worker_stops_while_the_server_is_away(
    root: Path, service: Service, state: str, road: Road, *, is_silent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCHESTRA_LIMITS__RUNS_AT_ONCE", "0")
    service.seconds = {"/slow": 1.0}
    write_workflow(root, "work", [post_step("a", service.url("/a")), get_step("b", service.url("/slow"), needs=["a"])])
    command = [sys.executable, "-c", _CODE, "worker", "--workspace", str(root)]
    monkeypatch.setenv("ORCHESTRA_STATE", state.replace(f":{urlsplit(state).port}/", f":{road.port}/"))
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as worker:
        try:
            assert worker.stdout is not None
            assert "Working on the runs" in worker.stdout.readline()
            monkeypatch.setenv("ORCHESTRA_STATE", state)
            server = Orchestra.open(root, serve=True)
            try:
                run_id = server.runs.start(OWNER, "work", {})
                until(lambda: service.seen["/slow"] == 1)
                road.cut(is_silent=is_silent)
                time.sleep(2)  # the step has ended, which the worker cannot store
                began = time.monotonic()
                worker.send_signal(signal.SIGTERM)
                worker.wait(PATIENCE_SECONDS)
                assert time.monotonic() - began < LONGEST_STOP_SECONDS
                assert worker.returncode == (1 if is_silent else 128 + signal.SIGTERM)  # by force, or in order
                assert server.runs.get(OWNER, run_id)["status"] not in (RunStatus.SUCCEEDED, RunStatus.FAILED)
            finally:
                server.close()
        finally:
            worker.kill()
    assert service.seen["/a"] == 1
