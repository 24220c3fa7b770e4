"""Users as people see them, and the valid values of what is stored about them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from engine.base.clock import moment_of
from engine.base.errors import InvalidInput, UnknownName
from engine.people.access import LOCAL, PROGRAM, ROLES, Role
from engine.store.people.people import People, UserRecord

OWNER = "owner"
"""The user created at the first start, for whom `orchestra login-link` prints a link."""

_USER_ID = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}\Z")
_LONGEST_NAME = 100


def is_known(people: People, name: str) -> bool:
    """Return whether a name belongs to a user, or to somebody at the command line."""
    return name.startswith(LOCAL) or people.user(name) is not None


@dataclass(frozen=True)
class User:
    """A user of this workspace, without secrets."""

    id: str
    name: str
    role: Role
    has_password: bool
    created_at: datetime


@dataclass(frozen=True)
class Member(User):
    """A user as shown to owners: the last sign-in (None: never), and the number of open sessions."""

    last_sign_in_at: datetime | None
    sessions: int
    issuer: str = ""
    """The sign-in provider with which they are linked; empty: none."""


def existing(users: Sequence[UserRecord], user_id: str) -> UserRecord:
    """Return the record of a user; raise UnknownName for an unknown id."""
    for user in users:
        if user.id == user_id:
            return user
    raise UnknownName("user", user_id, [user.id for user in users])


def keep_an_owner(users: Sequence[UserRecord], user_id: str) -> None:
    """Raise InvalidInput if `user_id` is the only owner: nobody else could add users again."""
    existing(users, user_id)
    if [user.id for user in users if user.role == OWNER] == [user_id]:
        raise InvalidInput(f"{user_id} is the only owner.", remedy="Make somebody else an owner first.")


def as_user(record: UserRecord) -> User:
    """Return the public part of a record."""
    has_password = record.password_hash is not None
    return User(record.id, record.name, as_role(record.role), has_password, moment_of(record.created_at))


def as_role(role: str) -> Role:
    """Return a role as stored."""
    return cast("Role", role)


def checked_id(user_id: str) -> str:
    """Return `user_id` if it is a valid id; raise InvalidInput. It never looks like `local:<os user>`."""
    if not _USER_ID.match(user_id):
        raise InvalidInput(
            f"{user_id!r} cannot be the id of a user.",
            remedy="Use lower-case letters, digits and . _ @ + - (at most 64); a mail address is good.",
        )
    if user_id in PROGRAM:
        raise InvalidInput(
            f"{user_id!r} cannot be the id of a user: it is the name for what AI-Orchestra does by itself.",
            remedy="Use another id.",
        )
    return user_id


def checked_person(name: str) -> str:
    """Return a person's name, trimmed; raise InvalidInput if it is invalid."""
    if not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
        is_long = len(name) > _LONGEST_NAME
        seen = f"{name[:_LONGEST_NAME]}…" if is_long else name
        raise InvalidInput(
            f"{seen!r} cannot be a name{f': it has {len(name):,} characters' if is_long else ''}.",
            remedy=f"Use 1 to {_LONGEST_NAME} characters that can be shown, and not only blanks.",
        )
    return name.strip()


def checked_role(role: str) -> Role:
    """Return `role` if it exists; raise InvalidInput otherwise."""
    if role not in ROLES:
        raise InvalidInput(f"{role!r} is not a role.", remedy=f"The roles are: {', '.join(ROLES)}.")
    return role
