"""One job of the fork server (forks.py) in a workspace of one's own, without stand-ins."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

from assurance.kill.fork_server import fork_server
from assurance.kill.storm import Job
from tests.patience import PATIENCE_SECONDS


def said_by(root: Path, do: str, **job: Any) -> list[str]:
    """Let a child do a job to its end, or until it kills itself; return what it said."""
    server = fork_server()
    server.wait_until_ready()
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(PATIENCE_SECONDS)
    connection.connect(str(server.socket))
    connection.sendall((json.dumps({"do": do, "root": str(root), **job}) + "\n").encode())
    child = Job(connection)
    lines = list(iter(child.said, ""))
    child.close()
    return lines
