"""The port of identities: who a user is at a sign-in provider (OpenID Connect)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from msgspec import Struct

from engine.store.people.audit import AuditEntry
from engine.store.people.people import Check, UserRecord
from engine.store.people.sign_ins import NewSession, Success


class Identity(NamedTuple):
    """A person at a provider. The subject never changes, and nobody else ever gets it (OpenID Connect Core, 2)."""

    issuer: str
    subject: str


class OpenedSession(Struct, frozen=True):
    """What a sign-in by a provider stores, once its user is known."""

    session: NewSession
    success: Success
    role: str
    """The user's role from now on."""
    entries: tuple[AuditEntry, ...] = ()
    """For a user who was added, or a role that changed."""


class Identities(Protocol):
    """Keeps identities. Any thread; each change is one transaction with its line in the audit trail.

    The identity of a user goes with the user (`People.remove`).
    """

    def all(self) -> Mapping[str, Identity]:
        """Return the identity of each user who has one."""

    def of(self, user_id: str) -> Identity | None:
        """Return the identity of a user."""

    def user(self, identity: Identity) -> UserRecord | None:
        """Return whose identity it is."""

    def sign_in(
        self,
        identity: Identity,
        new: UserRecord | None,
        opened: Callable[[UserRecord | None], OpenedSession],
        check: Check,
    ) -> bool:
        """Sign in whoever has this identity; if nobody has it, add the user `new` with it.

        `opened` gets the user as known so far, None for a new one. `check` may raise; it gets all users as they will
        be. Return False, and change nothing, if `new` is needed but is None, or its id is taken.
        """

    def link(self, user_id: str, identity: Identity, entry: AuditEntry) -> bool | None:
        """Give a user an identity in place of any other; return False if somebody else has it, None for no such user.

        The user's sessions end.
        """

    def unlink(self, user_id: str, entry: AuditEntry) -> bool:
        """Remove the identity of a user, and end their sessions; return whether there was one."""
