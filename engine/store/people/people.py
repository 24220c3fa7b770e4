"""The port of users: who may sign in, with which role and password."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, TypeAlias

from engine.store.people.audit import AuditEntry


class UserRecord(NamedTuple):
    """A user as stored; without a password they sign in by link. `created_at` is RFC 3339 text in UTC."""

    id: str
    name: str
    role: str
    password_hash: str | None
    created_at: str
    sign_outs: int = 0
    """How often all their sessions were ended: access tokens depend on it."""


Check: TypeAlias = Callable[[Sequence[UserRecord]], None]
"""Raises an error if a change must not happen; it gets all users, by id, as they are inside the transaction."""


class People(Protocol):
    """Keeps the users. Any thread; a change and its line in the audit trail are one transaction."""

    def users(self) -> list[UserRecord]:
        """Return all users, by id."""

    def user(self, user_id: str) -> UserRecord | None:
        """Return a user, if known; fast, since many requests ask for one."""

    def add_first(self, user: UserRecord) -> None:
        """Add a user unless the id is taken: another process may have added the same."""

    def add(self, user: UserRecord, entry: AuditEntry) -> bool:
        """Add a user; return False if the id is taken."""

    def set_role(self, user_id: str, role: str, entry: AuditEntry, check: Check) -> None:
        """Give a user another role, unless `check` raises."""

    def set_password(self, user_id: str, password_hash: str, entry: AuditEntry, keep_session: str | None) -> bool:
        """Replace a password; return False if the user is unknown.

        The user's sessions (except the one with the hash `keep_session`), links and failed tries go with the old one.
        """

    def give_password(self, user_id: str, password_hash: str, entry: AuditEntry) -> UserRecord | None:
        """Set the first password of a user; return None, and change nothing, if the user is unknown or has one."""

    def remove(self, user_id: str, entry: AuditEntry, check: Check, is_theirs: Callable[[str], bool]) -> None:
        """Delete a user with their identity, sessions, links, tokens, failed tries and settings, unless `check` raises.

        `is_theirs` tells by its key whether a setting belongs to the user.
        """
