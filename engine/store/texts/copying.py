"""Copy the texts of a state that are not sealed: saved texts, tries and tests of prompts."""

from __future__ import annotations

from engine.base.errors import StorageError
from engine.store.texts.texts import TextStore

FOLDERS = ("versions", "tries")


def copy_texts(source: TextStore, target: TextStore) -> None:
    """Copy all texts, replacing texts of the same names, and read each back. Raises StorageError."""
    for name in (name for folder in FOLDERS for name in source.below(folder)):
        text = source.get(name)
        if text is None:  # it has gone meanwhile
            continue
        target.put(name, text)
        if target.get(name) != text:
            raise StorageError(f"{target.where(name)} differs from {source.where(name)}.", remedy="Copy again.")
