"""The last tests of each prompt, in `.orchestra/tries/PROMPT/tests/ID.json`: they follow a rename with its tries."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from clients.secrets import known
from engine.base.clock import Clock
from engine.base.errors import UnknownName
from engine.base.json_text import indented
from engine.base.names import RUN_ID, checked_name, child, moment_of
from engine.base.statuses import RunStatus
from engine.files.atomic import PRIVATE_FILE, PRIVATE_FOLDER, exclusive, make_folder, remove, write_whole
from engine.runs.trying.matrix import Matrix
from engine.runs.trying.records import NOT_OURS
from engine.store.owners import Owners

MOST_KEPT = 10
"""Tests of one prompt; older ones are deleted."""
_SILENCE = timedelta(minutes=2)
"""A process that was silent for longer works on nothing any more."""


class MatrixRecords:
    """Reads and writes the files; any thread, any process."""

    def __init__(self, state_dir: Path, owners: Owners, owner: str, clock: Clock) -> None:
        """`owner`: the id of this process, "" if it tests nothing."""
        self._root = state_dir / "tries"
        self._lock = state_dir / "tries.lock"
        self._owners, self.owner, self._clock = owners, owner, clock

    def put(self, matrix: Matrix) -> None:
        """Write a test, and delete the oldest ones of its prompt. Raises StorageError."""
        folder = self._folder(matrix["prompt"])
        with exclusive(self._lock):
            for one in (self._root, folder.parent, folder):
                make_folder(one, PRIVATE_FOLDER)
            write_whole(folder / f"{matrix['id']}.json", indented(known.in_json(matrix)), PRIVATE_FILE)
            for test_id in self._ids(folder)[MOST_KEPT:]:
                remove(folder / f"{test_id}.json")

    def get(self, prompt: str, test_id: str) -> Matrix:
        """Return a test. Raises UnknownName, InvalidInput."""
        found = self._read(self._folder(prompt), test_id) if RUN_ID.match(test_id) else None
        if found is None:
            remedy = f"`orchestra prompts tests {prompt}` lists the last {MOST_KEPT}."
            raise UnknownName(f"test of the prompt {prompt}", test_id, remedy=remedy)
        return found

    def of(self, prompt: str) -> list[Matrix]:
        """Return the tests of a prompt, newest first."""
        folder = self._folder(prompt)
        read = (self._read(folder, one) for one in self._ids(folder))
        return [one for one in read if one is not None]

    def _folder(self, prompt: str) -> Path:
        """Return the folder of a prompt's tests. Raises InvalidInput for a link."""
        root = child(self._root.parent, self._root.name)
        return child(child(root, checked_name("prompt", prompt)), "tests")

    def _ids(self, folder: Path) -> list[str]:
        with suppress(OSError):
            return sorted((one.stem for one in folder.glob("*.json") if RUN_ID.match(one.stem)), reverse=True)
        return []

    def _read(self, folder: Path, test_id: str) -> Matrix | None:
        with suppress(OSError, *NOT_OURS):  # a link, or damaged: it is of no use any more
            found: Mapping[str, Any] = json.loads(child(folder, f"{test_id}.json").read_text(encoding="utf-8"))
            matrix: Any = {**found, "status": RunStatus(found["status"]), "prompt": folder.parent.name}
            return self._told(matrix) if Matrix.__annotations__.keys() <= matrix.keys() else None
        return None

    def _told(self, matrix: Matrix) -> Matrix:
        """Return a test with its true status: one whose process has ended is not continued."""
        if matrix["status"] != RunStatus.RUNNING or matrix["owner"] == self.owner:
            return matrix
        owner = self._owners.get(matrix["owner"])
        if owner is not None and self._clock() - moment_of(owner.heartbeat_at) < _SILENCE:
            return matrix
        return {**matrix, "status": RunStatus.INTERRUPTED}
