"""A temporary workspace, opened as a command would open it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.base.workspace import make
from engine.garbage import look_rarely
from engine.orchestra import Orchestra


@contextmanager
def opened(workflows: Mapping[str, Any], config: str = "connections: {}\n") -> Iterator[tuple[Orchestra, Path]]:
    """Yield an opened workspace with these workflows, and its folder, in a process that is set up as the programs are.

    Both are removed afterwards.
    """
    look_rarely()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "workspace"
        make(root, workflows, config)
        orchestra = Orchestra.open(root)
        try:
            yield orchestra, root
        finally:
            orchestra.close()
