"""Lists of a person about a workflow or a prompt, kept in the state: they survive a reload and a restart."""

from __future__ import annotations

import builtins
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from msgspec import Struct

from engine.base.errors import InvalidInput, UnknownName
from engine.people.access import Principal
from engine.store.settings import Settings


class _Kept(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def id(self) -> str: ...


One = TypeVar("One", bound=_Kept)


class RecordFormat(Struct, Generic[One], frozen=True):
    """How records of a kind are kept."""

    prefix: str
    """What the keys of its settings begin with."""
    what: str
    """What one is called: "proposal"."""
    read: Callable[[Mapping[str, Any]], One]
    most: int
    """Records that are kept of each person and name."""
    most_characters: int
    """How long all of them may be together, as JSON."""
    member: str = ""
    """Which member has the name of what it is about, if one has."""

    def is_of(self, user_id: str, key: str) -> bool:
        """Return whether a setting has records of a person."""
        return key.startswith(self.prefix) and key.rpartition(".")[0] == f"{self.prefix}{user_id}"  # ids may have dots


class KeptLists(Generic[One]):
    """The last records of each person about each workflow or prompt, oldest first."""

    def __init__(self, settings: Settings, form: RecordFormat[One]) -> None:
        self._settings, self._form = settings, form

    def list(self, p: Principal, name: str) -> list[One]:
        """Return the records, oldest first."""
        return self._read(self._settings.get(self._key(p, name)))

    def get(self, p: Principal, name: str, id_: str) -> One:
        """Return a record by its id. Raises UnknownName."""
        found = self.list(p, name)
        one = next((one for one in found if one.id == id_), None)
        if one is None:
            raise self._unknown(id_, found)
        return one

    def add(self, p: Principal, name: str, new: One) -> One:
        """Store a new record and return it; the oldest go. Raises InvalidInput if it alone is too large."""
        most = self._form.most_characters
        if len(json.dumps(asdict(new))) > most:
            raise InvalidInput(f"The {self._form.what} is larger than {most:,} characters.", remedy="Do it in parts.")
        self._settings.change(self._key(p, name), lambda kept: self._written([*self._read(kept), new]))
        return new

    def change(self, p: Principal, name: str, id_: str, change: Callable[[One], One]) -> One:
        """Replace one with the result of `change`, as it is stored now; return it. Raises UnknownName."""
        changed: One | None = None

        def within(kept: str) -> str | None:
            nonlocal changed
            found = self._read(kept)
            for index, one in enumerate(found):
                if one.id == id_:
                    changed = found[index] = change(one)
            return self._written(found) if found else None

        self._settings.change(self._key(p, name), within)
        if changed is None:
            raise self._unknown(id_, self.list(p, name))
        return changed

    def remove(self, p: Principal, name: str) -> None:
        """Delete all records of a person about something."""
        self._settings.remove(self._key(p, name))

    @contextmanager
    def kept_over(self, p: Principal, name: str) -> Iterator[None]:
        """Keep the records while a workflow is created, which forgets what there was of an earlier one of this name."""
        kept = self._settings.get(self._key(p, name))
        yield
        if kept:
            self._settings.put(self._key(p, name), kept)

    def follow(self, name: str, new: str = "") -> None:
        """Rename what is kept of something renamed; delete it if there is no new name."""

        def moved(kept: dict[str, str]) -> dict[str, str]:
            old, mine = f".{name}", f".{new}"
            left = {key: value for key, value in kept.items() if not key.endswith((old, mine) if new else old)}
            theirs = {key: value for key, value in kept.items() if new and key.endswith(old)}
            return left | {key.removesuffix(old) + mine: self._renamed(value, new) for key, value in theirs.items()}

        self._settings.change_all(self._form.prefix, moved)

    def _renamed(self, kept: str, new: str) -> str:
        member = self._form.member
        return json.dumps([{**one, member: new} for one in json.loads(kept)]) if member else kept

    def _key(self, p: Principal, name: str) -> str:
        return f"{self._form.prefix}{p.id}.{name}"

    def _read(self, kept: str) -> builtins.list[One]:
        return [self._form.read(one) for one in json.loads(kept)] if kept else []

    def _written(self, found: builtins.list[One]) -> str:
        parts = [json.dumps(asdict(one)) for one in found[-self._form.most :]]
        while len(parts) > 1 and sum(map(len, parts)) > self._form.most_characters:
            parts.pop(0)
        return f"[{','.join(parts)}]"

    def _unknown(self, id_: str, found: builtins.list[One]) -> UnknownName:
        return UnknownName(self._form.what, id_, [one.id for one in found])
