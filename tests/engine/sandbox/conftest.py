"""What attempts to get out of a sandbox find outside, and how they end on a backend of the ladder."""

from __future__ import annotations

import os
import socket
import subprocess
import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from clients.code.service import CodeSettings
from engine.sandbox.child import ChildResult
from engine.sandbox.code import running
from engine.sandbox.code.running import CodeLimits, CodeToRun
from tests.engine.sandbox.attempts import LEAVES, Attempt

CODE_LIMITS = CodeLimits(seconds=6, memory_mb=384, processes=40, disk_mb=32, output_kb=1024)
BEFORE = "import json, os, sys\nsys.argv = ['', json.dumps(inputs)]\nos.mkdir('/w/out')\n"
ROOT = Path(__file__).resolve().parents[3]
IMAGE = os.environ.get("CODE_IMAGE", "python:3.13-slim")
"""The image for Docker: any with python3 and a shell."""


def setup_of(backend: str) -> CodeSettings:
    """The settings that name a backend."""
    return CodeSettings(sandbox=backend, docker_image=IMAGE)


def tried(attempt: Attempt, outside: Mapping[str, Any], backend: str = "bubblewrap") -> ChildResult:
    """How a program ends that is the code of a step `code.run`."""
    program = attempt.program.replace("/w/", "/w/out/") if attempt in LEAVES else attempt.program
    return running.ended(
        CodeToRun("python", BEFORE + program, outside, setup_of(backend), CODE_LIMITS, CODE_LIMITS), []
    )


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Any]]:
    """Give what is there outside, for programs to reach."""
    folder = tmp_path_factory.mktemp("outside")
    (folder / "secret").write_text("CANARY")
    shared = Path("/dev/shm") / f"canary-{os.getpid()}"
    with ExitStack() as opened:
        port = opened.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1]
        abstract = f"canary-{os.getpid()}"
        for address in (f"\0{abstract}", f"{folder}/socket"):
            listening = opened.enter_context(socket.socket(socket.AF_UNIX))
            listening.bind(address)
            listening.listen(50)
        shared.write_text("CANARY")
        opened.callback(shared.unlink)
        other = opened.enter_context(subprocess.Popen(["sleep", "1000"], env={"SECRET": "CANARY"}))
        opened.callback(other.kill)
        yield {
            "secret": str(folder / "secret"),
            "socket": f"{folder}/socket",
            "abstract": abstract,
            "port": port,
            "pid": other.pid,
            "shm": shared.name,
            "shared": 0x0CA9A41,
            "home": str(Path.home()),
            "root": str(ROOT),
            "packages": sysconfig.get_paths()["purelib"],
        }
        assert other.poll() is None
        assert (folder / "secret").read_text() == "CANARY"
        assert sorted(one.name for one in folder.iterdir()) == ["secret", "socket"]
