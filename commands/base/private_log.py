"""The log of commands: limited in size, and readable only by its owner."""

from __future__ import annotations

from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from engine.files.atomic import open_private


class PrivateLog(RotatingFileHandler):
    """A rotating log whose files nobody else may read, whatever the umask."""

    def _open(self) -> TextIOWrapper:
        return open_private(Path(self.baseFilename), self.mode)
