"""Workers of a release go on while, and after, the next release brings the state into its form."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest

from engine.base.statuses import RunStatus
from engine.orchestra import Orchestra
from engine.store.sql.base.tables import SCHEMA_VERSION
from tests import postgres
from tests.engine.conftest import OWNER, Service, get_step, post_step, write_workflow
from tests.engine.store.next_form import NEXT, TABLES
from tests.patience import PATIENCE_SECONDS

pytestmark = [pytest.mark.slow, pytest.mark.service]
_THIS = [sys.executable, "-m", "cli"]
_NEXT = [sys.executable, "-m", "tests.engine.store.next_form"]


def _accepted_while(process: subprocess.Popen[str], server: Orchestra) -> list[str]:
    """Start runs one after the other until a process has ended; return their ids."""
    ids: list[str] = []
    while process.poll() is None:
        ids.append(server.runs.start(OWNER, "work", {"n": len(ids)}))
        time.sleep(0.05)
    return ids


@pytest.fixture
def url(root: Path, service: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A state on a server, and a workflow of four steps."""
    steps = [
        post_step("a", service.url("/a{{ inputs.n }}")),
        get_step("b", service.url("/b{{ inputs.n }}"), needs=["a"]),
        post_step("c", service.url("/c{{ inputs.n }}"), needs=["b"]),
        get_step("d", service.url("/d{{ inputs.n }}"), needs=["c"]),
    ]
    write_workflow(root, "work", steps, inputs={"type": "object", "properties": {"n": {"type": "integer"}}})
    service.seconds = {f"/b{number}": 0.3 for number in range(1000)}
    monkeypatch.setenv("ORCHESTRA_LIMITS__RUNS_AT_ONCE", "0")
    with postgres.schema() as found:
        monkeypatch.setenv("ORCHESTRA_STATE", found)
        yield found


@contextmanager
def working(root: Path) -> Iterator[subprocess.Popen[str]]:
    """A worker of this release; its end must be in order."""
    command = [*_THIS, "worker", "--concurrency", "5", "--workspace", str(root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        try:
            assert worker.stdout is not None
            assert "Working on the runs" in worker.stdout.readline()
            yield worker
            assert worker.poll() is None, "it still works"
        finally:
            worker.terminate()
    assert worker.returncode == 128 + signal.SIGTERM


def test_a_worker_goes_on_while_the_next_release_migrates_and_afterwards(
    root: Path, service: Service, url: str
) -> None:
    place = ["--workspace", str(root)]
    with closing(Orchestra.open(root, serve=True)) as server, working(root):
        with subprocess.Popen([*_NEXT, "state", "migrate", *place], stdout=subprocess.PIPE, text=True) as migrating:
            ids = _accepted_while(migrating, server)
            assert migrating.stdout is not None
            assert f"form {NEXT}" in migrating.stdout.read()
        begun = sum(service.seen[f"/a{number}"] for number in range(len(ids)))
        assert begun > 0, "it worked before"
        ids += [server.runs.start(OWNER, "work", {"n": len(ids) + number}) for number in range(10)]
        ended = [server.runs.wait(OWNER, one, PATIENCE_SECONDS)["status"] for one in ids]
        assert ended == [RunStatus.SUCCEEDED] * len(ids)
        assert [*server.health.now().reasons] == []
    made = {name: [service.seen[f"/{name}{number}"] for number in range(len(ids))] for name in "abcd"}
    assert made == dict.fromkeys("abcd", [1] * len(ids))
    with psycopg.connect(url.replace("+psycopg", "")) as asked:
        for table in TABLES:
            assert asked.execute(f"SELECT min(later), max(later) FROM {table}").fetchone() in ((1, 1), (None, None))
    again = subprocess.run([*_THIS, "worker", *place], capture_output=True, text=True, check=False)
    assert again.returncode != 0
    assert f"its form is {NEXT}, ours {SCHEMA_VERSION}" in again.stdout + again.stderr
