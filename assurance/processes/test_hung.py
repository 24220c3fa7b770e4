"""A serving process that is stopped, or one of whose loops hangs: its parent replaces it, and its runs go on."""

from __future__ import annotations

import os
import signal
import time

import pytest

from tests.cli.serving import Served, served, service
from tests.engine.conftest import Service
from tests.patience import until

pytestmark = pytest.mark.slow
__all__ = ["served", "service"]

_REPLACED_SECONDS = 40.0
"""The parent waits 10 s; the rest is the start of the next process on a loaded machine."""


@pytest.mark.parametrize(
    "what", [pytest.param("process", marks=pytest.mark.chaos), "engine", pytest.param("web", marks=pytest.mark.chaos)]
)
def test_a_hung_serving_process_is_replaced_and_its_run_goes_on(served: Served, service: Service, what: str) -> None:
    service.seconds = {"/slow": 1.0}
    accepted = served.post(
        "/workflows/execute", {"workflow": "work", "inputs": {}, "wait_seconds": 0, "confirmed": True}
    )
    assert accepted.status_code == 202, accepted.text
    until(lambda: service.seen["/slow"] == 1, "the read between the writes")
    first = served.serving()
    served.hang(what)
    began = time.monotonic()
    while served.health(5) == 200:  # the call that hangs is only queued
        assert time.monotonic() - began < 5
    until(lambda: served.serving() not in (0, first), "another serving process")
    assert served.health() == 200
    assert time.monotonic() - began < _REPLACED_SECONDS
    assert "it is being replaced" in served.running.err
    run_id = accepted.json()["run_id"]
    until(lambda: served.run(run_id)["status"] not in ("queued", "running", "interrupted"), "the end of the run")
    assert served.run(run_id)["status"] == "succeeded"
    assert (service.seen["/before"], service.seen["/after"]) == (1, 1)
    assert served.running.end(signal.SIGTERM) == 0


def test_one_that_was_away_for_a_moment_or_is_only_busy_stays(served: Served) -> None:
    first = served.serving()
    os.kill(first, signal.SIGSTOP)
    time.sleep(6.0)
    os.kill(first, signal.SIGCONT)
    assert served.health() == 200
    time.sleep(1.5)
    assert served.serving() == first
    assert served.running.err == ""


@pytest.mark.chaos
def test_a_machine_that_sleeps_replaces_nothing(served: Served) -> None:
    first, parent = served.serving(), served.running.process.pid
    for pid in (parent, first):
        os.kill(pid, signal.SIGSTOP)
    time.sleep(13)
    os.kill(parent, signal.SIGCONT)
    time.sleep(1.5)  # the parent is the first to wake
    os.kill(first, signal.SIGCONT)
    assert served.health() == 200
    time.sleep(2)
    assert served.serving() == first
    assert served.running.err == ""
