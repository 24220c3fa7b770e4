"""Sign-in by a provider: it names a person, who gets a user, a role by their groups, and a session."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from shlex import quote
from typing import Any

from msgspec import Struct

from engine.base.clock import Clock, timestamp
from engine.base.errors import InUse, InvalidInput, OrchestraError, SignInRefused, UnknownName
from engine.base.threads import shared_property
from engine.people.access import Principal, Role, require_person
from engine.people.audit import Audit
from engine.people.devices import Devices, opened_session
from engine.people.login_limit import LoginLimit, PasswordChecks
from engine.people.openid.exchange import code_of, person_of, way_there
from engine.people.openid.id_token import LONGEST_SUBJECT, is_subject
from engine.people.openid.pending import PendingSignIn, PendingSignIns
from engine.people.openid.provider import OpenIdProvider
from engine.people.openid.roles import role_of
from engine.people.operation import operation
from engine.people.people import OWNER, checked_id, checked_person
from engine.people.sessions import Session, Sessions, SignInOrigin, hashed
from engine.people.sign_in_rules import SignInRules
from engine.store.people.audit import AuditEntry
from engine.store.people.identities import Identity, OpenedSession
from engine.store.people.people import UserRecord
from engine.store.state import State

REDIRECT_PATH = "/login/openid/back"
"""Where the provider sends the browser back to: to be registered there, after the address of this server."""
SIGNED_OUT_PATH = "/login"
"""Where it may send the browser after signing out."""


class SignInAway(Struct, frozen=True):
    """A sign-in that begins: the address at the provider, and the cookie that binds it to the browser."""

    url: str
    cookie: str


class OpenIdSignIn:
    """The `openid` area: sign-in by the provider in config.yaml. Thread-safe."""

    def __init__(
        self,
        state: State,
        settings: SignInRules,
        client_secret: Callable[[], str],
        secret: Callable[[], bytes],
        audit: Audit,
        clock: Clock,
    ) -> None:
        """`client_secret` returns our client's, "" without one. `secret` returns what signs cookies."""
        self.settings = settings
        self._client_secret, self._secret, self._clock = client_secret, secret, clock
        self._identities, self._sign_ins, self._audit = state.identities, state.sign_ins, audit
        self._limit = LoginLimit(state.login_tries, clock)
        self._sessions, self._devices, self._turns = Sessions(clock), Devices(secret), PasswordChecks()
        self.provider = OpenIdProvider(settings, clock)

    @property
    def is_on(self) -> bool:
        """Whether there is a provider."""
        return bool(self.settings.issuer)

    def begin(self, redirect_uri: str, next_path: str, address: str = "") -> SignInAway:
        """Begin a sign-in that is to end at `next_path`. Raises SignInRefused, ProviderFailed, TooManyTries."""
        self._require_on()
        with self._turns.turn(address):
            pending, cookie = self._pending.new(next_path)
            nonce, verifier = self._pending.nonce(pending), self._pending.verifier(pending)
            there = way_there(self.provider, redirect_uri, state=pending.state, nonce=nonce, verifier=verifier)
        return SignInAway(there, cookie)

    def finish(
        self,
        redirect_uri: str,
        cookie: str,
        answer: Mapping[str, str],
        address: str = "",
        agent: str = "",
        devices: Sequence[str] = (),
    ) -> tuple[Session, str]:
        """Return the session, and where the person wanted to go. `answer`: the parameters that the browser brings back.

        `devices`: as for `Users.login`.
        Raises SignInRefused, ProviderFailed, TooManyTries, InvalidInput (the client's secret is missing).
        """
        self._require_on()
        with self._turns.turn(address):
            pending = self._pending.taken(cookie, answer.get("state", ""))
            if pending is None:
                raise SignInRefused(
                    "This sign-in was begun in another browser, was used before, or took longer than ten minutes."
                )
            claims = self._claims(redirect_uri, pending, answer)
        return self._opened(claims, SignInOrigin(address, agent, self.settings.issuer), devices), pending.next_path

    def _claims(self, redirect_uri: str, pending: PendingSignIn, answer: Mapping[str, str]) -> dict[str, Any]:
        code, verifier = code_of(self.provider, answer), self._pending.verifier(pending)
        form = {"code": code, "redirect_uri": redirect_uri, "code_verifier": verifier}
        return person_of(self.provider, self._client_secret(), form, self._pending.nonce(pending), self._clock)

    def sign_out_url(self, session_id: str, back: str) -> str:
        """Return where to sign out of the provider, too; empty if it did not open this session, or has no such page."""
        from authlib.common.urls import add_params_to_uri

        found = self._sign_ins.signed_in(hashed(session_id)) if self.is_on else None
        if found is None or found.issuer != self.settings.issuer:
            return ""
        with suppress(OrchestraError):  # it cannot be reached: the session here ends all the same
            if page := self.provider.description().end_session_endpoint:
                params = [("client_id", self.settings.client_id), ("post_logout_redirect_uri", back)]
                return str(add_params_to_uri(page, params))
        return ""

    @operation("users.link", "admin", "link a user", "Link a user to the sign-in provider")
    def link(self, p: Principal, user_id: str, subject: str) -> None:
        """Let the person with this subject at the provider sign in as a user, whose sessions end.

        Raises NotAllowed, InvalidInput, UnknownName, InUse.
        """
        require_person(p, "link a user")
        if not self.is_on:
            raise InvalidInput("No sign-in provider is set.", remedy="Name its issuer under `sign_in` in config.yaml.")
        if not is_subject(subject):
            raise InvalidInput(
                f"{subject[:LONGEST_SUBJECT]!r} cannot be a subject.",
                remedy="The audit trail shows the subject of each sign-in that was refused (users.login_refused).",
            )
        identity = Identity(self.settings.issuer, subject)
        linked = self._identities.link(user_id, identity, self._entry(p, "users.link", user_id, identity))
        if linked is None:
            raise UnknownName("user", user_id)
        if not linked:
            whose = self._identities.user(identity)
            raise InUse(
                f"This subject is linked to {whose.id if whose else 'another user'} already.",
                remedy="Unlink or remove that user first.",
            )

    def is_linked(self, user_id: str) -> bool:
        """Return whether a person at the provider can sign in as a user."""
        identity = self._identities.of(user_id) if self.is_on else None
        return identity is not None and identity.issuer == self.settings.issuer

    @operation("users.unlink", "admin", "unlink a user", "Unlink a user from the sign-in provider")
    def unlink(self, p: Principal, user_id: str) -> None:
        """Remove the link of a user to the provider, and end their sessions. Raises NotAllowed, UnknownName."""
        require_person(p, "unlink a user")
        if not self._identities.unlink(user_id, self._audit.entry(p, "users.unlink", user_id)):
            raise UnknownName("linked user", user_id, sorted(self._identities.all()))

    @shared_property
    def _pending(self) -> PendingSignIns:
        return PendingSignIns(self._secret, self._clock)

    def _require_on(self) -> None:
        if not self.is_on:
            raise SignInRefused("No sign-in provider is set here.", remedy="Sign in with a password or a link.")

    def _opened(self, claims: Mapping[str, Any], origin: SignInOrigin, devices: Sequence[str]) -> Session:
        """Open a session for the person with these claims. Raises SignInRefused."""
        identity = Identity(self.settings.issuer, claims["sub"])
        known, role = self._identities.user(identity), role_of(claims, self.settings.roles)
        if role is None:
            raise self._no_role(identity, known)
        new = None if known else self._new_user(identity, claims, role)
        opened: list[Session] = []

        def open_for(before: UserRecord | None) -> OpenedSession:
            user = before or new
            assert user is not None
            how, lasts = f"by {self.settings.shown_name}", self.settings.session_lasts
            is_known = bool(self._devices.found(user.id, devices))
            session, sign_in = opened_session(
                self._sessions, self._audit, user.id, how, origin, lasts, is_known=is_known
            )
            opened.append(session)
            success = self._limit.success(user.id, origin.address)
            return OpenedSession(sign_in, success, role, self._changes(before, user.id, role, identity))

        def check(users: Sequence[UserRecord]) -> None:
            if not any(user.role == OWNER for user in users):
                raise SignInRefused(
                    f"You are the only owner here, and your groups give the role {role}.",
                    remedy="Join a group of owners at the provider, or make somebody else an owner here first.",
                )

        if not self._identities.sign_in(identity, new, open_for, check):
            raise (
                self._taken(identity, new.id)
                if new
                else SignInRefused("You have just been removed here.", remedy="Ask an owner to add you again.")
            )
        return opened[-1]

    def _changes(
        self, before: UserRecord | None, user_id: str, role: Role, identity: Identity
    ) -> tuple[AuditEntry, ...]:
        if before is None:
            return (self._entry(user_id, "users.add", user_id, identity, role=role),)
        return (self._audit.entry(user_id, "users.set_role", user_id, {"role": role}),) if role != before.role else ()

    def _new_user(self, identity: Identity, claims: Mapping[str, Any], role: Role) -> UserRecord:
        user_id = _id_in(claims)
        if user_id is None:
            self._refuse("unknown user", identity, "no usable name")
            raise SignInRefused(
                f"{self.settings.shown_name} gives you no user name or verified mail address that can be an id here.",
                remedy=_link_remedy("ID", identity.subject, adds=True),
            )
        return UserRecord(user_id, _name_in(claims) or user_id, role, None, timestamp(self._clock()))

    def _taken(self, identity: Identity, user_id: str) -> SignInRefused:
        self._refuse(user_id, identity, "the id is taken")
        other = self._identities.of(user_id)
        is_linked = other is not None and other.issuer == identity.issuer
        return SignInRefused(
            f"There is a user {user_id!r} here already, and nobody has confirmed that it is you.",
            remedy=_link_remedy("ID" if is_linked else user_id, identity.subject, adds=is_linked),
        )

    def _no_role(self, identity: Identity, known: UserRecord | None) -> SignInRefused:
        """Refuse somebody who is in no group with a role, and end their sessions."""
        self._refuse(known.id if known else "unknown user", identity, "no group with a role")
        if known is not None:
            now = timestamp(self._clock())
            self._sign_ins.sign_out(known.id, now, None, lambda ended: self._signed_out(known.id, ended))
        return SignInRefused(
            f"{self.settings.shown_name} knows you, but you are in no group that may sign in here.",
            remedy=f"Whoever runs {self.settings.shown_name} can add you to one; then sign in again.",
        )

    def _signed_out(self, user_id: str, ended: int) -> AuditEntry:
        return self._audit.entry(user_id, "users.sign_out", user_id, {"sessions": ended})

    def _refuse(self, who: str, identity: Identity, why: str) -> None:
        self._audit.log.add(self._entry("anonymous", "users.login_refused", who, identity, why=why))

    def _entry(self, p: Principal | str, action: str, target: str, identity: Identity, **more: str) -> AuditEntry:
        return self._audit.entry(p, action, target, {**more, "issuer": identity.issuer, "subject": identity.subject})


def _id_in(claims: Mapping[str, Any]) -> str | None:
    """Return the id for a new user: the user name, or else the mail address, if the provider has verified it."""
    mail = claims.get("email") if claims.get("email_verified") is True else None
    for name in (claims.get("preferred_username"), mail):
        with suppress(InvalidInput):  # no id can be made of this one; the next may do
            if isinstance(name, str):
                return checked_id(name.strip().lower())
    return None


def _name_in(claims: Mapping[str, Any]) -> str | None:
    with suppress(InvalidInput):
        return checked_person(claims["name"]) if isinstance(claims.get("name"), str) else None
    return None


def _link_remedy(user_id: str, subject: str, *, adds: bool) -> str:
    first = f"`orchestra users add {user_id}`, then " if adds else ""
    return f"An owner can link you: {first}`orchestra users link {user_id} {quote(subject)}`."
