"""The people of a workspace: who they are, what they may do, and how they prove who they are."""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, cast

from engine.clock import Clock
from engine.errors import InUse, StorageError
from engine.names import timestamp
from engine.people.access import Principal, require
from engine.people.audit import Audit
from engine.people.login_limit import LoginLimit
from engine.people.passwords import Passwords
from engine.people.people import (
    OWNER,
    User,
    as_user,
    change,
    checked_id,
    checked_person,
    checked_role,
    existing,
    found,
    keep_an_owner,
)
from engine.people.sessions import LoginLinks, Session, Sessions
from engine.people.tokens import Tokens, token_secret
from engine.store.database import Database
from engine.store.tables import users

if TYPE_CHECKING:
    from sqlalchemy import Connection


class Users:
    """The users of one workspace, their sessions, links and tokens; safe to use from many threads."""

    def __init__(self, database: Database, folder: Path, audit: Audit, clock: Clock) -> None:
        self._database = database
        self._folder = folder
        self._audit = audit
        self._clock = clock
        self._passwords = Passwords()
        self._limit = LoginLimit(database, clock)
        self._sessions = Sessions(clock)
        self._links = LoginLinks(clock)
        self._make_owner()

    # People

    def list(self, p: Principal) -> list[User]:
        """Return everybody, by id."""
        require(p, "admin", "see the users")
        with self._database.reading() as connection:
            return [as_user(row) for row in connection.execute(users.select().order_by(users.c.id))]

    def add(self, p: Principal, user_id: str, name: str, role: str, password: str | None = None) -> User:
        """Make a user; without a password they sign in by link. Raises InvalidInput, InUse."""
        require(p, "admin", "add a user")
        values = {
            "id": checked_id(user_id),
            "name": checked_person(name),
            "role": checked_role(role),
            "password_hash": None if password is None else self._passwords.hash(password),
            "created_at": timestamp(self._clock()),
        }
        with self._database.writing() as connection:
            if found(connection, user_id) is not None:
                raise InUse(
                    f"There is a user {user_id!r} already.",
                    remedy=f"`orchestra users set-password {user_id}` gives them another password; "
                    "somebody else takes another id.",
                )
            connection.execute(users.insert().values(**values))
            connection.execute(self._audit.line(p, "users.add", user_id, {"role": role}))
            return as_user(existing(connection, user_id))

    def set_role(self, p: Principal, user_id: str, role: str) -> None:
        """Give a user another role, from their next click on; the last owner keeps theirs."""
        require(p, "admin", "change a role")
        new_role = checked_role(role)
        with self._database.writing() as connection:
            if new_role != OWNER:
                keep_an_owner(connection, user_id)
            change(connection, user_id, role=new_role)
            connection.execute(self._audit.line(p, "users.set_role", user_id, {"role": new_role}))

    def remove(self, p: Principal, user_id: str) -> None:
        """Delete a user, with their sessions, links and tokens; the last owner stays."""
        require(p, "admin", "remove a user")
        with self._database.writing() as connection:
            keep_an_owner(connection, user_id)
            self._sign_out_everywhere(connection, user_id)
            connection.execute(users.delete().where(users.c.id == user_id))
            connection.execute(self._audit.line(p, "users.remove", user_id))

    def set_password(self, p: Principal, user_id: str, password: str, keep_session: str | None = None) -> None:
        """Give a user a new password: all their sessions (but `keep_session`), links and tokens end.

        Everybody may change their own. Raises InvalidInput for a password that is too short.
        """
        if p.id != user_id:
            require(p, "admin", "set the password of somebody else")
        hashed = self._passwords.hash(password)
        with self._database.writing() as connection:
            change(connection, user_id, password_hash=hashed)
            self._sign_out_everywhere(connection, user_id, keep_session)
            self._limit.forgive(connection, user_id)
            connection.execute(self._audit.line(p, "users.set_password", user_id))

    def give_password(self, p: Principal, user_id: str, password: str) -> User | None:
        """Give a user who has no password their first one; return None, and change nothing, where it is not so.

        Unlike another password it ends nothing: whoever is signed in stays so. Raises InvalidInput.
        """
        require(p, "admin", "set the password of somebody else")
        hashed = self._passwords.hash(password)
        with self._database.writing() as connection:
            row = found(connection, user_id)
            if row is None or row.password_hash is not None:
                return None
            change(connection, user_id, password_hash=hashed)
            connection.execute(self._audit.line(p, "users.set_password", user_id))
            return as_user(existing(connection, user_id))

    def has_password(self, user_id: str) -> bool:
        """Say whether a user can sign in without a link."""
        with self._database.reading() as connection:
            return as_user(existing(connection, user_id)).has_password

    # Sessions of the dashboard

    def login_link(self, p: Principal, user_id: str = OWNER) -> str:
        """Return the secret of a link that signs `user_id` in once within 15 minutes; older unused ones end."""
        require(p, "admin", "make a login link")
        with self._database.writing() as connection:
            existing(connection, user_id)
            connection.execute(self._audit.line(p, "users.login_link", user_id))
            return self._links.make(connection, user_id)

    def redeem(self, token: str) -> Session | None:
        """Sign in by link: use it up and return a session; None if it is used, too old or not ours."""
        with self._database.writing() as connection:
            user_id = self._links.redeem(connection, token)
            if user_id is None:
                return None
            connection.execute(self._audit.line(user_id, "users.login", user_id, "by link"))
            return self._sessions.open(connection, user_id)

    def login(self, user_id: str, password: str) -> Session | None:
        """Sign in by password; None if user or password is wrong. Raises TooManyTries."""
        user_id = _as_typed(user_id)
        hashed = self._password_hash(user_id, password)
        with self._database.writing() as connection:
            row = found(connection, user_id)
            if hashed is None or row is None or row.password_hash != hashed:  # changed since it was checked
                return None
            connection.execute(self._audit.line(user_id, "users.login", user_id, "by password"))
            return self._sessions.open(connection, user_id)

    def session(self, session_id: str) -> Principal | None:
        """Return who is behind a cookie, with the role they have now, and let the session last; None if ended."""
        with self._database.reading() as connection:
            session = self._sessions.find(connection, session_id)
            row = None if session is None else found(connection, session.user_id)
        if session is None or row is None:
            return None
        if self._sessions.is_renewal_due(session):
            # A full disk must not lock out the person who would clean it up.
            with suppress(StorageError), self._database.writing() as connection:
                self._sessions.renew(connection, session)
        return Principal(row.id, row.role)

    def logout(self, session_id: str) -> None:
        """End a session; its cookie is worth nothing from now on."""
        with self._database.writing() as connection:
            self._sessions.close(connection, session_id)

    # Tokens of the API

    def token(self, user_id: str, password: str) -> str | None:
        """Return an access token for one hour; None if user or password is wrong. Raises TooManyTries."""
        user_id = _as_typed(user_id)
        hashed = self._password_hash(user_id, password)
        if hashed is None:
            return None
        self._audit.record(user_id, "users.token", user_id)
        return self._tokens.issue(user_id, hashed)

    def principal_of_token(self, token: str) -> Principal | None:
        """Return who is behind an access token, with the role they have now; None if it is not good (any more)."""
        claim = self._tokens.read(token)
        if claim is None:
            return None
        with self._database.reading() as connection:
            row = found(connection, claim.user_id)
        if row is None or row.password_hash is None:
            return None
        if self._tokens.password_mark(row.password_hash) != claim.password_mark:
            return None
        return Principal(row.id, row.role)

    def check_secret(self) -> None:
        """Make or read the secret of tokens now, so that a server with a bad one does not start."""
        self._tokens  # noqa: B018 - the property reads it

    @cached_property
    def _tokens(self) -> Tokens:
        return Tokens(token_secret(self._folder), self._clock)

    def _password_hash(self, user_id: str, password: str) -> str | None:
        """Return the stored hash if the password is right. A user who is not there costs the same time."""
        self._limit.count(user_id)
        with self._database.reading() as connection:
            row = found(connection, user_id)
        hashed = row.password_hash if row is not None else None
        if not self._passwords.fits(password, hashed):
            self._audit.record("anonymous", "users.login_refused", user_id)
            return None
        with self._database.writing() as connection:
            self._limit.forgive(connection, user_id)
        return cast("str", hashed)

    def _sign_out_everywhere(self, connection: Connection, user_id: str, keep: str | None = None) -> None:
        self._sessions.close_all(connection, user_id, keep)
        self._links.drop(connection, user_id)

    def _make_owner(self) -> None:
        with self._database.reading() as connection:
            if connection.execute(users.select().limit(1)).first() is not None:
                return
        from sqlalchemy.dialects.sqlite import insert

        with self._database.writing() as connection:
            owner = {"id": OWNER, "name": "Owner", "role": OWNER, "created_at": timestamp(self._clock())}
            # Another process may have made it since.
            connection.execute(insert(users).values(**owner).on_conflict_do_nothing())


def _as_typed(user_id: str) -> str:
    # Telephones begin with a capital letter; nobody's id has one.
    return user_id.strip().lower()[:64].encode("utf-8", "replace").decode()
