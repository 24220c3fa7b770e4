"""The language of the dashboard for each user."""

from __future__ import annotations

import re

from engine.base.errors import InvalidInput
from engine.people.access import Principal, require
from engine.people.operation import operation
from engine.people.people import existing
from engine.store.people.people import People
from engine.store.settings import Settings

_CODE = re.compile(r"[a-z]{2,3}")


class Languages:
    """The `languages` area: what users have chosen; "" follows the language of their browser."""

    def __init__(self, settings: Settings, people: People) -> None:
        self._settings, self._people = settings, people

    def get(self, user_id: str) -> str:
        """Return the code of a user's language, such as `de`; "" if they have chosen none."""
        return self._settings.get(_key(user_id))

    @operation("users.set_language", None, "", "Choose the language of a user")
    def set(self, p: Principal, user_id: str, language: str) -> None:
        """Choose the language of a user, "" for the browser's; users may choose their own.

        The dashboard shows English instead of a language that it does not have. Raises InvalidInput, UnknownName,
        NotAllowed.
        """
        if p.id != user_id:
            require(p, "admin", "choose the language of somebody else")
        if language and not _CODE.fullmatch(language):
            raise InvalidInput(
                f"{language!r} is not the code of a language.", remedy="Use one such as 'de', or '' for the browser's."
            )
        existing(self._people.users(), user_id)
        self._settings.change(_key(user_id), lambda _before: language or None)


def is_language_of(user_id: str, key: str) -> bool:
    """Return whether a setting is the language of a user."""
    return key == _key(user_id)


def _key(user_id: str) -> str:
    return f"language.{user_id}"
