"""The tries and tests of prompts: those that this process works on, and the last ones of each prompt.

These are texts of the state: `tries/PROMPT/ID.json`, `tries/PROMPT/tests/ID.json`. They follow a rename of the prompt.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any, Generic, TypeVar

from msgspec import Struct

from clients.secrets import known
from engine.base.clock import Clock, moment_of
from engine.base.errors import InUse, InvalidInput, OrchestraError, StorageError, UnknownName
from engine.base.json_text import indented
from engine.base.names import RUN_ID, checked_name
from engine.base.statuses import RunStatus
from engine.runs.prompt_tries.matrix import Matrix
from engine.runs.prompt_tries.records import Try
from engine.store.owners import Owners
from engine.store.texts.texts import TextStore

_log = logging.getLogger(__name__)
_FOLDER = "tries"
MOST_TRIES, MOST_TESTS = 20, 10
"""How many are kept of one prompt; older ones are deleted."""
_SILENCE = timedelta(minutes=2)
"""A process that was silent for longer counts as dead."""
_STOP_SECONDS = 5.0
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


class Work(Generic[Kept]):
    """A try or a test that this process works on."""

    def __init__(self, record: Kept, stop: Callable[[], None], *, is_kept: bool = True) -> None:
        """`stop` has it end soon; `is_kept`: it is kept after its end, in place of the oldest one."""
        self.record: Kept = record
        self.stop, self.is_kept = stop, is_kept
        self.over = threading.Event()

    def now(self) -> Kept:
        """Return what has come so far."""
        return self.record


class TryStore(Generic[Kept]):
    """The tries, or the tests, of all prompts; any thread, any process."""

    def __init__(self, form: KeptForm, texts: TextStore, owners: Owners, owner: str, clock: Clock) -> None:
        """`owner`: the id of this process, "" if it asks nothing."""
        self._form, self._texts, self._owners, self.owner, self._clock = form, texts, owners, owner, clock
        self._at_work: dict[str, Work[Kept]] = {}
        self._passing: dict[str, Work[Kept]] = {}  # the last that is not kept, by prompt: its end can be read
        self._lock = threading.Lock()

    @contextmanager
    def begun(self, works: Sequence[Work[Kept]], require_room: Callable[[Sequence[Kept]], None]) -> Iterator[None]:
        """Keep the records of what begins; none, if the block raises an error.

        `require_room` gets what this process is at, and raises InUse if that leaves no room. Raises StorageError.
        """
        with self._lock:
            require_room([one.record for one in self._at_work.values()])
            self._at_work.update({one.record["id"]: one for one in works})
            self._passing.update({one.record["prompt"]: one for one in works if not one.is_kept})
        try:
            for one in (one for one in works if one.is_kept):
                self._put(one.now())
            yield
        except BaseException:
            for one in works:
                self._over(one)
                with suppress(OrchestraError):
                    self._texts.remove(self._path(one.record["prompt"], one.record["id"]))
            raise

    def keep(self, one: Work[Kept]) -> None:
        """Keep what has come so far, if that is wanted and possible."""
        if not one.is_kept:
            return
        try:
            self._put(one.now())
        except OrchestraError as error:
            _log.error("the %s %s is not kept: %s", self._form.noun, one.record["id"], error)

    def end(self, one: Work[Kept]) -> None:
        """Keep how a work ended, and let those who wait for it go on."""
        try:
            self.keep(one)
        finally:
            self._over(one)
            one.over.set()

    def _over(self, one: Work[Kept]) -> None:
        with self._lock:
            self._at_work.pop(one.record["id"], None)

    def wait(self, prompt: str, id_: str, seconds: float | None = None) -> Kept:
        """Wait until a work of this process has ended, or until the time is over. Raises UnknownName, InvalidInput."""
        one, found = self._at_work.get(id_), self.get(prompt, id_)
        if one is None:
            return found
        one.over.wait(seconds)
        return self._shown(one, prompt)

    def stop(self, prompt: str, id_: str) -> Kept:
        """Stop a work, and wait until it has ended. Raises UnknownName, InvalidInput, InUse (of another process)."""
        one, found = self._at_work.get(id_), self.get(prompt, id_)
        if one is not None:
            one.stop()
            return self.wait(prompt, id_, _STOP_SECONDS)
        if found["status"] == RunStatus.RUNNING:
            raise InUse(f"Another process works on the {self._form.noun} {id_}.", remedy="Stop it there, with Ctrl-C.")
        return found

    def close(self) -> None:
        """Wait until the works of this process have ended, which were stopped before."""
        for one in [*self._at_work.values()]:
            one.over.wait(_STOP_SECONDS)

    def get(self, prompt: str, id_: str) -> Kept:
        """Return a record, with what has come so far. Raises UnknownName, InvalidInput."""
        at_work = self._at_work.copy()  # first: a work is there until its end is kept
        passing = self._passing.get(prompt)
        if passing is not None and passing.record["id"] == id_:
            return self._shown(passing, prompt)
        text = self._texts.get(self._path(prompt, id_)) if RUN_ID.match(id_) else None
        found = None if text is None else self._read(prompt, id_, text, at_work)
        if found is None:
            remedy = self._form.remedy.format(prompt=prompt)
            raise UnknownName(f"{self._form.noun} of the prompt {prompt}", id_, remedy=remedy)
        return found

    def of(self, prompt: str) -> Iterator[Kept]:
        """Yield the records of a prompt, newest first."""
        before = self._at_work.copy()
        texts: Mapping[str, str] = self._texts.all(self._folder(prompt))
        at_work = {**before, **self._at_work}  # what began or ended meanwhile, too
        passing: set[str] = {id_ for id_, one in at_work.items() if not one.is_kept and one.record["prompt"] == prompt}
        for one in sorted({*_ids(texts), *passing}, reverse=True):
            found = self._read(prompt, one, texts.get(f"{one}.json", ""), at_work)
            if found is not None:
                yield found

    def _put(self, record: Kept) -> None:
        """Store a record without secrets, and delete the oldest ones of its prompt. Raises StorageError."""
        folder = self._folder(record["prompt"])
        with self._texts.locked(_FOLDER):
            self._texts.put(self._path(record["prompt"], record["id"]), indented(known.in_json(record)))
            ids = sorted(_ids(self._texts.names(folder)), reverse=True)
            self._texts.remove(*(f"{folder}/{one}.json" for one in ids[self._form.most :]))

    def _folder(self, prompt: str) -> str:
        return _folder(prompt) + self._form.folder

    def _path(self, prompt: str, id_: str) -> str:
        return f"{self._folder(prompt)}/{id_}.json"

    def _read(self, prompt: str, id_: str, text: str, at_work: Mapping[str, Work[Kept]]) -> Kept | None:
        if id_ in at_work:
            return self._shown(at_work[id_], prompt)
        with suppress(*_DAMAGED):  # then it is of no use
            read = json.loads(text)
            absent = {name: value for name, value in self._form.absent.items() if name not in read}
            record: Any = {**read, **absent, "status": RunStatus(read["status"]), "prompt": prompt}
            if all(member in record for member in self._form.members):
                return self._told(record)
        return None

    def _shown(self, one: Work[Kept], prompt: str) -> Kept:
        """Return what has come so far as it is kept: without secrets."""
        now = one.now()
        shown: Any = {**known.in_json(now), "status": now["status"], "prompt": prompt}
        found: Kept = shown
        return found

    def _told(self, record: Kept) -> Kept:
        """Return a record with its true status: what a process was at that has ended is not continued."""
        if record["status"] != RunStatus.RUNNING:
            return record
        owner = self._owners.get(record["owner"]) if record["owner"] != self.owner else None
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
