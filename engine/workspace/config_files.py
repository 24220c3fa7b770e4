"""The settings in force at any moment: their files are read again only when they have changed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from engine.workspace import config, dotenv
from engine.workspace.config import LoadedConfig
from engine.workspace.stamps import Stamp, stamp


@dataclass(frozen=True)
class _Known:
    stamps: tuple[Stamp | None, ...]
    environment: dict[str, str]
    loaded: LoadedConfig


class ConfigFiles:
    """config.yaml and `.env` of one workspace; may be used from any thread."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._files = (root / config.FILE, root / dotenv.FILE)
        self._known: _Known | None = None

    def loaded(self) -> LoadedConfig:
        """Return the settings as the files and the environment say now. Raises UnknownName, InvalidFile."""
        stamps, environment = tuple(map(stamp, self._files)), dict(os.environ)
        known = self._known
        if known is not None and None not in stamps and known.stamps == stamps and known.environment == environment:
            return known.loaded
        loaded = config.load(self._root, environment)  # after the stamps: what changes meanwhile shows in the next
        self._known = _Known(stamps, environment, loaded)
        return loaded
