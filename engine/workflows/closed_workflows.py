"""Which workflows have an `access`, by name and by id, also those whose file is gone; read anew with each question."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping

from msgspec import Struct, json, structs

from engine.base.errors import InvalidFile, OrchestraError, UnknownName
from engine.base.names import NOTHING_HIDDEN, HiddenNames, workflow_id
from engine.files.fingerprint import Stamp
from engine.people.access import Principal
from engine.people.workflow_access import FAULTY, WorkflowAccess, access_of
from engine.store.settings import Settings
from engine.workspace.file_store import FileStore

PREFIX = "access."
"""Before the id of a workflow, in the settings that remember its `access`."""
_MAY_NAME_IT = re.compile(r'"access"|\\u')
"""Found in a text that cannot be read as JSON: it may have an `access`, perhaps in escaped letters."""


_TRUSTED_SECONDS = 0.25
"""A page asks many times; a workspace without any `access` shall not notice."""


class _Kept(Struct, frozen=True):
    """What is remembered of a workflow by its id."""

    access: WorkflowAccess
    names: tuple[str, ...]
    """The names that it has and had, the last one first."""
    is_gone: bool = False
    """Whether its file was gone once: a later file with this id does not open the old runs by having no `access`."""


class Closed(Struct, frozen=True):
    """The workflows with an `access` at one time, by name and by id."""

    by_name: Mapping[str, WorkflowAccess] = {}
    by_id: Mapping[str, WorkflowAccess] = {}
    names: Mapping[str, tuple[str, ...]] = {}
    """The names that a workflow has and had, by its id."""

    open_names: frozenset[str] = frozenset()
    """The names of the files without an `access`; a closed workflow may have had one of them before."""

    def hidden_from(self, p: Principal) -> HiddenNames:
        """Return the workflows that `p` may not see."""
        if p.role == "owner" or not self.by_id:
            return NOTHING_HIDDEN
        ids = frozenset(id_ for id_, access in self.by_id.items() if not access.allows(p, "see"))
        now = {name for name, access in self.by_name.items() if not access.allows(p, "see")}
        not_run = {name for name, access in self.by_name.items() if not access.allows(p, "run")}
        past = {name for id_ in ids for name in self.names[id_]} - self.open_names
        return HiddenNames(frozenset(now | past | (ids - self.open_names)), ids, frozenset(not_run | now))

    def of(self, name: str) -> WorkflowAccess | None:
        """Return the `access` of a workflow, or of the one whose branch has this name; also by the id of one gone."""
        workflow = name.partition("@")[0]
        return self.by_name.get(workflow) or (None if workflow in self.open_names else self.by_id.get(workflow))

    def has_named(self, name: str) -> bool:
        """Return whether one of them, or of their branches, has this name, or had it before its file was gone."""
        workflow = name.partition("@")[0]
        was_named = any(workflow == id_ or workflow in names for id_, names in self.names.items())
        return workflow in self.by_name or (was_named and workflow not in self.open_names)

    def of_id(self, id_: str) -> WorkflowAccess | None:
        """Return the same by id."""
        return self.by_id.get(id_.partition("@")[0])


class ClosedWorkflows:
    """Reads `access` from the files; remembers it for the runs of workflows that are deleted. Any thread."""

    def __init__(self, file_store: FileStore, settings: Settings, *, is_read_only: bool = False) -> None:
        """`is_read_only`: remember nothing, as the state cannot be written."""
        self._file_store, self._settings, self._is_read_only = file_store, settings, is_read_only
        self._read: dict[str, tuple[Stamp, str, WorkflowAccess | None]] = {}
        self._all_open: tuple[int, float] = (-1, 0.0)
        """The count of edits at which nothing was closed, and until when that may be taken for granted (monotonic)."""

    def now(self) -> Closed:
        """Return all of them; the first one that somebody writes by hand counts after a moment. Raises StorageError."""
        edits = self._file_store.edits
        if self._all_open[0] == edits and time.monotonic() < self._all_open[1]:
            return Closed()
        found = {name: self._of_file(name) for name in self._file_store.names()}
        kept = self._kept()
        if not kept and not any(access for _, access in found.values()):
            self._all_open = edits, time.monotonic() + _TRUSTED_SECONDS
            return Closed()
        here = {id_ for id_, _ in found.values()}
        told = {id_: structs.replace(one, is_gone=one.is_gone or id_ not in here) for id_, one in kept.items()}
        for name, (id_, access) in found.items():
            before = told.get(id_)
            if access is not None:
                names = (name, *(one for one in (before.names if before else ()) if one != name))
                is_shared = sum(one == id_ for one, _ in found.values()) > 1  # then its runs may be of either file
                told[id_] = _Kept(FAULTY if is_shared else access, names)
            elif (
                before is not None and not before.is_gone and all(a is None for one, a in found.values() if one == id_)
            ):
                del told[id_]  # somebody took it out of the file
        if not self._is_read_only:
            self._remember(kept, told)
        by_name = {name: access for name, (_, access) in found.items() if access is not None}
        ids = {id_: one.access for id_, one in told.items()}
        return Closed(by_name, ids, {id_: one.names for id_, one in told.items()}, frozenset(found) - set(by_name))

    def taken(self) -> set[str]:
        """Return the ids of those whose file is gone: no new workflow may get one, and with it the old runs."""
        self.now()
        return {id_ for id_, one in self._kept().items() if one.is_gone}

    def _kept(self) -> dict[str, _Kept]:
        kept = self._settings.with_prefix(PREFIX)
        return {key.removeprefix(PREFIX): json.decode(one, type=_Kept) for key, one in kept.items()}

    def _of_file(self, name: str) -> tuple[str, WorkflowAccess | None]:
        """Return the id and the `access` of a file."""
        # The stamp is taken first: a change during the reading is then noticed the next time.
        as_now, known = self._file_store.stamp(name), self._read.get(name)
        if as_now and known is not None and known[0] == as_now:
            return known[1:]
        try:
            document = self._file_store.document(name)
        except UnknownName:  # it has just been deleted
            return name, None
        except OrchestraError as error:
            return (known[1] if known else name), self._unreadable(name, error)
        found = workflow_id(document, name), access_of(document)
        if as_now:
            self._read[name] = (as_now, *found)
        return found

    def _unreadable(self, name: str, error: OrchestraError) -> WorkflowAccess | None:
        """Return that a damaged file is closed if it names `access`, or had one when it was last read."""
        known = self._read.get(name)
        if known is not None and known[2] is not None:
            return FAULTY
        if any(name in one.names for one in self._kept().values()):
            return FAULTY
        try:
            text = self._file_store.text(name)
        except OrchestraError:
            return FAULTY if isinstance(error, InvalidFile) and not error.problems else None
        return FAULTY if _MAY_NAME_IT.search(text) else None

    def _remember(self, before: Mapping[str, _Kept], now: Mapping[str, _Kept]) -> None:
        for id_, one in now.items():
            if before.get(id_) != one:
                self._settings.put(f"{PREFIX}{id_}", json.encode(one).decode())
        for id_ in before.keys() - now.keys():
            self._settings.remove(f"{PREFIX}{id_}")
