"""Users, sign-in by link and password, sessions: what works, how long, and what ends it."""

from __future__ import annotations

import itertools
import re
import sqlite3
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import argon2
import pytest
from argon2 import PasswordHasher

from engine.base.errors import InUse, InvalidInput, NotAllowed, OrchestraError, StorageError, TooManyTries, UnknownName
from engine.people.access import Principal, Role
from engine.people.audit import Audit
from engine.people.login_limit import ACCOUNT_WINDOW, ADDRESS_WINDOW, PER_ACCOUNT, PER_ADDRESS, PER_USER, PasswordChecks
from engine.people.passwords import Passwords
from engine.people.sessions import Session, cookie_name
from engine.people.tokens import token_secret
from engine.people.users import Users
from engine.store.sql.people.audit import SqlAudit
from engine.store.sql.state import SqlState
from engine.store.sqlite.database import SqliteStateDatabase

ROOT = Path(__file__).resolve().parents[3]
LOCAL = Principal("local:grace", "owner")
PASSWORD = "correct horse battery"


class Hands:
    """A clock that moves only when a test moves it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 20, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **time: float) -> None:
        self.now += timedelta(**time)


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def database(tmp_path: Path) -> SqliteStateDatabase:
    return SqliteStateDatabase(tmp_path / ".orchestra")


@pytest.fixture
def audit(database: SqliteStateDatabase, clock: Hands) -> Audit:
    return Audit(SqlAudit(database), clock)


@pytest.fixture
def users(database: SqliteStateDatabase, audit: Audit, clock: Hands) -> Users:
    return Users(SqlState(database), partial(token_secret, database.path.parent), audit, clock)


@pytest.fixture
def ada(users: Users) -> Principal:
    users.add(LOCAL, "ada", "Ada", "editor", PASSWORD)
    return Principal("ada", "editor")


def signed_in(session: Session | None) -> Session:
    assert session is not None
    return session


def test_the_first_start_makes_an_owner_without_a_password(users: Users) -> None:
    [owner] = users.list(LOCAL)
    assert (owner.id, owner.role, owner.has_password) == ("owner", "owner", False)
    assert users.login("owner", "") is None


def test_a_later_start_changes_nobody(users: Users, database: SqliteStateDatabase, audit: Audit, clock: Hands) -> None:
    users.add(LOCAL, "ada", "Ada", "owner")
    users.remove(LOCAL, "owner")
    again = Users(SqlState(database), partial(token_secret, database.path.parent), audit, clock)
    assert [user.id for user in again.list(LOCAL)] == ["ada"]


def test_a_link_signs_in_once(users: Users) -> None:
    token = users.login_link(LOCAL)
    session = signed_in(users.redeem(token))
    assert users.session(session.id) == Principal("owner", "owner")
    assert users.redeem(token) is None


def test_of_many_who_redeem_a_link_at_once_one_gets_in(users: Users) -> None:
    token = users.login_link(LOCAL)
    start = threading.Barrier(8)

    def redeem(_: int) -> Session | None:
        start.wait()
        return users.redeem(token)

    with ThreadPoolExecutor(8) as pool:
        assert len([session for session in pool.map(redeem, range(8)) if session]) == 1


def test_a_link_works_for_15_minutes(users: Users, clock: Hands) -> None:
    late, good = users.login_link(LOCAL), ""
    clock.forward(minutes=15)
    assert users.redeem(late) is None
    good = users.login_link(LOCAL)
    clock.forward(minutes=14, seconds=59)
    assert users.redeem(good) is not None


def test_a_new_link_ends_the_older_unused_one(users: Users) -> None:
    older, newer = users.login_link(LOCAL), users.login_link(LOCAL)
    assert users.redeem(older) is None
    assert users.redeem(newer) is not None


def test_a_link_of_one_user_leaves_that_of_another(users: Users, ada: Principal) -> None:
    of_owner = users.login_link(LOCAL)
    of_ada = users.login_link(LOCAL, ada.id)
    assert signed_in(users.redeem(of_owner)).user_id == "owner"
    assert signed_in(users.redeem(of_ada)).user_id == "ada"


@pytest.mark.parametrize("token", ["", "x", "x" * 100_000, "\ud800", "' OR 1=1 --", "\0"])
def test_any_other_text_is_no_link_and_no_session(users: Users, token: str) -> None:
    users.login_link(LOCAL)
    assert users.redeem(token) is None
    assert users.session(token) is None


def test_a_link_for_nobody_is_not_made(users: Users) -> None:
    with pytest.raises(UnknownName, match="no user named 'bob'"):
        users.login_link(LOCAL, "bob")


def test_the_state_file_holds_no_secret_in_the_clear(
    users: Users, database: SqliteStateDatabase, ada: Principal
) -> None:
    link = users.login_link(LOCAL)
    session = signed_in(users.login(ada.id, PASSWORD))
    database.close()
    stored = b"".join(path.read_bytes() for path in database.path.parent.glob("state.db*"))
    assert b"ada" in stored
    for secret in (link, session.id, PASSWORD):
        assert secret.encode() not in stored
    assert session.id not in repr(session)


def test_a_password_signs_in_whatever_the_keyboard_made_of_id_and_accents(users: Users) -> None:
    users.add(LOCAL, "zoé".replace("é", "e"), "Zoé", "viewer", "na\u00efve caf\u00e9")
    assert users.login(" Zoe ", "nai\u0308ve cafe\u0301") is not None


@pytest.mark.parametrize(
    ("user_id", "password"),
    [
        pytest.param("ada", "wrong horse battery", id="wrong password"),
        pytest.param("ada", "", id="no password"),
        pytest.param("ada", PASSWORD * 1_000, id="huge password"),
        pytest.param("ada", "\ud800", id="half a character"),
        pytest.param("bob", PASSWORD, id="nobody"),
        pytest.param("owner", PASSWORD, id="a user without a password"),
        pytest.param("owner", "nobody has this password", id="the placeholder's password"),
        pytest.param("\ud800", PASSWORD, id="a name that cannot be stored"),
    ],
)
def test_a_wrong_sign_in_gives_nothing_and_says_nothing(
    users: Users, ada: Principal, user_id: str, password: str
) -> None:
    assert users.login(user_id, password) is None
    assert users.token(user_id, password) is None


def test_no_password_fits_where_none_is_stored() -> None:
    passwords = Passwords()
    assert not passwords.fits("nobody has this password", None)
    assert passwords.fits(PASSWORD, passwords.hash(PASSWORD))


def test_a_user_who_is_not_there_costs_the_same_work(
    users: Users, ada: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[bool] = []
    fits = Passwords.fits

    def watched(self: Passwords, password: str, stored: str | None) -> bool:
        checked.append(stored is None)
        return fits(self, password, stored)

    monkeypatch.setattr(Passwords, "fits", watched)
    users.login("ada", "wrong horse battery")
    users.login("bob", "wrong horse battery")
    assert checked == [False, True]  # both are checked, the second against a hash that nothing fits


def test_the_limit_for_one_user_refuses_the_right_password_too_until_time_has_passed(
    users: Users, ada: Principal, clock: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as quick:
        quick.setattr(Passwords, "fits", lambda *_: False)
        for _ in range(PER_USER):
            assert users.login("ada", "guess") is None
    with pytest.raises(TooManyTries) as refused:
        users.login("ada", PASSWORD)
    assert refused.value.retry_after_seconds in {900, 901}
    clock.forward(minutes=15, seconds=1)
    assert users.login("ada", PASSWORD) is not None


def test_the_limit_counts_users_who_are_not_there_in_the_same_way(
    users: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Passwords, "fits", lambda *_: False)
    for _ in range(PER_USER):
        assert users.login("nobody", "guess") is None
    with pytest.raises(TooManyTries):
        users.login("nobody", "guess")


def _guessed(users: Users, names: Iterable[str], addresses: Iterable[str]) -> list[int]:
    """Try each name from each address with a wrong password; return how long each refusal asks to wait."""
    waits = []
    with pytest.MonkeyPatch.context() as quick:
        quick.setattr(Passwords, "fits", lambda *_: False)
        for name, address in itertools.product(names, addresses):
            try:
                assert users.login(name, "guess", address) is None
            except TooManyTries as refused:
                waits.append(refused.retry_after_seconds)
    return waits


ATTACKER, HOME, ELSEWHERE = "203.0.113.66", "198.51.100.7", "192.0.2.1"


@pytest.mark.slow
def test_a_thousand_invented_names_keep_out_nobody_else(users: Users, ada: Principal, clock: Hands) -> None:
    waits = _guessed(users, (f"user{number}" for number in range(1_000)), [ATTACKER])
    assert len(waits) == 1_000 - PER_ADDRESS, "the address itself has to wait"
    assert users.login("ada", PASSWORD, HOME) is not None
    clock.forward(seconds=max(waits))
    assert users.login("ada", PASSWORD, ATTACKER) is not None, "who shares the address gets in within the wait told"
    assert max(waits) <= ADDRESS_WINDOW.total_seconds() + 1


def test_where_somebody_signed_in_before_the_tries_of_others_do_not_count(users: Users, ada: Principal) -> None:
    users.redeem(users.login_link(LOCAL, "ada"), HOME)
    _guessed(users, (f"user{number}" for number in range(PER_ADDRESS + 1)), [HOME])
    assert users.login("ada", PASSWORD, HOME) is not None


@pytest.mark.slow
def test_who_knows_a_name_cannot_lock_it_out_from_other_addresses(users: Users, ada: Principal, clock: Hands) -> None:
    """An attack by a thousand addresses: known places get in at once, any other within the wait told."""
    assert users.login("ada", PASSWORD, HOME) is not None
    waits = _guessed(users, ["ada"], (f"10.0.{number // 250}.{number % 250}" for number in range(1_000)))
    assert len(waits) == 1_000 - PER_ACCOUNT
    assert users.login("ada", PASSWORD, HOME) is not None
    with pytest.raises(TooManyTries) as refused:
        users.login("ada", PASSWORD, ELSEWHERE)
    assert refused.value.retry_after_seconds <= ACCOUNT_WINDOW.total_seconds() + 1
    assert users.redeem(users.login_link(LOCAL, "ada"), ELSEWHERE) is not None, "a link always signs in"
    assert users.login("ada", PASSWORD, ELSEWHERE) is not None, "and makes the place known"


def _locked(users: Users, password: str, devices: Iterable[str] = ()) -> bool:
    try:
        users.login("ada", password, HOME, devices=devices)
    except TooManyTries:
        return True
    return False


def test_a_browser_that_signed_in_before_has_a_counter_of_its_own(users: Users, ada: Principal) -> None:
    desk, phone, bob = users.device_word("ada"), users.device_word("ada"), users.device_word("bob")
    _guessed(users, ["ada"] * PER_USER, [HOME])
    with pytest.MonkeyPatch.context() as quick:
        quick.setattr(Passwords, "fits", lambda *_: False)
        assert [_locked(users, "guess", [desk]) for _ in range(PER_USER + 1)] == [False] * PER_USER + [True]
    assert _locked(users, PASSWORD, [desk])
    assert not _locked(users, PASSWORD, [bob, phone])
    for forged in ("", "x", bob, f"{phone}0", phone.upper(), f"device.{phone.partition('.')[2]}", "é.é"):
        assert _locked(users, PASSWORD, [forged]), forged


def test_a_flood_of_any_names_takes_no_place_of_a_known_browser_and_tells_no_names(
    users: Users, ada: Principal
) -> None:
    refusals = []
    with users._checks.turn(HOME), users._checks.turn(HOME):
        for name in ("ada", "nobody"):
            with pytest.raises(TooManyTries) as refused:
                users.login(name, PASSWORD, HOME)
            refusals.append((str(refused.value), refused.value.retry_after_seconds))
        assert users.login("ada", PASSWORD, HOME, devices=[users.device_word("ada")]) is not None
    assert refusals[0] == refusals[1]


def test_who_is_over_a_limit_takes_no_place(users: Users, ada: Principal) -> None:
    _guessed(users, (f"user{number}" for number in range(PER_ADDRESS)), [ATTACKER])
    with users._checks.turn(ATTACKER), users._checks.turn(ATTACKER):
        assert _guessed(users, ["user1000"], [ATTACKER])[0] > 1, "the address has to wait, not the place"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", id="one subscriber of IPv6"),
        pytest.param("192.0.2.9", "::ffff:192.0.2.9", id="IPv4 in IPv6"),
    ],
)
def test_spellings_of_one_subscriber_count_as_one_address(users: Users, ada: Principal, one: str, other: str) -> None:
    _guessed(users, ["ada"] * PER_USER, [one])
    with pytest.raises(TooManyTries):
        users.login("ada", PASSWORD, other)


def test_a_password_typed_as_a_user_is_kept_nowhere(
    users: Users, ada: Principal, database: SqliteStateDatabase
) -> None:
    for _ in range(PER_USER + 1):
        with suppress(TooManyTries):
            users.login("hunter2-hunter2", "x")
            users.token("hunter2-hunter2", "x", HOME)
    stored = b"".join(path.read_bytes() for path in database.path.parent.glob("state.db*"))
    assert b"login_refused" in stored
    assert b"hunter2" not in stored


def test_of_sign_ins_at_once_one_address_takes_no_more_than_its_part() -> None:
    checks = PasswordChecks()
    with checks.turn(ATTACKER), checks.turn(ATTACKER):
        with pytest.raises(TooManyTries), checks.turn(ATTACKER):
            pass
        with checks.turn(HOME), checks.turn(ELSEWHERE), pytest.raises(TooManyTries), checks.turn("192.0.2.2"):
            pass
    with checks.turn(ATTACKER):
        pass


@pytest.mark.parametrize("damage", [b"$argon2id$v=19$secret\xff", b"$argon2id$secret"], ids=["no text", "no hash"])
def test_a_damaged_row_never_shows_the_hash_in_it(
    users: Users, ada: Principal, database: SqliteStateDatabase, damage: bytes
) -> None:
    with closing(sqlite3.connect(database.path)) as connection, connection:
        connection.execute("UPDATE users SET password_hash = CAST(? AS TEXT) WHERE id = 'ada'", (damage,))
    said = ""
    try:
        assert users.login("ada", PASSWORD) is None
    except StorageError as error:
        said = f"{error} {error.message} {error.remedy}"
    assert "argon2" not in said
    assert "secret" not in said


def test_the_limit_outlives_a_restart(
    users: Users,
    ada: Principal,
    database: SqliteStateDatabase,
    audit: Audit,
    clock: Hands,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as quick:
        quick.setattr(Passwords, "fits", lambda *_: False)
        for _ in range(PER_USER):
            users.login("ada", "guess")
    with pytest.raises(TooManyTries):
        Users(SqlState(database), partial(token_secret, database.path.parent), audit, clock).login("ada", PASSWORD)


def test_guesses_sent_at_once_are_counted_one_by_one(
    users: Users, ada: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []

    def wrong(_self: Passwords, password: str, _stored: str | None) -> bool:
        tried.append(password)
        return False

    monkeypatch.setattr(Passwords, "fits", wrong)

    def guess(_: int) -> None:
        with suppress(TooManyTries):
            while True:
                users.login("ada", "guess")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(guess, range(4)))
    assert len(tried) == PER_USER


def test_a_right_password_forgives_the_wrong_ones_before(users: Users, ada: Principal) -> None:
    for _ in range(3):
        users.login("ada", "wrong horse battery")
        assert users.login("ada", PASSWORD) is not None
    assert users.login("ada", "wrong horse battery") is None


def test_a_session_slides_and_ends_14_days_after_its_last_use(users: Users, ada: Principal, clock: Hands) -> None:
    session = signed_in(users.login("ada", PASSWORD))
    for _ in range(3):
        clock.forward(days=13)
        assert users.session(session.id) == ada
    clock.forward(days=14)
    assert users.session(session.id) is None


def test_a_session_is_good_where_its_end_cannot_be_moved(
    users: Users, ada: Principal, clock: Hands, database: SqliteStateDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = signed_in(users.login("ada", PASSWORD))
    clock.forward(days=1)

    def full_disk() -> None:
        raise StorageError("state.db: database or disk is full.")

    monkeypatch.setattr(database, "writing", full_disk)
    assert users.session(session.id) == ada


def test_a_logout_ends_one_session_only(users: Users, ada: Principal) -> None:
    desk, phone = signed_in(users.login("ada", PASSWORD)), signed_in(users.login("ada", PASSWORD))
    users.logout(desk.id)
    assert users.session(desk.id) is None
    assert users.session(phone.id) == ada


def test_a_new_password_ends_the_other_sessions_links_and_tokens(users: Users, ada: Principal) -> None:
    desk, phone = signed_in(users.login("ada", PASSWORD)), signed_in(users.login("ada", PASSWORD))
    link, token = users.login_link(LOCAL, "ada"), users.token("ada", PASSWORD)
    users.set_password(ada, "ada", "a better password", keep_session=desk.id)
    assert users.session(desk.id) == ada
    assert users.session(phone.id) is None
    assert users.redeem(link) is None
    assert users.principal_of_token(token or "") is None
    assert users.login("ada", PASSWORD) is None
    assert users.login("ada", "a better password") is not None


def test_signing_out_everywhere_ends_access_tokens_as_well(users: Users, ada: Principal) -> None:
    here, token = signed_in(users.login("ada", PASSWORD)), users.token("ada", PASSWORD)
    for keep in (here.id, None):
        users.sign_out(ada, "ada", keep)
        assert users.principal_of_token(token or "") is None
        token = users.token("ada", PASSWORD)
        assert users.principal_of_token(token or "") == ada


def test_a_password_changed_while_the_old_one_was_being_checked_lets_nobody_in(
    users: Users, ada: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    fits = Passwords.fits

    def slow(self: Passwords, password: str, stored: str | None) -> bool:
        right = fits(self, password, stored)
        users.set_password(LOCAL, "ada", "a better password")
        return right

    monkeypatch.setattr(Passwords, "fits", slow)
    assert users.login("ada", PASSWORD) is None


def test_a_new_role_holds_from_the_next_click_on(users: Users, ada: Principal) -> None:
    session, token = signed_in(users.login("ada", PASSWORD)), users.token("ada", PASSWORD)
    users.set_role(LOCAL, "ada", "viewer")
    assert users.session(session.id) == Principal("ada", "viewer")
    assert users.principal_of_token(token or "") == Principal("ada", "viewer")


def test_a_removed_user_is_out_at_once_also_when_the_id_is_given_again(users: Users, ada: Principal) -> None:
    session, token = signed_in(users.login("ada", PASSWORD)), users.token("ada", PASSWORD)
    link = users.login_link(LOCAL, "ada")
    users.remove(LOCAL, "ada")
    users.add(LOCAL, "ada", "Another Ada", "owner", PASSWORD)
    assert users.session(session.id) is None
    assert users.principal_of_token(token or "") is None
    assert users.redeem(link) is None


@pytest.mark.parametrize("role", ["editor", "operator", "viewer"])
@pytest.mark.parametrize(
    "act",
    [
        pytest.param(lambda users, p: users.list(p), id="list"),
        pytest.param(lambda users, p: users.add(p, "eve", "Eve", "owner"), id="add"),
        pytest.param(lambda users, p: users.set_role(p, p.id, "owner"), id="set role"),
        pytest.param(lambda users, p: users.remove(p, "owner"), id="remove"),
        pytest.param(lambda users, p: users.set_password(p, "owner", PASSWORD), id="password of another"),
        pytest.param(lambda users, p: users.login_link(p), id="login link"),
    ],
)
def test_only_an_owner_decides_about_people(
    users: Users, role: Role, act: Callable[[Users, Principal], object]
) -> None:
    users.add(LOCAL, "ada", "Ada", role)
    with pytest.raises(NotAllowed):
        act(users, Principal("ada", role))
    assert [(user.id, user.role, user.has_password) for user in users.list(LOCAL)] == [
        ("ada", role, False),
        ("owner", "owner", False),
    ]


def test_everybody_may_change_their_own_password(users: Users) -> None:
    users.add(LOCAL, "vera", "Vera", "viewer")
    users.set_password(Principal("vera", "viewer"), "vera", PASSWORD)
    assert users.has_password("vera")


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(lambda users: users.remove(LOCAL, "owner"), id="remove"),
        pytest.param(lambda users: users.set_role(LOCAL, "owner", "viewer"), id="demote"),
    ],
)
def test_the_last_owner_stays(users: Users, ada: Principal, act: Callable[[Users], None]) -> None:
    with pytest.raises(InvalidInput, match="only owner"):
        act(users)


@pytest.mark.parametrize(
    ("user_id", "name", "role", "password", "error"),
    [
        pytest.param("ada", "Ada", "viewer", None, InUse, id="taken"),
        pytest.param("../bob", "Bob", "viewer", None, InvalidInput, id="path"),
        pytest.param("local:root", "Bob", "viewer", None, InvalidInput, id="the command line's id"),
        pytest.param("Bob", "Bob", "viewer", None, InvalidInput, id="capital"),
        pytest.param("bob\n", "Bob", "viewer", None, InvalidInput, id="line end"),
        pytest.param("b" * 65, "Bob", "viewer", None, InvalidInput, id="long id"),
        pytest.param("bob", " ", "viewer", None, InvalidInput, id="no name"),
        pytest.param("bob", "B\0b", "viewer", None, InvalidInput, id="name with a control sign"),
        pytest.param("bob", "Bob", "root", None, InvalidInput, id="unknown role"),
        pytest.param("bob", "Bob", "viewer", "short77", InvalidInput, id="short password"),
        pytest.param("bob", "Bob", "viewer", "x" * 257, InvalidInput, id="long password"),
    ],
)
def test_a_user_who_cannot_be_is_refused_and_not_half_made(
    users: Users,
    ada: Principal,
    user_id: str,
    name: str,
    role: str,
    password: str | None,
    error: type[OrchestraError],
) -> None:
    with pytest.raises(error):
        users.add(LOCAL, user_id, name, role, password)
    assert [user.id for user in users.list(LOCAL)] == ["ada", "owner"]


def test_all_that_was_done_to_accounts_stands_in_the_trail(users: Users, audit: Audit, ada: Principal) -> None:
    users.login("ada", "wrong horse battery")
    users.login("ada", PASSWORD)
    users.token("ada", PASSWORD)
    users.redeem(users.login_link(LOCAL))
    users.set_role(LOCAL, "ada", "viewer")
    users.remove(LOCAL, "ada")
    told = [(line.principal, line.action, line.target) for line in reversed(audit.latest())]
    assert told == [
        ("local:grace", "users.add", "ada"),
        ("anonymous", "users.login_refused", "ada"),
        ("ada", "users.login", "ada"),
        ("ada", "users.new_device", "ada"),
        ("ada", "users.token", "ada"),
        ("local:grace", "users.login_link", "owner"),
        ("owner", "users.login", "owner"),
        ("owner", "users.new_device", "owner"),
        ("local:grace", "users.set_role", "ada"),
        ("local:grace", "users.remove", "ada"),
    ]
    assert not [line for line in audit.latest() if PASSWORD in line.detail]


@pytest.mark.parametrize(
    ("host", "name"),
    [
        pytest.param("127.0.0.1:8501", "orchestra_session_8501", id="address"),
        pytest.param("[::1]:9000", "orchestra_session_9000", id="version 6"),
        pytest.param("orchestra.example.org", "orchestra_session", id="no port"),
        pytest.param("localhost:nonsense", "orchestra_session", id="no number"),
    ],
)
def test_each_port_has_its_own_cookie(host: str, name: str) -> None:
    assert cookie_name(host) == name


def test_a_password_hash_takes_what_the_library_recommends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(argon2, "PasswordHasher", PasswordHasher)  # as it is; tests/conftest.py makes it cheap
    parameters = argon2.extract_parameters(Passwords().hash("correct horse battery"))
    assert parameters == argon2.profiles.RFC_9106_LOW_MEMORY


def test_no_user_has_a_name_under_which_the_program_acts(users: Users) -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "engine").rglob("*.py"))
    names = set(re.findall(r'Principal\("([a-z.-]+)"', code))
    assert {"engine", "approval-notices", "notifications"} <= names
    for name in names:
        with pytest.raises(InvalidInput, match="by itself"):
            users.add(LOCAL, name, "Somebody", "viewer")
