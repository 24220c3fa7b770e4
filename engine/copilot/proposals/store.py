"""The proposals of people, kept in the state: they survive a reload and a restart."""

from __future__ import annotations

import builtins
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from engine.base.errors import InvalidInput, UnknownName
from engine.copilot.proposals.records import proposal_of
from engine.people.access import Principal
from engine.store.settings import Settings

PREFIX = "copilot_proposals."
MOST = 20
"""Proposals that are kept of each workflow and person."""
MOST_CHARACTERS = 2_000_000
"""Of them together, as JSON."""


class _Kept(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def id(self) -> str: ...


One = TypeVar("One", bound=_Kept)


@dataclass(frozen=True)
class Form(Generic[One]):
    """How proposals of a kind are kept."""

    prefix: str
    """Of the settings."""
    member: str
    """Which one names what they are for: "workflow"."""
    read: Callable[[Mapping[str, Any]], One]


FOR_WORKFLOWS = Form(PREFIX, "workflow", proposal_of)


class ProposalStore(Generic[One]):
    """The last proposals of each person for each workflow, or for each prompt, oldest first."""

    def __init__(self, settings: Settings, form: Form[One]) -> None:
        self._settings, self._form = settings, form

    def list(self, p: Principal, name: str) -> list[One]:
        """Return the proposals, oldest first."""
        return self._read(self._settings.get(self._key(p, name)))

    def get(self, p: Principal, name: str, id_: str) -> One:
        """Return one by its id. Raises UnknownName."""
        found = self.list(p, name)
        one = next((one for one in found if one.id == id_), None)
        if one is None:
            raise UnknownName("proposal", id_, [one.id for one in found])
        return one

    def add(self, p: Principal, proposal: One) -> One:
        """Store a new proposal and return it; the oldest go. Raises InvalidInput if it alone is too large."""
        if len(json.dumps(_stored(proposal))) > MOST_CHARACTERS:
            raise InvalidInput(
                f"The proposal is larger than {MOST_CHARACTERS:,} characters.", remedy="Propose it in parts."
            )
        name = str(getattr(proposal, self._form.member))
        self._settings.change(self._key(p, name), lambda kept: _written([*self._read(kept), proposal]))
        return proposal

    def change(self, p: Principal, name: str, id_: str, change: Callable[[One], One]) -> One:
        """Replace one with the result of `change`, as it is stored now; return it. Raises UnknownName."""
        changed: One | None = None

        def within(kept: str) -> str | None:
            nonlocal changed
            found = self._read(kept)
            for index, one in enumerate(found):
                if one.id == id_:
                    changed = found[index] = change(one)
            return _written(found) if found else None

        self._settings.change(self._key(p, name), within)
        if changed is None:
            raise UnknownName("proposal", id_, [one.id for one in self.list(p, name)])
        return changed

    def follow(self, name: str, new: str = "") -> None:
        """Rename what is kept of something renamed; delete it if there is no new name."""

        def renamed(kept: str) -> str:
            return json.dumps([{**one, self._form.member: new} for one in json.loads(kept)])

        def moved(kept: dict[str, str]) -> dict[str, str]:
            old, mine = f".{name}", f".{new}"
            left = {key: value for key, value in kept.items() if not key.endswith((old, mine) if new else old)}
            theirs = {key: value for key, value in kept.items() if new and key.endswith(old)}
            return left | {key.removesuffix(old) + mine: renamed(value) for key, value in theirs.items()}

        self._settings.change_all(self._form.prefix, moved)

    def _key(self, p: Principal, name: str) -> str:
        return f"{self._form.prefix}{p.id}.{name}"

    def _read(self, kept: str) -> builtins.list[One]:
        return [self._form.read(one) for one in json.loads(kept)] if kept else []


def is_kept_of(form: Form[Any], user_id: str, key: str) -> bool:
    """Return whether a setting has the proposals of a person."""
    return key.startswith(form.prefix) and key.rpartition(".")[0] == f"{form.prefix}{user_id}"  # an id may have dots


def _stored(proposal: _Kept) -> dict[str, Any]:
    return asdict(proposal)


def _written(found: list[One]) -> str:
    parts = [json.dumps(_stored(one)) for one in found[-MOST:]]
    while len(parts) > 1 and sum(map(len, parts)) > MOST_CHARACTERS:
        parts.pop(0)
    return f"[{','.join(parts)}]"
