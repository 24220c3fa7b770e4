"""Bombs against a real server: its memory stays small, its health answers, and each ends with a sentence.

`make assurance` tries all two hundred (chaos.py), which takes a quarter of an hour. What makes one harmless has tests
of its own in `tests/`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from assurance.bombs.bombs import Bomb
from assurance.processes.test_served import Served, answers, start, wait_until
from engine.orchestra import Orchestra
from tests.api.conftest import LOCAL, PASSWORD
from tests.workspaces import init

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")]

SEED = 20261120
_PEAK_KB = 400 * 1024
_HEALTH_SECONDS = 1.0
_PATIENCE = httpx.Timeout(600)
_ONE_REQUEST_EACH = httpx.Limits(max_keepalive_connections=0)
"""A connection that waits is closed by the server, perhaps just as the client sends the next request."""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    root = tmp_path / "workspace"
    init(root)
    orchestra = Orchestra.open(root)
    orchestra.users.add(LOCAL, "vera", "Vera", "viewer", PASSWORD)
    orchestra.users.add(LOCAL, "otto", "Otto", "operator", PASSWORD)
    orchestra.close()
    server = start(root, tmp_path / "server.log")
    wait_until(server, lambda: answers(server))
    yield server
    server.process.kill()
    server.process.wait()


def _as(served: Served, user: str) -> httpx.Client:
    answer = httpx.post(f"{served.base}/auth/login", json={"user_id": user, "password": PASSWORD}, timeout=_PATIENCE)
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    return httpx.Client(base_url=served.base, timeout=_PATIENCE, headers=headers, limits=_ONE_REQUEST_EACH)


def _peak_kb(served: Served) -> int:
    status = Path(f"/proc/{served.process.pid}/status").read_text(encoding="ascii")
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))


def _validated(client: httpx.Client, bomb: Bomb) -> bool:
    """Check a bomb as a viewer; tell whether it is valid. What is wrong is told in sentences."""
    path = f"/api/workflows/{bomb.name}/validate"
    while (answer := client.post(path, json={"text": bomb.text})).status_code == 429:  # six at once are too many
        time.sleep(int(answer.headers["retry-after"]))
    body: dict[str, Any] = answer.json()
    if answer.status_code != 200:
        assert answer.status_code in (413, 422), (bomb.name, answer.status_code, body)
        assert _is_sentence(body["error"]["message"])
        return False
    assert all(_is_sentence(problem["message"]) for problem in body["problems"]), bomb.name
    assert body["valid"] or any(problem["severity"] == "error" for problem in body["problems"])
    return bool(body["valid"])


def _run(client: httpx.Client, bomb: Bomb) -> None:
    """Run a bomb; it ends, and if it fails it says why and what to do."""
    request = {"workflow": bomb.name, "inputs": bomb.inputs or {}, "wait_seconds": 60}
    answer = client.post("/workflows/execute", json=request)
    run = answer.json()
    while answer.status_code == 202 or run.get("status") in ("queued", "running"):
        answer = client.get(f"/api/runs/{run['run_id']}")
        run = answer.json()
    if answer.status_code != 200:
        assert _is_sentence(run["error"]["message"]), bomb.name
        return
    assert run["status"] in ("succeeded", "failed"), bomb.name
    assert run["status"] == "succeeded" or (_is_sentence(run["error"]["message"]) and run["error"]["remedy"]), bomb.name


def _is_sentence(text: str) -> bool:
    return " " in text and text.rstrip(")”'\"`").endswith((".", "?", "!", "…")) and "Traceback" not in text


def survive(served: Served, every: list[Bomb]) -> None:
    """Check bombs, and run those that are valid: the server stays small, and its health answers."""
    poll = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("poll.py")), f"{served.base}/health"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with _as(served, "vera") as viewer, ThreadPoolExecutor(6) as threads:
        valid = list(threads.map(lambda bomb: _validated(viewer, bomb), every))
    to_run = [bomb for bomb, is_valid in zip(every, valid, strict=True) if is_valid]
    assert to_run
    for bomb in to_run:
        (served.root / "workflows" / f"{bomb.name}.json").write_text(bomb.text, encoding="utf-8")
    with _as(served, "otto") as operator, ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda bomb: _run(operator, bomb), to_run))
    out, _ = poll.communicate(b"\n", timeout=60)
    seen = json.loads(out)
    assert served.process.poll() is None
    assert _peak_kb(served) < _PEAK_KB
    busy = max(plain for _, plain in seen)  # what the machine itself makes an answer wait
    slowest = max(health for health, _ in seen)
    assert len(seen) > 20
    load = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))  # of other processes too
    assert slowest < _HEALTH_SECONDS * load + busy, (slowest, busy, load, len(seen))
