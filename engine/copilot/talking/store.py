"""The conversations of people, kept in the state: they survive a reload and a restart."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from engine.base.errors import UnknownName
from engine.copilot.talking.records import Conversation, Turn, stored, turn_of
from engine.people.access import Principal
from engine.store.settings import Settings

PREFIX = "copilot_talk."
_AGREED = "copilot_agreed."
MOST = 40
"""Turns that are kept of each workflow and person."""
MOST_CHARACTERS = 1_000_000
"""Of them together, as JSON."""


class TalkStore:
    """The last turns of each person about each workflow, and to whom each person lets them go."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def conversation(self, p: Principal, workflow: str) -> Conversation:
        """Return the conversation, empty if there is none."""
        kept = self._settings.get(_key(p, workflow))
        return _read(workflow, kept)

    def add(self, p: Principal, workflow: str, turn: Turn) -> None:
        """Store a new turn; the oldest go."""

        def added(kept: str) -> str:
            found = _read(workflow, kept)
            is_outside = found.from_outside or turn.sent.from_outside
            return _written(replace(found, turns=[*found.turns, turn], from_outside=is_outside))

        self._settings.change(_key(p, workflow), added)

    def change(self, p: Principal, workflow: str, id_: str, change: Callable[[Turn], Turn]) -> Turn:
        """Replace a turn with the result of `change`, as it is stored now; return it. Raises UnknownName."""
        changed: Turn | None = None

        def within(kept: str) -> str | None:
            nonlocal changed
            found = _read(workflow, kept)
            turns = list(found.turns)
            for index, one in enumerate(turns):
                if one.id == id_:
                    changed = turns[index] = change(one)
            is_outside = found.from_outside or (changed is not None and changed.sent.from_outside)
            return _written(replace(found, turns=turns, from_outside=is_outside)) if turns else None

        self._settings.change(_key(p, workflow), within)
        if changed is None:
            raise UnknownName("turn", id_, [one.id for one in self.conversation(p, workflow).turns])
        return changed

    def forget(self, p: Principal, workflow: str) -> None:
        """Delete a conversation."""
        self._settings.remove(_key(p, workflow))

    @contextmanager
    def kept_over(self, p: Principal, workflow: str) -> Iterator[None]:
        """Keep a conversation while its workflow is created, which forgets those of an earlier one of this name."""
        kept = self._settings.get(_key(p, workflow))
        yield
        if kept:
            self._settings.put(_key(p, workflow), kept)

    def agreed(self, p: Principal) -> tuple[str, str]:
        """Return the (host, model) to which a person lets conversations go; empty if none."""
        kept = self._settings.get(_AGREED + p.id)
        host, model = json.loads(kept) if kept else ("", "")
        return host, model

    def agree(self, p: Principal, host: str, model: str) -> None:
        """Store to whom a person lets conversations go."""
        self._settings.put(_AGREED + p.id, json.dumps([host, model]))

    def disagree(self, p: Principal) -> None:
        """Forget to whom a person lets conversations go."""
        self._settings.remove(_AGREED + p.id)

    def follow(self, name: str, new: str = "") -> None:
        """Rename what is kept of a renamed workflow; delete it if there is no new name."""

        def moved(kept: dict[str, str]) -> dict[str, str]:
            old, mine = f".{name}", f".{new}"
            left = {key: value for key, value in kept.items() if not key.endswith((old, mine) if new else old)}
            theirs = {key: value for key, value in kept.items() if new and key.endswith(old)}
            return left | {key.removesuffix(old) + mine: value for key, value in theirs.items()}

        self._settings.change_all(PREFIX, moved)


def is_talk_of(user_id: str, key: str) -> bool:
    """Return whether a setting has a conversation of a person, or what they have agreed to."""
    is_talk = key.startswith(PREFIX) and key.rpartition(".")[0] == f"{PREFIX}{user_id}"  # an id may have dots
    return is_talk or key == _AGREED + user_id


def _key(p: Principal, workflow: str) -> str:
    return f"{PREFIX}{p.id}.{workflow}"


def _read(workflow: str, kept: str) -> Conversation:
    found: dict[str, Any] = json.loads(kept) if kept else {"turns": [], "from_outside": False}
    return Conversation(workflow, [turn_of(one) for one in found["turns"]], found["from_outside"])


def _written(found: Conversation) -> str:
    turns = [json.dumps(stored(one)) for one in found.turns[-MOST:]]
    while len(turns) > 1 and sum(map(len, turns)) > MOST_CHARACTERS:
        turns.pop(0)
    return f'{{"from_outside": {json.dumps(found.from_outside)}, "turns": [{",".join(turns)}]}}'
