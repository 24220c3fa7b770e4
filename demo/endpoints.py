"""Which process serves a demo folder, and on which ports: one at a time, ports kept over restarts."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

LOCK_NAME = "demo.lock"
FILE_NAME = "endpoints.json"
_TRIES = 3
"""Whoever only asks whether the lock is held has it for a moment."""


def lock(folder: Path) -> int | None:
    """Take the folder's lock until this process ends: its file descriptor, or None where another process has it."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    for _ in range(_TRIES):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        time.sleep(0.01)
    os.close(descriptor)
    return None


def read(folder: Path) -> dict[str, Any]:
    """What `write` left, {} where there is nothing whole."""
    try:
        document = json.loads((folder / FILE_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def known_ports(folder: Path) -> dict[str, int]:
    """The ports of the last time by service."""
    ports = read(folder).get("ports", {})
    return {name: port for name, port in ports.items() if isinstance(port, int)}


def write(folder: Path, ports: Mapping[str, int], pid: int | None) -> None:
    """Say which process answers on which ports (None: none yet); the file is whole or not there."""
    part = folder / f"{FILE_NAME}.part"
    part.write_text(json.dumps({"pid": pid, "ports": dict(ports)}), encoding="utf-8")
    part.replace(folder / FILE_NAME)


def wait_for_other(folder: Path, patience_seconds: float = 10) -> dict[str, int] | None:
    """The ports of the process that holds the lock, once it answers; None when it does not in time."""
    ends_at = time.monotonic() + patience_seconds
    while time.monotonic() < ends_at:
        if _is_alive(read(folder).get("pid")):
            return known_ports(folder)
        time.sleep(0.02)
    return None


def _is_alive(pid: object) -> bool:
    """Whether the process runs: a killed one has left its line behind, and the next may just have taken the lock."""
    if not isinstance(pid, int):
        return False
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True
