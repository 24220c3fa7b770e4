"""The last tests of each prompt, as the texts `tries/PROMPT/tests/ID.json`: they follow a rename with its tries."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

from clients.secrets import known
from engine.base.clock import Clock, moment_of
from engine.base.errors import UnknownName
from engine.base.json_text import indented
from engine.base.names import RUN_ID, checked_name
from engine.base.statuses import RunStatus
from engine.runs.trying.matrix import Matrix
from engine.runs.trying.records import FOLDER, NOT_OURS, ids_in, newest_first
from engine.store.owners import Owners
from engine.store.texts.texts import TextStore

MOST_KEPT = 10
"""Tests of one prompt; older ones are deleted."""
_SILENCE = timedelta(minutes=2)
"""A process that was silent for longer counts as dead."""


class MatrixRecords:
    """Reads and writes the tests where the state is; any thread, any process."""

    def __init__(self, texts: TextStore, owners: Owners, owner: str, clock: Clock) -> None:
        """`owner`: the id of this process, "" if it tests nothing."""
        self._texts, self._owners, self.owner, self._clock = texts, owners, owner, clock

    def put(self, matrix: Matrix) -> None:
        """Store a test, and delete the oldest ones of its prompt. Raises StorageError."""
        folder = _folder(matrix["prompt"])
        with self._texts.locked(FOLDER):
            self._texts.put(f"{folder}/{matrix['id']}.json", indented(known.in_json(matrix)))
            old = ids_in(self._texts, folder)[MOST_KEPT:]
            self._texts.remove(*(f"{folder}/{test_id}.json" for test_id in old))

    def get(self, prompt: str, test_id: str) -> Matrix:
        """Return a test. Raises UnknownName, InvalidInput."""
        text = self._texts.get(f"{_folder(prompt)}/{test_id}.json") if RUN_ID.match(test_id) else None
        found = None if text is None else self._read(prompt, text)
        if found is None:
            remedy = f"`orchestra prompts tests {prompt}` lists the last {MOST_KEPT}."
            raise UnknownName(f"test of the prompt {prompt}", test_id, remedy=remedy)
        return found

    def of(self, prompt: str) -> list[Matrix]:
        """Return the tests of a prompt, newest first."""
        return list(filter(None, (self._read(prompt, text) for text in newest_first(self._texts, _folder(prompt)))))

    def _read(self, prompt: str, text: str) -> Matrix | None:
        with suppress(*NOT_OURS):  # damaged: it is of no use
            found: Mapping[str, Any] = json.loads(text)
            matrix: Any = {**found, "status": RunStatus(found["status"]), "prompt": prompt}
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


def _folder(prompt: str) -> str:
    return f"{FOLDER}/{checked_name('prompt', prompt)}/tests"
