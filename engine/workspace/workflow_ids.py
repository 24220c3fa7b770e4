"""Which workflow file has which id."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from functools import lru_cache
from itertools import count

from engine.base.errors import OrchestraError
from engine.base.names import branch_parts, checked_workflow, workflow_id
from engine.files.fingerprint import Stamp
from engine.workspace.file_store import FileStore

_LONGEST = 64


class WorkflowIds:
    """Reads ids from the files; a file is parsed again only if it has changed. Any thread."""

    def __init__(self, shelf: FileStore) -> None:
        self._shelf = shelf
        self.reserved: Callable[[], AbstractSet[str]] = frozenset
        """Returns ids that no new workflow may have, although no file has them; remembers those that it reads."""
        self._known: dict[str, tuple[Stamp, str]] = {}
        """The stamp of a file, and the id in it, by name: every start of a run asks for all ids."""

    def of(self, name: str) -> str:
        """Return the id of a workflow; the name itself if there is no such file, or it cannot be read."""
        return self._read(name) or name

    def known(self, name: str) -> str | None:
        """Return the id of a workflow, None if there is no such file, or it cannot be read."""
        return self._read(name)

    def name(self, id_: str) -> str | None:
        """Return the name of the workflow with this id, None if no readable file has it."""
        return self.naming()(id_)

    def naming(self) -> Callable[[str], str | None]:
        """Return `name` as a function that reads all files at most once."""
        asked = self.asked()
        return lambda id_: id_ if self._read(id_) == id_ else self._named(id_, asked)

    def _named(self, id_: str, asked: Callable[[str], list[str]]) -> str | None:
        """Return the name of the workflow or branch with an id, which differs from the name."""
        workflow, branch = branch_parts(id_)
        names = (f"{name}@{branch}" if branch else name for name in asked(workflow))
        return next((name for name in names if not branch or self._read(name) == id_), None)

    def by_id(self) -> Mapping[str, list[str]]:
        """Return the names of the readable workflows by id, sorted; usually one for each id."""
        found: dict[str, list[str]] = defaultdict(list)
        for name in self._shelf.names():
            id_ = self._read(name)
            if id_ is not None:
                found[id_].append(name)
        return found

    def asked(self) -> Callable[[str], list[str]]:
        """Return a function from an id to the names with it; it reads the files once, when it is first called."""
        by_id = lru_cache(1)(self.by_id)
        return lambda id_: by_id().get(id_, [])

    def is_copy(self, name: str) -> bool:
        """Return whether another file has the same id, and this one does not state its own name as its id."""
        id_ = self._read(name)
        return id_ not in (None, name) and len(self.by_id().get(id_, [])) > 1

    def free(self, wanted: str) -> str:
        """Return `wanted` as the id of a new workflow, with a number if a file has that id: `inbox-triage-2`."""
        taken = self.by_id().keys() | self.reserved()
        numbered = (f"{wanted[: _LONGEST - len(str(number)) - 1]}-{number}" for number in count(2))
        return wanted if wanted not in taken else next(one for one in numbered if one not in taken)

    def is_free(self, id_: object) -> bool:
        """Return whether a new workflow may have this id."""
        # Lists, because an id in a file may be a value that cannot be hashed.
        return id_ not in list(self.by_id()) and id_ not in list(self.reserved())

    def _read(self, name: str) -> str | None:
        """Return the id of a file, None if it cannot be read, or no workflow can have this name."""
        try:
            as_now = self._shelf.stamp(checked_workflow(name))
            known = self._known.get(name)
            if as_now and known is not None and known[0] == as_now:
                return known[1]
            id_ = workflow_id(self._shelf.document(name), name)
        except OrchestraError:
            return None
        if as_now:
            self._known[name] = (as_now, id_)
        return id_
