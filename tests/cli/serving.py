"""A served workspace as a process of its own: asked over HTTP, stopped, and made to hang."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from engine.people.access import Principal
from tests.cli.conftest import Running, Start, listed
from tests.engine.conftest import Service, get_step, post_step, service, write_workflow
from tests.patience import PATIENCE_SECONDS, until
from tests.ports import free_port

__all__ = ["service"]

LOCAL = Principal("tester", "owner", confirmed=True)
LEASE_SECONDS = 4
_HANGS = """
import gc, os, sys, threading, time
KINDS = {"engine": "Worker", "web": "QuietServer"}
def hang(name):
    path = os.environ["HANG_FILE"] + name
    while not os.path.exists(path):
        time.sleep(0.05)
    is_it = lambda one: type(one).__name__ == KINDS[name] and type(one).__module__.split(".")[0] in ("engine", "api")
    gc.unfreeze()
    found = next(one for one in gc.get_objects() if is_it(one))
    found._loop.call_soon_threadsafe(time.sleep, 600)
    os.unlink(path)
if "api.process" in " ".join(sys.orig_argv):
    for name in KINDS:
        threading.Thread(target=hang, args=(name,), daemon=True).start()
"""


@dataclass
class Served:
    """A served workspace, and how its loops are made to hang."""

    running: Running
    url: str
    cookies: httpx.Cookies
    hang_file: Path

    def serving(self) -> int:
        """The process id of the serving process, 0 while there is none."""
        for line in listed("-A", "-o", "pid=,ppid=,args=").splitlines():
            child, parent, arguments = line.split(maxsplit=2)
            if int(parent) == self.running.process.pid and "api.process" in arguments:
                return int(child)
        return 0

    def hang(self, what: str) -> None:
        """Let a loop of the serving process hang, or stop all of it."""
        if what == "process":
            os.kill(self.serving(), signal.SIGSTOP)
            return
        file = self.hang_file.with_name(self.hang_file.name + what)
        file.touch()
        until(lambda: not file.exists(), "the hang")

    def health(self, seconds: float = PATIENCE_SECONDS) -> int:
        """The status of `/health`; 0 where no answer comes in time."""
        try:
            return httpx.get(f"{self.url}/health", timeout=seconds, trust_env=False).status_code
        except httpx.HTTPError:
            return 0

    def ready(self) -> tuple[int, dict[str, Any]]:
        """The status and the answer of `/ready`."""
        answer = httpx.get(f"{self.url}/ready", timeout=5, trust_env=False)
        return answer.status_code, answer.json()

    def told(self) -> dict[str, Any]:
        """What `/health` says, within five seconds."""
        found: dict[str, Any] = httpx.get(f"{self.url}/health", timeout=5, trust_env=False).json()
        return found

    def execute(self) -> httpx.Response:
        """Run the workflow and wait for its end."""
        return self.post(
            "/workflows/execute", {"workflow": "work", "inputs": {}, "wait_seconds": 30, "confirmed": True}
        )

    def post(self, path: str, body: object) -> httpx.Response:
        """Ask for something as the signed-in owner."""
        headers = {"Origin": self.url}
        return httpx.post(
            self.url + path, json=body, cookies=self.cookies, headers=headers, timeout=60, trust_env=False
        )

    def run(self, run_id: str) -> dict[str, Any]:
        """The document of a run."""
        address = f"{self.url}/api/runs/{run_id}"
        found: dict[str, Any] = httpx.get(
            address, cookies=self.cookies, timeout=PATIENCE_SECONDS, trust_env=False
        ).json()
        return found


@pytest.fixture
def served(start: Start, workspace: Path, service: Service, tmp_path: Path) -> Served:
    """A served workspace with a workflow that writes, reads, and writes again."""
    (workspace / "config.yaml").write_text(
        f"limits:\n  lease_seconds: {LEASE_SECONDS}\n"
        f"connections:\n  web:\n    service: http\n    allow_hosts: ['127.0.0.1:{service.port}']\n"
        "approvals:\n  default: never\n"
    )
    (tmp_path / "sitecustomize.py").write_text(_HANGS)
    steps = [
        post_step("before", service.url("/before")),
        get_step("slow", service.url("/slow")),
        post_step("after", service.url("/after")),
    ]
    write_workflow(workspace, "work", steps)
    port = free_port()
    environment = {"PYTHONPATH": str(tmp_path), "HANG_FILE": str(tmp_path / "hang-")}
    running = start("serve", "--json", "--port", str(port), **environment)
    line = json.loads(running.line())
    token = line["login_url"].partition("token=")[2]
    signed_in = httpx.post(f"{line['url']}/login", data={"token": token}, timeout=PATIENCE_SECONDS, trust_env=False)
    return Served(running, line["url"], signed_in.cookies, tmp_path / "hang-")
