"""The port of named texts: secrets, saved texts of workflows and prompts, tries; documents, not records."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Protocol


class TextStore(Protocol):
    """Texts by name; any thread, any process.

    A name is a path whose last part ends in `.json`: `secrets/notion.token.json`. A text is stored completely or not at
    all, and is durable once the call returns. A transaction of the state may be open meanwhile: none of this waits for
    it. Everything raises StorageError.
    """

    is_shared: bool
    """Whether all machines of the workspace have the same texts."""

    def get(self, name: str) -> str | None:
        """Return a text, None if it does not exist."""

    def mark(self, name: str) -> str | None:
        """Return a mark that changes whenever the text is put, None without a text; cheap."""

    def names(self, folder: str) -> list[str]:
        """Return the last parts of the names in a folder, but not in folders of it, sorted."""

    def all(self, folder: str) -> dict[str, str]:
        """Return the texts in a folder, but not in folders of it, by the last parts of their names, sorted."""

    def below(self, folder: str) -> list[str]:
        """Return the whole names of all texts in a folder and in its folders, sorted."""

    def put(self, name: str, text: str) -> None:
        """Store a text, replacing any other of this name."""

    def put_new(self, folder: str, texts: Mapping[str, str]) -> None:
        """Store texts by whole names, where none exists yet, in a folder or directly in folders of it; quicker."""

    def remove(self, *names: str) -> None:
        """Delete texts, if they exist."""

    def move(self, folder: str, new: str) -> None:
        """Move all texts in a folder and its folders to another one, replacing all that is there."""

    def remove_all(self, folder: str) -> None:
        """Delete all texts in a folder and its folders."""

    def locked(self, name: str) -> AbstractContextManager[None]:
        """Hold a lock of this name: one thread of one process at a time, as long as it lives."""

    def where(self, name: str) -> str:
        """Return where a text is, for messages."""
