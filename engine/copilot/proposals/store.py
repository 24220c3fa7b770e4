"""The proposals of people, kept in the state: they survive a reload and a restart."""

from __future__ import annotations

import json
from collections.abc import Callable

from engine.base.errors import InvalidInput, UnknownName
from engine.copilot.proposals.records import Proposal, proposal_of, stored
from engine.people.access import Principal
from engine.store.settings import Settings

_PREFIX = "copilot_proposals."
MOST = 20
"""Proposals that are kept of each workflow and person."""
MOST_CHARACTERS = 2_000_000
"""Of them together, as JSON."""


class ProposalStore:
    """The last proposals of each person for each workflow, oldest first."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def list(self, p: Principal, workflow: str) -> list[Proposal]:
        """Return the proposals, oldest first."""
        return _read(self._settings.get(_key(p, workflow)))

    def get(self, p: Principal, workflow: str, id_: str) -> Proposal:
        """Return one by its id. Raises UnknownName."""
        found = self.list(p, workflow)
        one = next((one for one in found if one.id == id_), None)
        if one is None:
            raise UnknownName("proposal", id_, [one.id for one in found])
        return one

    def add(self, p: Principal, proposal: Proposal) -> Proposal:
        """Store a new proposal and return it; the oldest go. Raises InvalidInput if it alone is too large."""
        if len(json.dumps(stored(proposal))) > MOST_CHARACTERS:
            raise InvalidInput(
                f"The proposal is larger than {MOST_CHARACTERS:,} characters.", remedy="Propose it in parts."
            )
        self._settings.change(_key(p, proposal.workflow), lambda kept: _written([*_read(kept), proposal]))
        return proposal

    def change(self, p: Principal, workflow: str, id_: str, change: Callable[[Proposal], Proposal]) -> Proposal:
        """Replace one with the result of `change`, as it is stored now; return it. Raises UnknownName."""
        changed: Proposal | None = None

        def within(kept: str) -> str | None:
            nonlocal changed
            found = _read(kept)
            for index, one in enumerate(found):
                if one.id == id_:
                    changed = found[index] = change(one)
            return _written(found) if found else None

        self._settings.change(_key(p, workflow), within)
        if changed is None:
            raise UnknownName("proposal", id_, [one.id for one in self.list(p, workflow)])
        return changed

    def follow(self, name: str, new: str = "") -> None:
        """Rename what is kept of a renamed workflow; delete it if there is no new name."""

        def moved(kept: dict[str, str]) -> dict[str, str]:
            old, mine = f".{name}", f".{new}"
            left = {key: value for key, value in kept.items() if not key.endswith((old, mine) if new else old)}
            theirs = {key: value for key, value in kept.items() if new and key.endswith(old)}
            return left | {key.removesuffix(old) + mine: _renamed(value, new) for key, value in theirs.items()}

        self._settings.change_all(_PREFIX, moved)


def is_proposals_of(user_id: str, key: str) -> bool:
    """Return whether a setting has the proposals of a person."""
    return key.startswith(_PREFIX) and key.rpartition(".")[0] == f"{_PREFIX}{user_id}"  # an id may have dots


def _key(p: Principal, workflow: str) -> str:
    return f"{_PREFIX}{p.id}.{workflow}"


def _read(kept: str) -> list[Proposal]:
    return [proposal_of(one) for one in json.loads(kept)] if kept else []


def _written(found: list[Proposal]) -> str:
    parts = [json.dumps(stored(one)) for one in found[-MOST:]]
    while len(parts) > 1 and sum(map(len, parts)) > MOST_CHARACTERS:
        parts.pop(0)
    return f"[{','.join(parts)}]"


def _renamed(kept: str, new: str) -> str:
    return json.dumps([{**one, "workflow": new} for one in json.loads(kept)])
