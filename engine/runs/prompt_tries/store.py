"""The last tries and tests of each prompt, as texts of the state: `tries/PROMPT/ID.json`, `tries/PROMPT/tests/ID.json`.

Both follow a rename of their prompt.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any, Generic, TypeVar

from msgspec import Struct

from clients.secrets import known
from engine.base.clock import Clock, moment_of
from engine.base.errors import InvalidInput, StorageError, UnknownName
from engine.base.json_text import indented
from engine.base.names import RUN_ID, checked_name
from engine.base.statuses import RunStatus
from engine.runs.prompt_tries.matrix import Matrix
from engine.runs.prompt_tries.records import Try
from engine.store.owners import Owners
from engine.store.texts.texts import TextStore

_FOLDER = "tries"
MOST_TRIES, MOST_TESTS = 20, 10
"""How many are kept of one prompt; older ones are deleted."""
_SILENCE = timedelta(minutes=2)
"""A process that was silent for longer counts as dead."""
_DAMAGED = (ValueError, TypeError, KeyError, AttributeError, RecursionError, InvalidInput)

Kept = TypeVar("Kept", Try, Matrix)


class KeptForm(Struct, frozen=True):
    """What is kept, and what it is called."""

    noun: str
    remedy: str
    """How to find those that are kept of a `{prompt}`."""
    folder: str
    """In the folder of the prompt."""
    most: int
    members: Iterable[str]
    absent: Mapping[str, Any] = {}
    """Members that an earlier version of the program did not write."""


TRIES = KeptForm(
    "try", "`orchestra prompts tries {prompt}` lists them.", "", MOST_TRIES, Try.__annotations__, {"column": None}
)
TESTS = KeptForm("test", "`orchestra prompts tests {prompt}` lists them.", "/tests", MOST_TESTS, Matrix.__annotations__)


class TryStore(Generic[Kept]):
    """Reads and writes tries or tests where the state is; any thread, any process."""

    def __init__(self, form: KeptForm, texts: TextStore, owners: Owners, owner: str, clock: Clock) -> None:
        """`owner`: the id of this process, "" if it asks nothing."""
        self._form, self._texts, self._owners, self.owner, self._clock = form, texts, owners, owner, clock

    def put(self, record: Kept) -> None:
        """Store a record without secrets, and delete the oldest ones of its prompt. Raises StorageError."""
        folder = self._folder(record["prompt"])
        with self._texts.locked(_FOLDER):
            self._texts.put(f"{folder}/{record['id']}.json", indented(known.in_json(record)))
            ids = sorted(_ids(self._texts.names(folder)), reverse=True)
            self._texts.remove(*(f"{folder}/{one}.json" for one in ids[self._form.most :]))

    def remove(self, record: Kept) -> None:
        """Delete a record of what was not begun after all. Raises StorageError."""
        self._texts.remove(f"{self._folder(record['prompt'])}/{record['id']}.json")

    def get(self, prompt: str, id_: str) -> Kept:
        """Return a record. Raises UnknownName, InvalidInput."""
        text = self._texts.get(f"{self._folder(prompt)}/{id_}.json") if RUN_ID.match(id_) else None
        found = None if text is None else self._read(prompt, text)
        if found is None:
            remedy = self._form.remedy.format(prompt=prompt)
            raise UnknownName(f"{self._form.noun} of the prompt {prompt}", id_, remedy=remedy)
        return found

    def of(self, prompt: str) -> list[Kept]:
        """Return the records of a prompt, newest first."""
        texts = self._texts.all(self._folder(prompt))
        found = (self._read(prompt, texts[f"{one}.json"]) for one in sorted(_ids(texts), reverse=True))
        return [one for one in found if one is not None]

    def _folder(self, prompt: str) -> str:
        return _folder(prompt) + self._form.folder

    def _read(self, prompt: str, text: str) -> Kept | None:
        with suppress(*_DAMAGED):  # then it is of no use
            read = json.loads(text)
            absent = {name: value for name, value in self._form.absent.items() if name not in read}
            record: Any = {**read, **absent, "status": RunStatus(read["status"]), "prompt": prompt}
            if all(member in record for member in self._form.members):
                return self._told(record)
        return None

    def _told(self, record: Kept) -> Kept:
        """Return a record with its true status: what a process was at that has ended is not continued."""
        if record["status"] != RunStatus.RUNNING or record["owner"] == self.owner:
            return record
        owner = self._owners.get(record["owner"])
        if owner is not None and self._clock() - moment_of(owner.heartbeat_at) < _SILENCE:
            return record
        return {**record, "status": RunStatus.INTERRUPTED}


def follow_prompt(texts: TextStore, name: str, new: str = "") -> None:
    """Move the tries and tests of a renamed prompt; delete them if there is no new name."""
    with texts.locked(_FOLDER), suppress(OSError, StorageError):
        if new:
            texts.remove_all(_folder(new))
            texts.move(_folder(name), _folder(new))
        else:
            texts.remove_all(_folder(name))


def _folder(prompt: str) -> str:
    return f"{_FOLDER}/{checked_name('prompt', prompt)}"


def _ids(names: Iterable[str]) -> list[str]:
    """Return the ids of the documents with these names; what has another name is not ours."""
    return [one for one in (name.removesuffix(".json") for name in names) if RUN_ID.match(one)]
