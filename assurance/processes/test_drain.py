"""`orchestra serve` told to stop amid work: it takes nothing new, finishes what it sent, and the rest goes on later."""

from __future__ import annotations

import json
import signal
import socket
import time
from contextlib import suppress
from urllib.parse import urlsplit

import pytest

from tests.cli.conftest import Orchestra, Start
from tests.cli.serving import Served, served, service
from tests.engine.conftest import Service
from tests.patience import PATIENCE_SECONDS, until

pytestmark = pytest.mark.slow
__all__ = ["served", "service"]

WRITE_SECONDS = 3.0
LONGEST_STOP_SECONDS = 10.0
"""Deployments give it longer: `TimeoutStopSec`, `stop_grace_period`, `terminationGracePeriodSeconds`."""


def _refuses(url: str) -> bool:
    """Whether nobody listens there: a connection that is accepted and then waits for nobody is no refusal."""
    parts = urlsplit(url)
    with suppress(ConnectionRefusedError), socket.create_connection((parts.hostname, parts.port), PATIENCE_SECONDS):
        return False
    return True


def test_a_server_told_to_stop_refuses_at_once_finishes_its_write_and_the_next_one_goes_on(
    served: Served, service: Service, start: Start, orchestra: Orchestra
) -> None:
    service.seconds = {"/before": WRITE_SECONDS}
    asked = {"workflow": "work", "inputs": {}, "wait_seconds": 0, "confirmed": True}
    run_id = served.post("/workflows/execute", asked).json()["run_id"]
    until(lambda: service.seen["/before"] == 1, "the first write, which the service has not answered yet")
    began = time.monotonic()
    served.running.process.send_signal(signal.SIGTERM)
    until(lambda: _refuses(served.url), "the end of new connections")
    assert service.at_once == 1, "refused while the write is still awaited"
    assert served.running.process.wait(PATIENCE_SECONDS) == 0
    assert time.monotonic() - began < LONGEST_STOP_SECONDS
    stopped = orchestra("runs", "show", run_id, "--json").json
    assert (stopped["status"], stopped["counts"]["new_effects"]) == ("interrupted", 1), "its write is recorded"
    json.loads(start("serve", "--json").line())
    until(lambda: orchestra("runs", "show", run_id, "--json").json["status"] == "succeeded", "the end of the run")
    assert (service.seen["/before"], service.seen["/after"]) == (1, 1)
