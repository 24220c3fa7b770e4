"""Which process holds a demo folder, and on which ports: only one at a time, with ports kept across restarts."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"
_MODELS = ("openai", "anthropic", "gemini")
_CHATS = ("slack", "telegram", "discord")
_DRIVES = ("webdav", "s3", "dropbox", "onedrive", "google_drive")
_OFFICE = ("google_calendar", "google_sheets")
NAMES = ("gmail", "outlook", "notion", "github", *_MODELS, "site", *_CHATS, *_DRIVES, *_OFFICE, "mcp")
FILES = {"sql": "shop.db"}
"""The file in the demo folder of each stand-in that is not a server."""
LOCK_NAME = "demo.lock"
USERS_NAME = "users.lock"
"""Every process that uses the stand-ins shares it, so that they end with the last one, not with the first."""
FILE_NAME = "endpoints.json"
DATABASE_NAME = "demo.db"
# `is_held` holds the lock for a moment, which must not look like another process.
_TRIES = 3


def lock(folder: Path) -> int | None:
    """Lock the folder until this process ends: return the file descriptor, or None if another process has it."""
    folder.mkdir(parents=True, exist_ok=True)
    # Close-on-exec: a child that inherited the descriptor would hold the lock after this process.
    descriptor = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    for _ in range(_TRIES):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        time.sleep(0.01)
    os.close(descriptor)
    return None


def is_held(folder: Path) -> bool:
    """Return whether a process holds the folder's lock; a missing folder is not created."""
    try:
        with (folder / LOCK_NAME).open("r+", encoding="ascii") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


def use(folder: Path) -> int:
    """Use the stand-ins of a folder until the returned file descriptor is closed; waits while they are ending."""
    descriptor = _users(folder)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    return descriptor


def is_used(folder: Path) -> bool:
    """Return whether a process uses the stand-ins of a folder; nobody does once the folder is gone."""
    try:
        descriptor = _users(folder)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def wait_until_unused(folder: Path) -> None:
    """Wait until no process uses the stand-ins of a folder; none can begin to until this process has ended."""
    fcntl.flock(_users(folder), fcntl.LOCK_EX)


def _users(folder: Path) -> int:
    return os.open(folder / USERS_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def bind(port: int = 0) -> socket.socket:
    """Return a loopback socket on this port, or on a free one if it is 0 or in use."""
    # With TCP given explicitly, asyncio turns off Nagle's algorithm (40 ms per answer).
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    # Otherwise the port stays taken for a minute after a restart, and the stand-in would get another address.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError:
        listener.bind((HOST, 0))
    listener.listen(128)
    return listener


def read(folder: Path) -> dict[str, Any]:
    """Return what `write` stored, or {} if the file is missing or broken."""
    try:
        document = json.loads((folder / FILE_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def known_ports(folder: Path) -> dict[str, int]:
    """Return the previous ports by service."""
    ports = read(folder).get("ports", {})
    return {name: port for name, port in ports.items() if isinstance(port, int)}


def write(folder: Path, ports: Mapping[str, int], pid: int | None) -> None:
    """Record which process serves which ports (None: none yet); the file is written atomically."""
    part = folder / f"{FILE_NAME}.part"
    part.touch(0o600)
    part.chmod(0o600)  # regardless of the umask
    part.write_text(json.dumps({"pid": pid, "ports": dict(ports)}), encoding="utf-8")
    # A reader sees the old file or the new one, never half of it.
    part.replace(folder / FILE_NAME)


def wait_for_other(folder: Path, patience_seconds: float = 10) -> dict[str, int] | None:
    """Return the ports of the process that holds the lock once it answers, or None if it does not in time."""
    ends_at = time.monotonic() + patience_seconds
    while time.monotonic() < ends_at:
        if _is_alive(read(folder).get("pid")):
            return known_ports(folder)
        time.sleep(0.02)
    return None


def _is_alive(pid: object) -> bool:
    """Return whether the process runs: a killed one leaves its entry, which its successor may not have replaced yet."""
    if not isinstance(pid, int):
        return False
    try:
        # Signal 0 sends nothing; it only checks that there is such a process.
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def generation(folder: Path) -> int:
    """Return how often the sample data of a folder has been created; another process may have it in use."""
    from demo.store import read_generation  # a command without the demo needs no SQLite for it

    return read_generation(folder / DATABASE_NAME)
