"""API tokens: named, long-lived secrets with which programs act for a user; they are stored only as hashes."""

from __future__ import annotations

import builtins
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated

from msgspec import Meta, Struct

from clients.secrets import known
from engine.base.clock import Clock, moment_of, timestamp
from engine.base.errors import InUse, InvalidInput, NotAllowed, StorageError, TooManyTries, UnknownName
from engine.people.access import ROLES, Principal, Role, require, require_person
from engine.people.audit import Audit
from engine.people.login_limit import LoginLimit
from engine.people.networks import place_in_network
from engine.people.operation import Face, operation
from engine.people.people import as_role, checked_person, checked_role, existing
from engine.people.sessions import hashed, is_shown_id
from engine.store.people.api_tokens import TokenRecord, TokenStore
from engine.store.people.audit import AuditEntry
from engine.store.people.people import People

PREFIX = "orch_"
"""Scanners for leaked secrets find tokens by it: `orch_` and 64 hexadecimal digits."""
DAYS = 90  # unless whoever makes it says otherwise
DAYS_MOST = 3_650
UNUSED = timedelta(days=365)
"""A token that is not used for this long ends, even without an end date."""
MOST = 50
"""The most tokens of one user."""
NEW_NETWORK = "tokens.new_network"
"""What the audit trail calls the use of a token from a network that is new."""
NETWORKS_MOST = 20
"""How many networks of a token are noted: one that is used from more is at home everywhere."""
_USED_AFTER = timedelta(hours=1)
"""The last use is stored at most this often: otherwise each request would be a write."""
_SHOWN_ID = 16  # hex digits of the hash: enough to tell tokens apart, useless for signing in
_WRONG = "?api-token"
"""The account under which wrong tokens are counted; no user has this id."""


@dataclass(frozen=True)
class ApiToken:
    """A token for display; `id` identifies it and cannot be used to sign in."""

    id: str
    user_id: str
    name: str
    role: Role | None
    """The highest role with which it acts; None: its user's role."""
    mcp_only: bool
    created_at: datetime
    ends_at: datetime | None
    """None: it has no end date."""
    used_at: datetime | None
    """Precise to the hour."""
    is_valid: bool
    networks: tuple[str, ...]
    """The networks it was used from, the newest last: /24 of IPv4, /48 of IPv6, "loopback"; at most 20."""


@dataclass(frozen=True)
class NewToken(ApiToken):
    """A token just made: the only time that its secret is known."""

    token: str = field(repr=False)
    """Shown only once."""


class RevokedToken(Struct, frozen=True):
    """A token that has ended."""

    id: str
    revoked: bool = True

    @staticmethod
    def of(found: str, _given: object) -> RevokedToken:
        """Return the answer for an id."""
        return RevokedToken(found)


UserId = Annotated[str, Meta(description="Whose token."), Face(option="--user", metavar="ID", default="owner")]


class ApiTokens:
    """The API tokens of one workspace; thread-safe."""

    def __init__(self, tokens: TokenStore, people: People, limit: LoginLimit, audit: Audit, clock: Clock) -> None:
        self._tokens, self._people, self._limit, self._audit, self._clock = tokens, people, limit, audit, clock

    @operation(
        "tokens.create",
        None,
        "",
        "Create an API token",
        "POST /api/users/{user_id}/tokens",
        "tokens create",
        status=201,
        is_secret=True,
        raises={InUse: "The name is taken"},
    )
    def create(
        self,
        p: Principal,
        user_id: UserId,
        name: Annotated[
            str, Meta(min_length=1, max_length=100, description="What it is for, such as laptop.", examples=["laptop"])
        ],
        *,
        days: Annotated[
            int | None,
            Meta(ge=1, description="How long it lasts."),
            Face(none=("--no-end", "Without an end date.")),
        ] = DAYS,
        role: Annotated[str | None, Meta(max_length=20, description="At most this role; default: the user's.")] = None,
        mcp_only: Annotated[bool, Meta(description="Only for /mcp."), Face(option="--mcp")] = False,
    ) -> NewToken:
        """Create an API token, which is in the answer only: it is not stored and cannot be shown again.

        Users may create their own, but not with a token. It acts with the role of its user at each request, at most
        with `role`; `days`: null for no end date.

        Raises InvalidInput, InUse, UnknownName.
        """
        self._require_own(p, user_id, "make API tokens for somebody else")
        user = existing(self._people.users(), user_id)
        secret, now = f"{PREFIX}{secrets.token_hex(32)}", self._clock()
        record = TokenRecord(
            id_hash=hashed(secret),
            user_id=user_id,
            name=checked_person(name),
            role="" if role is None else _checked(role, user.role),
            mcp_only=int(mcp_only),
            created_at=timestamp(now),
            expires_at="" if days is None else timestamp(now + timedelta(days=_checked_days(days))),
        )
        detail = {"name": record.name, "role": role or "", "days": days, "mcp_only": mcp_only}
        self._add(record, self._audit.entry(p, "tokens.create", user_id, detail))
        known.keep(_slot(record.id_hash), secret)
        return NewToken(**vars(self._shown(record)), token=secret)

    def _add(self, record: TokenRecord, entry: AuditEntry) -> None:
        added = self._tokens.add(record, MOST, entry)
        if added is False:
            raise InUse(f"{record.user_id} has a token named {record.name!r} already.", remedy="Choose another name.")
        if added is None:
            existing(self._people.users(), record.user_id)
            raise InvalidInput(f"{record.user_id} has {MOST} tokens.", remedy="Revoke those that nobody uses.")

    @operation(
        "tokens.list", None, "", "List API tokens", "GET /api/users/{user_id}/tokens", "tokens list", answer="tokens"
    )
    def list(self, p: Principal, user_id: UserId) -> builtins.list[ApiToken]:
        """List the API tokens of a user, with their last use.

        They come by name, also ended ones. Users may list their own.

        Raises UnknownName.
        """
        self._require_own(p, user_id, "see the API tokens of somebody else", is_change=False)
        existing(self._people.users(), user_id)
        return [self._shown(one) for one in self._tokens.of(user_id)]

    @operation(
        "tokens.revoke",
        None,
        "",
        "Revoke an API token",
        "DELETE /api/users/{user_id}/tokens/{token_id}",
        "tokens revoke",
        answer=RevokedToken.of,
        status=204,
    )
    def revoke(
        self,
        p: Principal,
        user_id: UserId,
        token_id: Annotated[str, Meta(description="Its id or name."), Face(metavar="TOKEN")],
    ) -> str:
        """End an API token at once.

        Users may revoke their own. Returns its id.

        Raises UnknownName.
        """
        self._require_own(p, user_id, "revoke the API tokens of somebody else")
        found = {one.id: one for one in self.list(p, user_id)}
        if token_id not in found:  # an id comes before a name that looks the same
            token_id = next((one.id for one in found.values() if one.name == token_id), token_id)
        name = found[token_id].name if token_id in found else ""
        entry = self._audit.entry(p, "tokens.revoke", user_id, {"name": name})
        if not is_shown_id(token_id) or not self._tokens.revoke(user_id, token_id, entry):
            raise UnknownName("API token", token_id, list(found), remedy="It may be revoked already: list them again.")
        return token_id

    def principal(self, token: str, address: str, *, is_mcp: bool) -> Principal | None:
        """Return who acts with a token, None if it is not, or no longer, valid; `is_mcp`: the request is one of MCP.

        Raises NotAllowed for another use of a token that is only for MCP, TooManyTries after many wrong tokens.
        """
        record = self._tokens.found(hashed(token))
        user = None if record is None or not self._is_valid(record) else self._people.user(record.user_id)
        if record is None or user is None:
            self._count_wrong(address)
            return None
        known.keep(_slot(record.id_hash), token)
        if record.mcp_only and not is_mcp:
            raise NotAllowed(
                f"The API token {record.name!r} is only for /mcp.", remedy="Make one that is for the whole API."
            )
        self._note_use(record)
        self._note_network(record, address)
        return Principal(user.id, _lower(user.role, record.role), by_token=True)

    def _count_wrong(self, address: str) -> None:
        try:
            self._limit.count(_WRONG, address)
        except TooManyTries as error:  # reworded, as waiting does not help: the token stays invalid
            said = "The API token is not valid, or no longer, and too many such tokens have come from this address."
            remedy = "Make a token on the page API tokens; a valid one works at once."
            raise TooManyTries(said, remedy=remedy, retry_after_seconds=error.retry_after_seconds) from None

    def _note_use(self, record: TokenRecord) -> None:
        now = self._clock()
        if not record.used_at or now - moment_of(record.used_at) > _USED_AFTER:
            with suppress(StorageError):  # a full disk must not lock programs out
                self._tokens.note_use(record.id_hash, timestamp(now))

    def _note_network(self, record: TokenRecord, address: str) -> None:
        network, known = place_in_network(address), record.networks.split()
        if not network or network in known or len(known) >= NETWORKS_MOST:
            return
        detail = {"name": record.name, "network": network}
        entry = self._audit.entry(record.user_id, NEW_NETWORK, record.user_id, detail)
        with suppress(StorageError):  # as above
            self._tokens.note_network(record.id_hash, network, NETWORKS_MOST, entry)

    def _is_valid(self, record: TokenRecord) -> bool:
        now = self._clock()
        is_used = now - moment_of(record.used_at or record.created_at) < UNUSED
        return is_used and (not record.expires_at or now < moment_of(record.expires_at))

    def _shown(self, record: TokenRecord) -> ApiToken:
        return ApiToken(
            id=record.id_hash[:_SHOWN_ID],
            user_id=record.user_id,
            name=record.name,
            role=as_role(record.role) if record.role else None,
            mcp_only=bool(record.mcp_only),
            created_at=moment_of(record.created_at),
            ends_at=moment_of(record.expires_at) if record.expires_at else None,
            used_at=moment_of(record.used_at) if record.used_at else None,
            is_valid=self._is_valid(record),
            networks=tuple(record.networks.split()),
        )

    def _require_own(self, p: Principal, user_id: str, what: str, *, is_change: bool = True) -> None:
        if p.id != user_id:
            require(p, "admin", what)
        if is_change:
            require_person(p, "make or revoke API tokens")


def _checked(role: str, of_user: str) -> Role:
    """Return the role of a token. Raises InvalidInput if it is unknown, or higher than its user's."""
    found = checked_role(role)
    if _lower(of_user, role) != found:
        raise InvalidInput(
            f"A token of a user with the role {of_user} cannot have the role {role}.",
            remedy="Choose the role of the user, or a lower one.",
        )
    return found


def _checked_days(days: int) -> int:
    if not 1 <= days <= DAYS_MOST:
        raise InvalidInput(f"{days} days is not possible.", remedy=f"A token lasts 1 to {DAYS_MOST:,} days.")
    return days


def _lower(of_user: str, of_token: str) -> Role:
    """Return the lower of two roles; a token without a role has its user's."""
    return as_role(max(of_user, of_token or of_user, key=lambda one: ROLES.index(as_role(one))))


def _slot(id_hash: str) -> str:
    return f"api token {id_hash[:_SHOWN_ID]}"
