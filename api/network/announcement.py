"""Announces where a workspace is served, to the terminal and other commands, if no parent (`api/serve.py`) does."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from api.network import address
from api.network.address import WorkspaceAddress
from engine.base.environment import PARENT_VARIABLE
from engine.base.errors import OrchestraError
from engine.people.access import local_user

if TYPE_CHECKING:
    from engine.orchestra import Orchestra

_LOOK_SECONDS = 0.1
_OPEN_FILES = Path("/dev/fd")  # of the process that looks, on Linux and macOS


@contextmanager
def announced(orchestra: Orchestra) -> Iterator[None]:
    """While the block runs, record in `serve.json` where this process listens; print one login link at its start.

    `streamlit run app.py` and `uvicorn app:app` open their port after the application has started, and do not say
    which one; so a thread waits for it.
    """
    if os.environ.get(PARENT_VARIABLE) == str(os.getppid()):
        yield
        return
    is_over = threading.Event()
    thread = threading.Thread(target=_announce, args=(orchestra, is_over), name="announcement", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
        address.forget(orchestra.workspace.state_dir)


def _announce(orchestra: Orchestra, is_over: threading.Event) -> None:
    here = None
    while here is None:
        if is_over.wait(_LOOK_SECONDS):
            return
        here = _listens_at(orchestra.config.server.public_url)
    is_over.wait(_LOOK_SECONDS)  # the server's own lines come first
    try:
        address.note(orchestra.workspace.state_dir, here)
        link = here.login_url(orchestra.users.login_link(local_user()))
        _say(f"Sign in (works once, within 15 minutes): {link}")
    except OrchestraError as error:  # the pages work without it
        _say(f"{error.message} {error.remedy}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _listens_at(public_url: str) -> WorkspaceAddress | None:
    """Return the address of the port that this process listens on, or None until there is one."""
    for number in sorted(int(each.name) for each in _OPEN_FILES.iterdir()):
        try:
            copy = os.dup(number)  # closing a socket object would otherwise close the server's own descriptor
        except OSError:  # closed meanwhile, like the descriptor that lists the folder
            continue
        try:
            found = socket.socket(fileno=copy)
        except OSError:  # a file, not a socket
            os.close(copy)
            continue
        with found:
            if _is_listening(found):
                return WorkspaceAddress.of(found, public_url)
    return None


def _is_listening(found: socket.socket) -> bool:
    if found.family not in (socket.AF_INET, socket.AF_INET6) or found.type != socket.SOCK_STREAM:
        return False
    try:
        return bool(found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
    except OSError:  # macOS does not answer that; there, a port without a peer is listening
        return found.getsockname()[1] != 0 and not _has_peer(found)


def _has_peer(found: socket.socket) -> bool:
    try:
        found.getpeername()
    except OSError:
        return False
    return True
