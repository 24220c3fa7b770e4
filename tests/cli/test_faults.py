"""A service in trouble, as the person at the command line sees it: a sentence, exit code 1, and the resume works."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.cli.conftest import PATIENCE_SECONDS, Orchestra, Start

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
    ("fault", "said"),
    [
        pytest.param({"status": 401}, "AuthError", id="refuses the token"),
        pytest.param({"status": 429}, "RateLimited", id="limits the rate"),
        pytest.param({"status": 503}, "Unavailable", id="is down"),
        pytest.param({"cut": True}, "Unavailable", id="hangs up"),
        pytest.param({"status": 200, "body": "<html>hello</html>"}, "BadAnswer", id="answers nonsense"),
    ],
)
def test_a_service_in_trouble_is_a_failed_run_that_can_be_resumed(
    orchestra: Orchestra, github: str, fault: dict[str, Any], said: str
) -> None:
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
    _ask("POST", github, {"match": "", "status": 429, "retry_after": 3})
    waiting = orchestra("run", "commit-digest", "--demo", "--json")
    assert (waiting.code, waiting.json["status"], waiting.json["error"]) == (5, "waiting", None)
    (step,) = (one for one in waiting.json["steps"] if one["status"] == "waiting")
    assert (step["held"]["by"], step["attempts"]) == ("GitHub", [])
    told = orchestra("runs", "show", waiting.json["run_id"])
    assert "GitHub asked it to wait until" in told.err + told.out
    time.sleep(3.5)
    resumed = orchestra("runs", "resume", waiting.json["run_id"], "--json")
    assert (resumed.code, resumed.json["status"]) == (0, "succeeded")
