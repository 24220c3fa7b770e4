"""The engine opened for one command, with the person who typed it as the acting principal."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.orchestra import Orchestra
    from engine.people.access import Principal


@dataclass(frozen=True)
class Session:
    """An opened workspace and who acts in it."""

    orchestra: Orchestra
    principal: Principal


@contextmanager
def opened(workspace: Path | None, *, demo: bool = False) -> Iterator[Session]:
    """Open a workspace for the time of a command. Raises UnknownName, InvalidFile, StorageError."""
    from engine.orchestra import Orchestra
    from engine.people.access import local_user

    orchestra = Orchestra.open(workspace or Path.cwd(), demo=demo)
    try:
        with _logged(orchestra.workspace.state_dir / "commands.log"):
            yield Session(orchestra, local_user())
    finally:
        orchestra.close()


@contextmanager
def _logged(path: Path) -> Iterator[None]:
    """Keep what libraries and the engine log off the screen: a command says what matters itself."""
    handler = logging.FileHandler(path, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        handler.close()
