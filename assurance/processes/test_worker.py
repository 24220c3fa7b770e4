"""Workers answer for themselves: what they have done, and whether they hang or are cut off."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from api.worker import WorkerPages, answering
from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests import postgres
from tests.engine.conftest import OWNER, root, service, set_step, write_workflow
from tests.patience import PATIENCE_SECONDS, until
from tests.ports import free_port
from tests.road import Road

pytestmark = [pytest.mark.slow, pytest.mark.service]
__all__ = ["root", "service"]

RUNS = 3
CONNECTIONS = 80
"""More than a worker keeps open."""
SLOW_CLIENTS = 70
FLOOD_SECONDS = 7.0
UNENDED = b"GET /live HTTP/1.1\r\nX: "
_HANGS_ON_SIGUSR1 = """
import gc, signal, sys, threading, time
import cli
def hang():
    from engine.runner.worker.worker import Worker
    gc.unfreeze()
    worker = next(one for one in gc.get_objects() if isinstance(one, Worker))
    worker._loop.call_soon_threadsafe(time.sleep, 600)
signal.signal(signal.SIGUSR1, lambda *_: threading.Thread(target=hang, daemon=True).start())
sys.exit(cli.main(sys.argv[1:]))
"""

Start = Callable[..., "Worker"]


class Worker:
    """A worker, and what it answers."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process, self.port = process, port

    def get(self, path: str, headers: Mapping[str, str] | None = None, seconds: float = 5.0) -> httpx.Response:
        return httpx.get(f"http://127.0.0.1:{self.port}{path}", headers=headers, timeout=seconds, trust_env=False)

    def status(self, path: str) -> int:
        return self.get(path).status_code

    def samples(self, token: str) -> dict[str, float]:
        """Each sample by its name and the values of its labels."""
        answer = self.get("/metrics", {"authorization": f"Bearer {token}"})
        assert answer.status_code == 200, answer.text
        return samples(answer.text)


def samples(text: str) -> dict[str, float]:
    found = [one for family in text_string_to_metric_families(text) for one in family.samples]
    return {" ".join((one.name, *(one.labels[label] for label in sorted(one.labels)))): one.value for one in found}


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with postgres.schema() as url:
        monkeypatch.setenv("ORCHESTRA_STATE", url)
        monkeypatch.setenv("ORCHESTRA_LIMITS__RUNS_AT_ONCE", "0")
        yield url


@pytest.fixture
def start(root: Path, state: str) -> Iterator[Start]:
    """Start a worker that answers; it works once this returns."""
    started: list[subprocess.Popen[str]] = []

    def begin(**environment: str) -> Worker:
        port = free_port()
        command = [sys.executable, "-c", _HANGS_ON_SIGUSR1, "worker", "--workspace", str(root)]
        given = {"ORCHESTRA_STATE": state, **environment}
        process = subprocess.Popen(
            [*command, "--metrics-port", str(port)], stdout=subprocess.PIPE, text=True, env={**os.environ, **given}
        )
        started.append(process)
        assert process.stdout is not None
        assert "Working on the runs" in process.stdout.readline()
        return Worker(process, port)

    yield begin
    for one in started:
        one.kill()
        one.wait()
        assert one.stdout is not None
        one.stdout.close()


def token(server: Orchestra, role: str = "viewer") -> str:
    made = server.users.api_tokens.create(Principal("local:me", "owner"), "owner", f"for a {role}", role=role)
    return made.token


def test_what_a_worker_has_done_is_told_by_itself_and_by_nobody_else(root: Path, start: Start) -> None:
    write_workflow(root, "work", [set_step("one"), set_step("two", needs=["one"])])
    with closing(Orchestra.open(root, serve=True)) as server:
        worker = start()
        for _ in range(RUNS):
            run = server.runs.wait(OWNER, server.runs.start(OWNER, "work", {}), PATIENCE_SECONDS)
            assert run["status"] == "succeeded"
        secret = token(server)
        until(lambda: worker.samples(secret)["orchestra_runs_ended_total succeeded"] == RUNS, "the last end")
        found = worker.samples(secret)
        assert found["orchestra_claims_total"] == found["orchestra_runs_begun_total"] == RUNS
        assert found["orchestra_step_calls_total succeeded flow.set"] == 2 * RUNS
        assert found["orchestra_step_duration_seconds_count flow.set"] == 2 * RUNS
        assert found["process_resident_memory_bytes"] > 0
        served = samples(server.metrics.page(OWNER).content.decode())
        assert served["orchestra_claims_total"] == 0
        assert served["orchestra_processes worker"] == 1
        assert not [one for one in served if one.startswith("orchestra_step_duration")]
        of_state = ("orchestra_queue", "orchestra_processes", "orchestra_open_runs", "orchestra_unreadable")
        assert not [one for one in found if one.startswith(of_state)], "a sum over processes would count it twice"


def test_metrics_take_an_api_token_and_probes_take_none(root: Path, start: Start) -> None:
    worker = start()
    with closing(Orchestra.open(root, serve=True)) as server:
        secret = token(server)
        for wrong in ("", "Bearer", "Bearer orch_wrong", f"Basic {secret}"):
            refused = worker.get("/metrics", {"authorization": wrong})
            assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
            assert b"orchestra_" not in refused.content
        wanted = {"authorization": f"bearer {secret}", "accept": "application/openmetrics-text;version=1.0.0"}
        modern = worker.get("/metrics", wanted)
        assert modern.headers["content-type"].startswith("application/openmetrics-text")
        assert list(openmetrics.text_string_to_metric_families(modern.text))  # type: ignore[no-untyped-call]
    until(lambda: worker.status("/health") == 200, "its lease")
    assert worker.get("/health").json() == {"status": "ok"}
    assert (worker.status("/live"), worker.status("/health?verbose=1"), worker.status("/api/runs")) == (200, 200, 404)
    _a_taken_port_is_refused_before_any_work(root, worker.port)


def test_a_worker_whose_loop_stands_still_says_so_and_at_last_ends(start: Start) -> None:
    worker = start(ORCHESTRA_LIMITS__LEASE_SECONDS="6")
    until(lambda: worker.status("/health") == 200, "its lease")
    os.kill(worker.process.pid, signal.SIGUSR1)
    until(lambda: worker.status("/health") == 503, "the hang")
    [reason] = worker.get("/health").json()["reasons"]
    assert reason["check"] == "engine"
    assert worker.status("/live") == 200, "as long as a wait for the state may take, it is not restarted"
    told: set[int] = set()

    def has_ended() -> bool:
        with suppress(httpx.TransportError):
            told.add(worker.status("/live"))
        return worker.process.poll() is not None

    until(has_ended, "its end")
    assert (worker.process.returncode, 503 in told) == (1, True)


def test_a_stopped_worker_gives_no_answer_and_counts_on_after_another_took_over(root: Path, start: Start) -> None:
    lease = {"ORCHESTRA_LIMITS__LEASE_SECONDS": "1"}
    worker = start(**lease)
    with closing(Orchestra.open(root, serve=True)) as server:
        secret = token(server)
        assert worker.samples(secret)["orchestra_fenced_total"] == 0
        os.kill(worker.process.pid, signal.SIGSTOP)
        with pytest.raises(httpx.ReadTimeout):
            worker.get("/health", seconds=2.0)
        until(lambda: samples(server.metrics.page(OWNER).content.decode())["orchestra_processes worker"] == 0)
        until(lambda: all(one.kind != "worker" for one in server.workers.list(OWNER)), "the takeover")
        os.kill(worker.process.pid, signal.SIGCONT)
        until(lambda: worker.status("/health") == 200, "its new lease")
        assert worker.samples(secret)["orchestra_fenced_total"] == 1


def test_a_worker_that_is_cut_off_holds_no_lease_but_is_no_reason_to_restart_it(start: Start, state: str) -> None:
    parts = urlsplit(state)
    with closing(Road(parts.hostname or "127.0.0.1", parts.port or 5432)) as road:
        worker = start(ORCHESTRA_STATE=state.replace(f":{parts.port}/", f":{road.port}/"))
        until(lambda: worker.status("/health") == 200, "its lease")
        road.cut(is_silent=False)
        until(lambda: worker.status("/health") == 503, "the loss")
        [reason] = worker.get("/health").json()["reasons"]
        assert reason["check"] == "lease"
        assert worker.status("/live") == 200
    with closing(Road(parts.hostname or "127.0.0.1", parts.port or 5432, road.port)):
        until(lambda: worker.status("/health") == 200, "its lease again")


def test_connections_that_say_nothing_do_not_keep_others_out_for_long(start: Start) -> None:
    worker = start()
    silent = [socket.create_connection(("127.0.0.1", worker.port)) for _ in range(CONNECTIONS)]

    def answers() -> bool:
        try:
            return worker.status("/live") == 200
        except httpx.TransportError:
            return False

    until(answers, "a free connection")
    for one in silent:
        one.close()


@pytest.mark.chaos
def test_seventy_clients_that_never_end_their_request_do_not_keep_a_probe_out(start: Start) -> None:
    worker = start()
    until(lambda: worker.status("/health") == 200, "its lease")
    is_over = threading.Event()

    def never_end() -> None:
        while not is_over.is_set():
            with (
                suppress(OSError),
                socket.create_connection(("127.0.0.1", worker.port), timeout=PATIENCE_SECONDS) as one,
            ):
                one.sendall(UNENDED)
                one.recv(1)

    slow = [threading.Thread(target=never_end) for _ in range(SLOW_CLIENTS)]
    for one in slow:
        one.start()
    try:
        end = time.monotonic() + FLOOD_SECONDS
        while time.monotonic() < end:
            assert [worker.get(path, seconds=1.0).status_code for path in ("/live", "/health")] == [200, 200]
            time.sleep(0.1)
    finally:
        is_over.set()
        for one in slow:
            one.join()


def test_whoever_has_most_connections_makes_room_and_not_another() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=CONNECTIONS) as listener, ExitStack() as kept:
        address = listener.getsockname()
        kept.enter_context(answering(WorkerPages(), listener))
        other = kept.enter_context(socket.create_connection(address, source_address=("127.0.0.2", 0)))
        other.sendall(UNENDED)
        silent = [kept.enter_context(socket.create_connection(address)) for _ in range(CONNECTIONS)]
        silent[0].settimeout(1.0)
        assert silent[0].recv(1) == b"", "the oldest"
        other.sendall(b"\r\n\r\n")
        assert other.recv(12) == b"HTTP/1.0 200"
        began = time.monotonic()
        silent[-1].settimeout(PATIENCE_SECONDS)
        assert silent[-1].recv(1) == b"", "none may take its time for the head"
        assert time.monotonic() - began < 4.0


def test_an_address_that_is_none_is_answered_and_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    with ExitStack() as kept:
        listener = kept.enter_context(socket.create_server(("127.0.0.1", 0)))
        kept.enter_context(answering(WorkerPages(), listener))
        asked = kept.enter_context(socket.create_connection(listener.getsockname(), timeout=PATIENCE_SECONDS))
        asked.sendall(b"GET http://[/live HTTP/1.1\r\n\r\n")
        assert asked.recv(12) == b"HTTP/1.0 400"
    assert caplog.text == ""


def _a_taken_port_is_refused_before_any_work(root: Path, port: int) -> None:
    command = [sys.executable, "-m", "cli", "worker", "--workspace", str(root)]
    environment = {**os.environ, "ORCHESTRA_WORKER__METRICS_PORT": str(port)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert done.stderr.strip() == f"Port {port} is in use. Choose another with --metrics-port, or omit --metrics-port."


@pytest.mark.parametrize(
    ("host", "is_option"),
    [
        ("no-such-host.invalid", True),
        ("203.0.113.1", False),
        pytest.param("no-such-host.invalid", False, marks=pytest.mark.chaos),
        pytest.param("203.0.113.1", True, marks=pytest.mark.chaos),
    ],
)
def test_a_host_that_cannot_be_had_is_said_to_be_wrong_where_it_was_given(
    root: Path, state: str, host: str, is_option: bool
) -> None:
    command = [sys.executable, "-m", "cli", "worker", "--workspace", str(root), "--metrics-port", str(free_port())]
    given, environment = (["--metrics-host", host], {}) if is_option else ([], {"ORCHESTRA_WORKER__METRICS_HOST": host})
    done = subprocess.run(
        [*command, *given],
        env={**os.environ, "ORCHESTRA_STATE": state, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 4
    place = "`--metrics-host`" if is_option else "`worker.metrics_host` in config.yaml"
    assert done.stderr.strip().endswith(f"Correct {place}.")
