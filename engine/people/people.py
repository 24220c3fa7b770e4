"""The rows of the users table, and what may stand in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from engine.errors import InvalidInput, UnknownName
from engine.names import moment_of
from engine.people.access import ROLES, Role
from engine.store.tables import users

if TYPE_CHECKING:
    from sqlalchemy import Connection

OWNER = "owner"
"""Whom the first start makes, and whose link `orchestra login-link` prints."""

_USER_ID = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}\Z")
_LONGEST_NAME = 100


@dataclass(frozen=True)
class User:
    """A person of this workspace, without anything secret."""

    id: str
    name: str
    role: Role
    has_password: bool
    created_at: datetime


def found(connection: Connection, user_id: str) -> Any:
    """Return the row of a user, or None."""
    return connection.execute(users.select().where(users.c.id == user_id)).one_or_none()


def existing(connection: Connection, user_id: str) -> Any:
    """Return the row of a user; raise UnknownName."""
    row = found(connection, user_id)
    if row is None:
        raise UnknownName("user", user_id, list(connection.execute(users.select()).scalars()))
    return row


def change(connection: Connection, user_id: str, **values: str) -> None:
    """Put new values into the row of a user; raise UnknownName."""
    existing(connection, user_id)
    connection.execute(users.update().where(users.c.id == user_id).values(**values))


def keep_an_owner(connection: Connection, user_id: str) -> None:
    """Raise InvalidInput where `user_id` is the only owner: nobody could let anybody in again."""
    existing(connection, user_id)
    owners = [row.id for row in connection.execute(users.select().where(users.c.role == OWNER))]
    if owners == [user_id]:
        raise InvalidInput(f"{user_id} is the only owner.", remedy="Make somebody else an owner first.")


def as_user(row: Any) -> User:
    """Return what may be shown of a row."""
    return User(row.id, row.name, row.role, row.password_hash is not None, moment_of(row.created_at))


def checked_id(user_id: str) -> str:
    """Return `user_id` if a user may have it; raise InvalidInput. It never looks like `local:<os user>`."""
    if not _USER_ID.match(user_id):
        raise InvalidInput(
            f"{user_id!r} cannot be the id of a user.",
            remedy="Use lower-case letters, digits and . _ @ + - (at most 64); a mail address is good.",
        )
    return user_id


def checked_person(name: str) -> str:
    """Return a person's name, trimmed; raise InvalidInput."""
    if not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
        raise InvalidInput("The name is empty, over 100 characters, or has signs that cannot be shown.")
    return name.strip()


def checked_role(role: str) -> Role:
    """Return `role` if there is such a role; raise InvalidInput."""
    if role not in ROLES:
        raise InvalidInput(f"{role!r} is not a role.", remedy=f"The roles are: {', '.join(ROLES)}.")
    return role
