"""API tokens: who makes them, what they may do, what ends them."""

from __future__ import annotations

from pathlib import Path

import pytest

from clients.secrets import known
from engine.base.errors import InUse, InvalidInput, NotAllowed, OrchestraError, TooManyTries, UnknownName
from engine.people.access import Principal
from engine.people.api_tokens import MOST, PREFIX, UNUSED
from engine.people.audit import Audit
from engine.people.login_limit import PER_USER
from engine.people.users import Users
from engine.store.sqlite.database import SqliteStateDatabase
from tests.engine.people.test_users import LOCAL, PASSWORD, Hands, ada, audit, clock, database, users

__all__ = ["ada", "audit", "clock", "database", "users"]
HERE = "192.0.2.1"


def who(users: Users, token: str, *, is_mcp: bool = False) -> Principal | None:
    return users.api_tokens.principal(token, HERE, is_mcp=is_mcp)


def test_a_token_acts_for_its_user_until_its_end(users: Users, ada: Principal, clock: Hands) -> None:
    made = users.api_tokens.create(ada, "ada", "laptop")
    assert (made.token[: len(PREFIX)], len(made.token)) == (PREFIX, len(PREFIX) + 64)
    assert who(users, made.token) == ada
    clock.forward(days=90, seconds=-1)
    assert who(users, made.token) == ada
    clock.forward(seconds=1)
    assert who(users, made.token) is None
    assert not users.api_tokens.list(ada, "ada")[0].is_valid


def test_only_its_hash_is_stored_and_logs_do_not_show_it(
    users: Users, ada: Principal, database: SqliteStateDatabase, audit: Audit
) -> None:
    token = users.api_tokens.create(ada, "ada", "laptop").token
    stored = b"".join(one.read_bytes() for one in Path(database.path.parent).rglob("*") if one.is_file())
    assert token.encode() not in stored
    assert token[:12] not in repr([*audit.latest(), *users.api_tokens.list(ada, "ada")])
    assert token not in repr(users.api_tokens.create(ada, "ada", "phone"))
    assert known.in_text(f"Authorization: Bearer {token}") == "Authorization: Bearer ***"


def test_a_token_has_the_role_that_its_user_has_now_or_a_lower_one(users: Users, ada: Principal) -> None:
    own = users.api_tokens.create(ada, "ada", "own").token
    low = users.api_tokens.create(ada, "ada", "low", role="operator").token
    roles = {}
    for role in ("owner", "editor", "viewer"):
        users.set_role(LOCAL, "ada", role)
        roles[role] = [found.role for token in (own, low) if (found := who(users, token))]
    assert roles == {"owner": ["owner", "operator"], "editor": ["editor", "operator"], "viewer": ["viewer", "viewer"]}


def test_a_token_for_mcp_is_refused_elsewhere_and_says_so(users: Users, ada: Principal) -> None:
    token = users.api_tokens.create(ada, "ada", "assistant", mcp_only=True).token
    assert who(users, token, is_mcp=True) == ada
    with pytest.raises(NotAllowed, match="'assistant' is only for /mcp"):
        who(users, token)


def test_a_token_gives_no_other_way_to_sign_in(users: Users) -> None:
    program = who(users, users.api_tokens.create(LOCAL, "owner", "script").token)
    assert program is not None
    for attempt in (
        lambda: users.api_tokens.create(program, "owner", "another"),
        lambda: users.api_tokens.revoke(program, "owner", "0123456789abcdef"),
        lambda: users.add(program, "eve", "Eve", "owner", PASSWORD),
        lambda: users.set_role(program, "owner", "viewer"),
        lambda: users.remove(program, "owner"),
        lambda: users.set_password(program, "owner", PASSWORD),
        lambda: users.give_password(program, "owner", PASSWORD),
        lambda: users.login_link(program),
        lambda: users.sign_out(program, "owner"),
        lambda: users.end_session(program, "owner", "0123456789abcdef"),
    ):
        with pytest.raises(NotAllowed, match="An API token cannot"):
            attempt()
    assert [one.id for one in users.list(program)] == ["owner"]


def test_tokens_of_others_are_for_owners(users: Users, ada: Principal) -> None:
    users.add(LOCAL, "bob", "Bob", "viewer")
    made = users.api_tokens.create(LOCAL, "bob", "robot")
    assert who(users, made.token) == Principal("bob", "viewer")
    for attempt in (
        lambda: users.api_tokens.create(ada, "bob", "mine"),
        lambda: users.api_tokens.list(ada, "bob"),
        lambda: users.api_tokens.revoke(ada, "bob", made.id),
    ):
        with pytest.raises(NotAllowed):
            attempt()
    users.api_tokens.revoke(LOCAL, "bob", made.id)
    assert who(users, made.token) is None


def test_a_removed_user_takes_the_tokens_along_and_a_new_password_does_not(users: Users, ada: Principal) -> None:
    token = users.api_tokens.create(ada, "ada", "laptop").token
    users.set_password(ada, "ada", "a better password")
    users.sign_out(ada, "ada")
    assert who(users, token) == ada
    users.remove(LOCAL, "ada")
    users.add(LOCAL, "ada", "Another Ada", "owner", PASSWORD)
    assert who(users, token) is None


def test_the_last_use_is_noted_and_a_token_that_nobody_uses_ends(users: Users, ada: Principal, clock: Hands) -> None:
    token = users.api_tokens.create(ada, "ada", "laptop", days=None).token
    assert users.api_tokens.list(ada, "ada")[0].used_at is None
    clock.forward(days=300)
    assert who(users, token) == ada
    first = clock.now
    clock.forward(minutes=59)
    who(users, token)
    assert users.api_tokens.list(ada, "ada")[0].used_at == first
    clock.forward(days=UNUSED.days - 1)
    assert who(users, token) == ada
    clock.forward(days=UNUSED.days)
    assert who(users, token) is None


@pytest.mark.parametrize(
    ("error", "name", "more"),
    [
        (InUse, "taken", {}),
        (InvalidInput, " ", {}),
        (InvalidInput, "x", {"days": 0}),
        (InvalidInput, "x", {"days": 4_000}),
        (InvalidInput, "x", {"role": "owner"}),
        (InvalidInput, "x", {"role": "king"}),
    ],
)
def test_a_token_that_cannot_be_is_refused(
    users: Users, ada: Principal, error: type[OrchestraError], name: str, more: dict[str, object]
) -> None:
    users.api_tokens.create(ada, "ada", "taken")
    with pytest.raises(error):
        users.api_tokens.create(ada, "ada", name, **more)  # type: ignore[arg-type]
    assert [one.name for one in users.api_tokens.list(ada, "ada")] == ["taken"]


def test_unknown_users_and_tokens_are_named_and_nobody_has_endless_tokens(users: Users, ada: Principal) -> None:
    with pytest.raises(UnknownName, match="nobody"):
        users.api_tokens.create(LOCAL, "nobody", "x")
    for wrong in ("", "0", "0123456789abcdef", "%" * 16):
        with pytest.raises(UnknownName):
            users.api_tokens.revoke(ada, "ada", wrong)
    for number in range(MOST):
        users.api_tokens.create(ada, "ada", str(number))
    with pytest.raises(InvalidInput, match=f"{MOST} tokens"):
        users.api_tokens.create(ada, "ada", "one more")


def test_wrong_tokens_are_counted_and_the_right_one_still_works(users: Users, ada: Principal, audit: Audit) -> None:
    token = users.api_tokens.create(ada, "ada", "laptop").token
    for number in range(PER_USER):
        assert who(users, f"{PREFIX}{number}") is None
    with pytest.raises(TooManyTries, match="is not valid, or no longer") as caught:
        who(users, f"{PREFIX}x")
    assert "Make a token" in caught.value.remedy
    assert who(users, token) == ada
    assert users.login("ada", PASSWORD, HERE) is not None


def test_the_trail_says_who_made_and_revoked_which_token(users: Users, ada: Principal, audit: Audit) -> None:
    made = users.api_tokens.create(ada, "ada", "laptop", role="viewer", mcp_only=True)
    users.api_tokens.revoke(LOCAL, "ada", made.id)
    revoked, created = audit.latest()[:2]
    assert (created.principal, created.action, created.target) == ("ada", "tokens.create", "ada")
    assert '"laptop"' in created.detail
    assert (revoked.principal, revoked.action, revoked.detail) == (LOCAL.id, "tokens.revoke", '{"name": "laptop"}')
