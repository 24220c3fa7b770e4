"""The model that each person lets conversations go to, kept in the state."""

from __future__ import annotations

import json

from engine.people.access import Principal
from engine.store.settings import Settings

_PREFIX = "copilot_agreed."


class ModelConsents:
    """One for each person: a host, a model there, and the digest of the words that say what goes there."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def get(self, p: Principal) -> list[str]:
        """Return to what a person has agreed, [host, model, digest]; empty if to nothing."""
        kept = self._settings.get(_PREFIX + p.id)
        found: list[str] = json.loads(kept) if kept else []
        return found

    def put(self, p: Principal, host: str, model: str, digest: str) -> None:
        """Store to what a person agrees."""
        self._settings.put(_PREFIX + p.id, json.dumps([host, model, digest]))

    def remove(self, p: Principal) -> None:
        """Forget the model that a person lets conversations go to."""
        self._settings.remove(_PREFIX + p.id)


def is_agreement_of(user_id: str, key: str) -> bool:
    """Return whether a setting has the consent of a person."""
    return key == _PREFIX + user_id
