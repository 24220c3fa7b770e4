"""The users of a workspace: management, sign-in, sessions and tokens."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Annotated, Any, TypeAlias

from msgspec import Meta, Struct

from engine.base.clock import Clock, timestamp
from engine.base.errors import InUse, NotAllowed, StorageError, UnknownName
from engine.base.threads import shared_property
from engine.people.access import Principal, require, require_person
from engine.people.api_tokens import ApiTokens
from engine.people.audit import Audit
from engine.people.devices import Devices, opened_session
from engine.people.login_limit import LoginLimit, PasswordChecks
from engine.people.operation import Face, operation
from engine.people.passwords import Passwords
from engine.people.people import (
    OWNER,
    Member,
    User,
    as_role,
    as_user,
    checked_id,
    checked_person,
    checked_role,
    existing,
    keep_an_owner,
)
from engine.people.sessions import (
    LINK_LASTS,
    OpenSession,
    Session,
    Sessions,
    SignInOrigin,
    hashed,
    is_shown_id,
    new_secret,
    open_session,
)
from engine.people.sign_in_rules import SignInRules
from engine.people.tokens import TokenSigner
from engine.store.people.audit import AuditEntry
from engine.store.people.identities import Identity
from engine.store.people.people import UserRecord
from engine.store.people.sign_ins import NewSession, Success
from engine.store.state import State

_PASSWORDS = SignInRules()
LOGIN_REFUSED = "users.login_refused"
UNKNOWN_USER = "unknown user"
_SIGN_INS = ("users.login", "users.token")
# Inside the class below, `list` is the method.
Members: TypeAlias = list[Member]
OpenSessions: TypeAlias = list[OpenSession]


UserId = Annotated[str, Meta(description="The user."), Face(metavar="ID")]
KeptSession = Annotated[str | None, Face(is_hidden=True)]
"""The session of the page that asks, which stays."""


class RemovedUser(Struct, frozen=True):
    """A user who has been removed."""

    id: str
    removed: bool = True

    @staticmethod
    def of(_found: None, given: Mapping[str, Any]) -> RemovedUser:
        """Return the answer for what was given."""
        return RemovedUser(given["user_id"])


class LoginLink(Struct, frozen=True):
    """A link that signs in once within 15 minutes."""

    path: str

    @staticmethod
    def of(secret: str, _given: object) -> LoginLink:
        """Return the link for its secret."""
        return LoginLink(f"/login?token={secret}")


def _none(_user_id: str, _key: str) -> bool:
    """Claim no setting; the default if no other module stores data of users."""
    return False


class Users:
    """The users of one workspace, their sessions, links and tokens; thread-safe."""

    def __init__(
        self,
        state: State,
        secret: Callable[[], bytes],
        audit: Audit,
        clock: Clock,
        is_of: Callable[[str, str], bool] = _none,
        sign_in: SignInRules = _PASSWORDS,
    ) -> None:
        """`secret` returns what signs tokens. `is_of(user id, key)` says which settings other modules store for a
        user: they go with the user. `sign_in` says whose passwords are accepted.
        """
        self._people, self._sign_ins, self._identities = state.people, state.sign_ins, state.identities
        self._audit, self._clock = audit, clock
        self._sign_in = sign_in
        self._tries = state.login_tries
        self.is_far = state.is_far
        """Whether their methods wait for a network; an event loop calls none of them then."""
        self._make_secret = secret
        self._is_of = is_of
        self._passwords = Passwords()
        self._limit = LoginLimit(self._tries, clock)
        self.api_tokens = ApiTokens(state.api_tokens, self._people, self._limit, audit, clock)
        self._checks, self._checks_of_known = PasswordChecks(), PasswordChecks()
        self._devices = Devices(lambda: self._secret)
        self._sessions = Sessions(clock)
        if not state.is_read_only:
            self._make_owner()

    @operation("users.list", "admin", "see the users", "List users", "GET /api/users", "users list", answer="users")
    def list(self, p: Principal) -> Members:
        """List all users."""
        signed_in, linked = self._audit.log.last_times(_SIGN_INS), self._identities.all()
        return [self._member(one, signed_in.get(one.id), linked.get(one.id)) for one in self._people.users()]

    def _member(self, record: UserRecord, signed_in_at: datetime | None, linked: Identity | None) -> Member:
        user = as_user(record)
        is_theirs = signed_in_at is not None and signed_in_at >= user.created_at  # not of a former user with this id
        count = len(self._open_sessions(user.id))
        last, issuer = signed_in_at if is_theirs else None, linked.issuer if linked else ""
        return Member(**vars(user), last_sign_in_at=last, sessions=count, issuer=issuer)

    def _open_sessions(self, user_id: str) -> OpenSessions:
        return [open_session(one) for one in self._sign_ins.sessions(user_id, timestamp(self._clock()))]

    # People

    @operation("users.add", "admin", "add a user", "Add a user")
    def add(self, p: Principal, user_id: str, name: str, role: str, password: str | None = None) -> User:
        """Add a user; without a password they sign in by link. Raises InvalidInput, InUse."""
        require_person(p, "add a user")
        user = UserRecord(
            id=checked_id(user_id),
            name=checked_person(name),
            role=checked_role(role),
            password_hash=None if password is None else self._passwords.hash(password),
            created_at=timestamp(self._clock()),
        )
        if not self._people.add(user, self._audit.entry(p, "users.add", user_id, {"role": role})):
            raise InUse(
                f"There is a user {user_id!r} already.",
                remedy=f"`orchestra users set-password {user_id}` gives them another password; "
                "somebody else takes another id.",
            )
        return as_user(user)

    @operation(
        "users.set_role",
        "admin",
        "change a role",
        "Change a role",
        "PUT /api/users/{user_id}/role",
        "users set-role",
        answer="role",
    )
    def set_role(
        self,
        p: Principal,
        user_id: UserId,
        role: Annotated[
            str, Meta(max_length=20, description="owner, editor, operator or viewer.", examples=["operator"])
        ],
    ) -> str:
        """Change the role of a user, from the next click on. The role of the last owner cannot be changed."""
        require_person(p, "change a role")
        new_role = checked_role(role)

        def check(users: Sequence[UserRecord]) -> None:
            existing(users, user_id)
            if new_role != OWNER:
                keep_an_owner(users, user_id)

        entry = self._audit.entry(p, "users.set_role", user_id, {"role": new_role})
        self._people.set_role(user_id, new_role, entry, check)
        return new_role

    @operation(
        "users.remove",
        "admin",
        "remove a user",
        "Remove a user",
        "DELETE /api/users/{user_id}",
        "users remove",
        answer=RemovedUser.of,
        status=204,
    )
    def remove(self, p: Principal, user_id: UserId) -> None:
        """Remove a user with their sessions, links, tokens and unsaved drafts. The last owner cannot be removed.

        Their runs continue; their answers and changes remain under their id.
        """
        require_person(p, "remove a user")
        entry = self._audit.entry(p, "users.remove", user_id)
        self._people.remove(user_id, entry, lambda users: keep_an_owner(users, user_id), partial(self._is_of, user_id))

    @operation("users.set_password", None, "", "Set a password", "PUT /api/users/{user_id}/password", status=204)
    def set_password(
        self,
        p: Principal,
        user_id: UserId,
        password: Annotated[str, Meta(min_length=1, max_length=1_000, extra_json_schema={"format": "password"})],
        keep_session: KeptSession = None,
    ) -> None:
        """Change a user's password; their sessions, links and access tokens end.

        Users may set their own. Raises InvalidInput for a password that is too short.
        """
        if p.id != user_id:
            require(p, "admin", "set the password of somebody else")
        require_person(p, "set a password")
        password_hash = self._passwords.hash(password)
        entry = self._audit.entry(p, "users.set_password", user_id)
        keep = None if keep_session is None else hashed(keep_session)
        if not self._people.set_password(user_id, password_hash, entry, keep):
            self._require_known(user_id)

    @operation("users.give_password", "admin", "set the password of somebody else", "Set the first password of a user")
    def give_password(self, p: Principal, user_id: str, password: str) -> User | None:
        """Set the first password of a user; if the user has one, return None and change nothing.

        Unlike a change of password, this ends no sessions. Raises InvalidInput.
        """
        require_person(p, "set a password")
        password_hash = self._passwords.hash(password)
        user = self._people.give_password(user_id, password_hash, self._audit.entry(p, "users.set_password", user_id))
        return None if user is None else as_user(user)

    def has_password(self, user_id: str) -> bool:
        """Return whether a user can sign in without a link."""
        return as_user(self._require_known(user_id)).has_password

    def accepts_password(self, user_id: str) -> bool:
        """Return whether a user may sign in with a password, if they have one. Raises UnknownName."""
        return self._sign_in.passwords and not self._is_of_provider(self._require_known(user_id))

    def _require_known(self, user_id: str) -> UserRecord:
        """Return the record of a user. Raises UnknownName."""
        return existing(self._people.users(), user_id)

    # Sessions of the dashboard

    @operation(
        "users.sessions",
        None,
        "",
        "List sessions",
        "GET /api/users/{user_id}/sessions",
        "users sessions",
        answer="sessions",
    )
    def sessions(self, p: Principal, user_id: UserId) -> OpenSessions:
        """List the open sessions of a user, most recently used first.

        Users may list their own.

        Raises UnknownName.
        """
        if p.id != user_id:
            require(p, "admin", "see the sessions of somebody else")
        self._require_known(user_id)
        return self._open_sessions(user_id)

    @operation(
        "users.end_session", None, "", "End a session", "DELETE /api/users/{user_id}/sessions/{session_id}", status=204
    )
    def end_session(
        self, p: Principal, user_id: UserId, session_id: Annotated[str, Meta(description="Its id in the list.")]
    ) -> None:
        """End a session of a user; users may end their own.

        Raises UnknownName.
        """
        if p.id != user_id:
            require(p, "admin", "end the sessions of somebody else")
        require_person(p, "end sessions")
        self._require_known(user_id)
        entry = self._audit.entry(p, "users.end_session", user_id, {"session": session_id})
        if not is_shown_id(session_id) or not self._sign_ins.end(user_id, session_id, entry):
            known = [one.id for one in self._open_sessions(user_id)]
            raise UnknownName("session", session_id, known, remedy="It may have ended meanwhile: list them again.")

    @operation("users.sign_out", None, "", "Sign a user out", "DELETE /api/users/{user_id}/sessions", answer="ended")
    def sign_out(self, p: Principal, user_id: UserId, keep_session: KeptSession = None) -> int:
        """End all sessions of a user, their access tokens and unused login links; `ended` counts the sessions.

        Users may sign themselves out.

        Raises UnknownName.
        """
        if p.id != user_id:
            require(p, "admin", "sign somebody else out")
        require_person(p, "sign anybody out")
        self._require_known(user_id)
        keep = None if keep_session is None else hashed(keep_session)

        def entry(ended: int) -> AuditEntry:
            return self._audit.entry(p, "users.sign_out", user_id, {"sessions": ended})

        return self._sign_ins.sign_out(user_id, timestamp(self._clock()), keep, entry)

    @operation(
        "users.login_link",
        "admin",
        "make a sign-in link",
        "Create a login link",
        "POST /api/users/{user_id}/login-link",
        answer=LoginLink.of,
        status=201,
        is_secret=True,
    )
    def login_link(self, p: Principal, user_id: UserId = OWNER) -> str:
        """Create a link that signs a user in once within 15 minutes; earlier unused links end."""
        require_person(p, "make a sign-in link")
        secret, end = new_secret(), timestamp(self._clock() + LINK_LASTS)
        entry = self._audit.entry(p, "users.login_link", user_id)
        if not self._sign_ins.make_link(user_id, hashed(secret), end, entry):
            self._require_known(user_id)
        return secret

    def redeem(self, token: str, address: str = "", agent: str = "", devices: Iterable[str] = ()) -> Session | None:
        """Sign in by link: use it up and return a session; None if it is used, expired or unknown.

        `devices`: as for `login`.
        """
        opened: list[Session] = []

        def signed_in(user_id: str) -> tuple[NewSession, Success]:
            is_known = bool(self._devices.found(user_id, devices))
            session, sign_in = self._opened(user_id, "by link", SignInOrigin(address, agent), is_known=is_known)
            opened.append(session)
            return sign_in, self._limit.success(user_id, address)

        is_good = self._sign_ins.redeem(hashed(token), timestamp(self._clock()), signed_in) is not None
        return opened[0] if is_good else None

    def login(
        self, user_id: str, password: str, address: str = "", agent: str = "", devices: Iterable[str] = ()
    ) -> Session | None:
        """Sign in by password from an IP address; None if user or password is wrong.

        Raises TooManyTries, NotAllowed (passwords are not accepted, or not this person's).

        `devices` are the cookie values of this browser's earlier sign-ins (`device_word`).
        """
        user_id = _as_typed(user_id)
        device = self._devices.found(user_id, devices)
        found = self._with_password(user_id, password, address, device)
        if found is None:
            return None
        session, sign_in = self._opened(user_id, "by password", SignInOrigin(address, agent), is_known=bool(device))
        return session if self._sign_ins.login(sign_in, found.password_hash or "") else None

    def _opened(self, user_id: str, how: str, origin: SignInOrigin, *, is_known: bool) -> tuple[Session, NewSession]:
        return opened_session(self._sessions, self._audit, user_id, how, origin, is_known=is_known)

    def device_word(self, user_id: str) -> str:
        """Return the device cookie for a browser that has just signed in: strangers' tries cannot lock it out."""
        return self._devices.word_for(user_id)

    def session(self, session_id: str) -> Principal | None:
        """Return the principal of a cookie, with their current role, and extend the session; None if it has ended."""
        id_hash = hashed(session_id)
        found = self._sign_ins.signed_in(id_hash)
        if found is None or not self._sessions.is_open(found):
            return None
        end = self._sessions.renewed(found)
        if end is not None:
            with suppress(StorageError):  # a full disk must not lock out the person who could clean it up
                self._sign_ins.renew(id_hash, end)
        return Principal(found.user_id, as_role(found.role))

    def logout(self, session_id: str) -> None:
        """End a session; its cookie is worthless from now on."""
        self._sign_ins.close(hashed(session_id))

    # Tokens of the API

    def token(self, user_id: str, password: str, address: str = "") -> str | None:
        """Return an access token valid for one hour; None if user or password is wrong.

        Raises TooManyTries, NotAllowed (passwords are not accepted, or not this person's).
        """
        user_id = _as_typed(user_id)
        found = self._with_password(user_id, password, address)
        if found is None:
            return None
        self._audit.record(user_id, "users.token", user_id)
        return self._tokens.issue(user_id, _tokens_depend_on(found))

    def principal_of_token(self, token: str) -> Principal | None:
        """Return the principal of an access token, with their current role; None if it is not, or no longer, valid."""
        claim = self._tokens.read(token)
        if claim is None:
            return None
        user = self._people.user(claim.user_id)
        if user is None or user.password_hash is None:
            return None
        if self._tokens.mark(_tokens_depend_on(user)) != claim.mark:
            return None
        return Principal(user.id, as_role(user.role))

    def check_secret(self) -> str:
        """Make or read the token secret now, so that a server with an invalid one does not start; return its mark.

        Servers with the same secret have the same mark.
        """
        return self._tokens.mark("server")

    @shared_property
    def _tokens(self) -> TokenSigner:
        return TokenSigner(self._secret, self._clock)

    @shared_property
    def _secret(self) -> bytes:
        return self._make_secret()

    def _with_password(self, user_id: str, password: str, address: str, device: str = "") -> UserRecord | None:
        """Return the user, as read before the check, if the password is right. An unknown user takes the same time."""
        self._require_passwords()
        user = self._people.user(user_id)
        account = self._nameless(user_id) if user is None else user_id
        self._limit.check(account, address, device)
        # A free slot must not reveal whether the user exists: only known browsers have slots of their own.
        with (self._checks_of_known if device else self._checks).turn(address):
            self._limit.count(account, address, device)
            password_hash = user.password_hash if user is not None else None
            if not self._passwords.fits(password, password_hash) or user is None:
                who = UNKNOWN_USER if user is None else user_id
                self._audit.record("anonymous", LOGIN_REFUSED, who, f"from {address}" if address else "")
                return None
        self._tries.succeeded(self._limit.success(user_id, address, device))
        self._require_not_of_provider(user)
        return user

    def _require_passwords(self) -> None:
        if not self._sign_in.passwords:
            raise NotAllowed(
                "Passwords are not accepted here.", remedy=f"Sign in with {self._sign_in.shown_name}, or with a link."
            )

    def _is_of_provider(self, user: UserRecord) -> bool:
        identity = self._identities.of(user.id) if self._sign_in.issuer and user.role != OWNER else None
        return identity is not None and identity.issuer == self._sign_in.issuer

    def _require_not_of_provider(self, user: UserRecord) -> None:
        """Raise NotAllowed if only the provider may let a user in: it may have removed them. Owners may come back."""
        if self._is_of_provider(user):
            self._audit.record("anonymous", LOGIN_REFUSED, user.id, "by password")
            raise NotAllowed(
                f"{user.id} signs in with {self._sign_in.shown_name}, not with a password.",
                remedy="Press its button on the sign-in page; programs take an API token.",
            )

    def _nameless(self, typed: str) -> str:
        """Return a placeholder for an unknown user name: a person may have typed a password there."""
        digest = hmac.new(self._secret, typed.encode(), hashlib.sha256)
        return f"?{digest.hexdigest()[:8]}"

    def _make_owner(self) -> None:
        if not self._people.users():
            self._people.add_first(UserRecord(OWNER, "Owner", OWNER, None, timestamp(self._clock())))


def _as_typed(user_id: str) -> str:
    # Phones capitalize the first letter; no id has capitals.
    return user_id.strip().lower()[:64].encode("utf-8", "replace").decode()


def _tokens_depend_on(user: UserRecord) -> str:
    """Return what ends the access tokens of a user as soon as it changes."""
    return f"{user.password_hash} {user.sign_outs}" if user.sign_outs else str(user.password_hash)
