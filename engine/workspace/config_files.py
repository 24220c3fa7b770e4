"""The current settings: their files are read again only after a change."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from msgspec import Struct

from engine.files.fingerprint import Stamp, stamp
from engine.store.texts.texts import TextStore
from engine.workspace import config, dotenv
from engine.workspace.config import LoadedConfig


class _Known(Struct, frozen=True):
    stamps: tuple[Stamp | None, ...]
    environment: Mapping[Any, Any]
    """As `_variables` returned it."""
    loaded: LoadedConfig


class ConfigFiles:
    """config.yaml and `.env` of one workspace. Thread-safe."""

    def __init__(self, root: Path) -> None:
        self._texts: TextStore | None = None
        self._root = root
        self._files = (root / config.FILE, root / dotenv.FILE)
        self._known: _Known | None = None

    def keep_secrets_in(self, texts: TextStore) -> None:
        """Read kept secrets from the state, which has been opened."""
        self._texts, self._known = texts, None

    def loaded(self) -> LoadedConfig:
        """Return the settings according to the files and the environment now. Raises UnknownName, InvalidFile."""
        stamps, environment = tuple(map(stamp, self._files)), _variables()
        known = self._known
        if known is not None and None not in stamps and known.stamps == stamps and known.environment == environment:
            return known.loaded
        found = config.load(self._root)  # after the stamps, to notice a change meanwhile next time
        loaded = replace(found, texts=self._texts)
        self._known = _Known(stamps, environment, loaded)
        return loaded


def _variables() -> Mapping[Any, Any]:
    """Return a copy of the environment to compare with: in bytes, because decoding it takes longer than all the rest.

    Each start of a run asks for the settings several times.
    """
    return dict(vars(os.environ).get("_data", os.environ))
