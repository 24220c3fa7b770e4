"""A service in trouble, as the person at the command line sees it: a sentence, exit code 1, and the resume works."""

from __future__ import annotations

import json
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cli.conftest import Orchestra, Start
from tests.patience import PATIENCE_SECONDS

pytestmark = pytest.mark.slow
ALWAYS = {"times": 1000}


@pytest.fixture
def github(start: Start) -> Iterator[str]:
    """The address of the GitHub stand-in, while all stand-ins run."""
    stand_ins = start("demo", "start", "--json")
    yield str(json.loads(stand_ins.line())["github"]["base_url"])
    stand_ins.end(signal.SIGTERM)


def _ask(method: str, base: str, fault: dict[str, Any] | None = None) -> None:
    answer = httpx.request(method, f"{base}/_demo/faults", json=fault, timeout=PATIENCE_SECONDS, trust_env=False)
    answer.raise_for_status()


@pytest.mark.parametrize(
    "troubles",
    [
        pytest.param(
            {"AuthError": {"status": 401}, "RateLimited": {"status": 429}, "Unavailable": {"status": 503}},
            id="refuses the token, limits the rate, is down",
        ),
        pytest.param(
            {"Unavailable": {"cut": True}, "BadAnswer": {"status": 200, "body": "<html>hello</html>"}},
            id="hangs up, answers nonsense",
            marks=pytest.mark.chaos,
        ),
    ],
)
def test_a_service_in_trouble_is_a_failed_run_that_can_be_resumed(
    orchestra: Orchestra, github: str, troubles: dict[str, dict[str, Any]]
) -> None:
    for said, fault in troubles.items():
        _ask("POST", github, {"match": "", **fault, **ALWAYS})
        failed = orchestra("run", "commit-digest", "--demo", "--json")
        assert (failed.code, failed.json["status"], failed.json["error"]["type"]) == (1, "failed", said)
        shown = orchestra("runs", "show", failed.json["run_id"])
        assert failed.json["error"]["message"] in shown.err
        assert "Traceback" not in shown.err + failed.err
        checked = orchestra("connections", "check", "github", "--demo")
        assert (checked.code, checked.err) == (1, "")
        assert "not ok" in checked.out

        _ask("DELETE", github)
        resumed = orchestra("runs", "resume", failed.json["run_id"], "--json")
        assert (resumed.code, resumed.json["status"]) == (0, "succeeded")


def test_a_service_that_names_a_time_is_waited_for_and_that_is_no_failure(orchestra: Orchestra, github: str) -> None:
    for seconds, code, status in ((3, 0, "succeeded"), (30, 5, "waiting")):
        _ask("POST", github, {"match": "", "status": 429, "retry_after": seconds})
        run = orchestra("run", "commit-digest", "--demo", "--json")
        assert (run.code, run.json["status"], run.json["error"]) == (code, status, None)
        (held,) = (one for one in run.json["steps"] if one.get("held"))
        errors = [one["error"] for one in held["attempts"]]
        assert (held["held"]["by"], errors) == ("GitHub", [None] if code == 0 else [])
        if status == "waiting":
            told = orchestra("runs", "show", run.json["run_id"])
            assert "GitHub asked it to wait until" in told.err + told.out
            assert orchestra("runs", "cancel", run.json["run_id"]).code == 0


def test_a_wait_for_a_service_outlives_the_process(
    orchestra: Orchestra, github: str, start: Start, workspace: Path
) -> None:
    _ask("POST", github, {"match": "", "status": 429, "retry_after": 9})
    killed = start("run", "commit-digest", "--demo", "--json")
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while not (run_id := _held(workspace)):
        assert time.monotonic() < ends_at
        time.sleep(0.05)
    killed.end(signal.SIGKILL)
    resumed = orchestra("runs", "resume", run_id, "--json")
    assert (resumed.code, resumed.json["status"]) == (0, "succeeded")
    (held,) = (one for one in resumed.json["steps"] if one.get("held"))
    assert held["attempts"][0]["error"] is None
    assert held["attempts"][0]["ended_at"] >= held["due_at"], "it was asked for before its time"


def _held(workspace: Path) -> str:
    """The run that has written down that a service asked it to wait, empty where none has."""
    look = "SELECT run_id FROM events WHERE event LIKE '%\"held\":%'"
    with suppress(sqlite3.OperationalError):  # it is yet to be made
        where = f"file:{workspace / '.orchestra' / 'state.db'}?mode=ro"
        with closing(sqlite3.connect(where, uri=True)) as connection:
            return "".join(run_id for (run_id,) in connection.execute(look).fetchall()[:1])
    return ""
