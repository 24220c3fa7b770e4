"""The current settings: their files are read again only after a change."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from engine.files.fingerprint import Stamp, stamp
from engine.workspace import config, dotenv
from engine.workspace.config import LoadedConfig


@dataclass(frozen=True)
class _Known:
    stamps: tuple[Stamp | None, ...]
    environment: dict[str, str]
    loaded: LoadedConfig


class ConfigFiles:
    """config.yaml and `.env` of one workspace. Thread-safe."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._files = (root / config.FILE, root / dotenv.FILE)
        self._known: _Known | None = None

    def loaded(self) -> LoadedConfig:
        """Return the settings according to the files and the environment now. Raises UnknownName, InvalidFile."""
        stamps, environment = tuple(map(stamp, self._files)), dict(os.environ)
        known = self._known
        if known is not None and None not in stamps and known.stamps == stamps and known.environment == environment:
            return known.loaded
        loaded = config.load(self._root, environment)  # after the stamps, to notice a change meanwhile next time
        self._known = _Known(stamps, environment, loaded)
        return loaded
