"""A state that has gone silent: who needs it waits, and nobody else does."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from engine.orchestra import Orchestra
from engine.workflows.new_workspace import init
from tests import postgres
from tests.engine.conftest import OWNER
from tests.patience import PATIENCE_SECONDS
from tests.ports import free_port
from tests.road import Road

pytestmark = [pytest.mark.slow, pytest.mark.service]

PASSWORD = "correct horse battery"
ASKERS, ANSWER_SECONDS = 6, 6.0
"""Each look at the state is given up after three seconds."""


def test_a_token_that_cannot_be_looked_up_holds_nobody_else_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "workspace"
    init(root)
    with postgres.schema() as state:
        parts = urlsplit(state)
        road = Road(parts.hostname or "127.0.0.1", parts.port or 5432)
        monkeypatch.setenv("ORCHESTRA_STATE", state.replace(f":{parts.port}/", f":{road.port}/"))
        people = Orchestra.open(root)
        people.users.add(OWNER, "ada", "Ada", "owner", PASSWORD)
        people.close()
        command = [sys.executable, "-m", "cli", "serve", "--json", "--port", str(free_port()), "--workspace", str(root)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                url = json.loads(process.stdout.readline())["url"].rstrip("/")
                with httpx.Client(base_url=url, timeout=PATIENCE_SECONDS, trust_env=False) as api:
                    found = api.post("/auth/login", json={"user_id": "ada", "password": PASSWORD}).json()
                    header = {"Authorization": f"Bearer {found['access_token']}"}
                    assert api.get("/api/runs", headers=header).status_code == 200
                    road.cut(is_silent=True)
                    for _ in range(ASKERS):
                        threading.Thread(target=_ask, args=(f"{url}/api/runs", header), daemon=True).start()
                    time.sleep(1)
                    assert api.get("/_stcore/health", timeout=ANSWER_SECONDS).status_code == 200
            finally:
                road.close()
                process.send_signal(signal.SIGTERM)


def _ask(address: str, header: dict[str, str]) -> None:
    with suppress(httpx.HTTPError):
        httpx.get(address, headers=header, timeout=PATIENCE_SECONDS, trust_env=False)
