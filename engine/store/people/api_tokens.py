"""The port of API tokens. They come here only as hashes."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from engine.store.people.audit import AuditEntry


class TokenRecord(NamedTuple):
    """An API token as stored; times are RFC 3339 texts in UTC."""

    id_hash: str
    user_id: str
    name: str
    role: str
    """The highest role it acts with; empty: the role of its user."""
    mcp_only: int
    created_at: str
    expires_at: str
    """Empty: it has no end date."""
    used_at: str = ""
    """The time of the last use, to the hour; empty: never."""
    networks: str = ""
    """The networks it was used from, separated by blanks."""


class TokenStore(Protocol):
    """Keeps API tokens. Any thread; each change is one transaction with its line in the audit trail.

    The tokens of a user go with the user (`People.remove`).
    """

    def found(self, id_hash: str) -> TokenRecord | None:
        """Return a token, expired or not. Every request with one asks."""

    def of(self, user_id: str) -> list[TokenRecord]:
        """Return the tokens of a user, by name."""

    def add(self, token: TokenRecord, most: int, entry: AuditEntry) -> bool | None:
        """Store a token; return False if the user has one of this name, None if they have `most` or are unknown."""

    def note_use(self, id_hash: str, used_at: str) -> None:
        """Store when a token was used."""

    def note_network(self, id_hash: str, network: str, most: int, entry: AuditEntry) -> None:
        """Store a network that a token is used from, up to `most`; `entry`: only if it is new, and not the first."""

    def revoke(self, user_id: str, prefix: str, entry: AuditEntry) -> bool:
        """Delete the token of a user whose hash begins with `prefix`; return whether there was one."""
