"""The contract of the ports: what every store does, whatever it is made of."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from msgspec import structs
from msgspec.structs import replace

from engine.base.clock import timestamp, utc_now
from engine.base.errors import Fenced, InUse
from engine.base.statuses import AccountMode, RunStatus
from engine.expressions.json_values import compact_json
from engine.record.types.step import ReceiptRecord
from engine.store.acceptances import Acceptances, IdempotentRequest, Notice, Polled, PollSelection, Renamed, RunEntry
from engine.store.approvals import ApprovalRecord, Questions
from engine.store.bounces import BouncedMail, MadeMail, MailedAccount
from engine.store.claims import TakenRun
from engine.store.debugging import DebugState
from engine.store.held import HeldWrites
from engine.store.journal import JournalBroken
from engine.store.ledger import Claimed, Effects, IntendedWrite, identity
from engine.store.load import QueuedRuns
from engine.store.mail_waits import AwaitedMailbox, OwnMailWaits, WaitingStep
from engine.store.people.api_tokens import TokenRecord
from engine.store.people.audit import AuditEntry, TrailFilter
from engine.store.people.people import UserRecord
from engine.store.people.sign_ins import NewSession, SessionRecord, Success, TryLimit
from engine.store.run_limits import NO_LIMITS, LimitReached, RunLimits
from engine.store.runs import RunFilter
from engine.store.spending import Amount, BucketLevel, Decide, Reservation, Spending, SpendingBucket
from engine.store.sql.base.database import StateDatabase
from engine.store.sql.base.tables import owners, runs
from engine.store.sql.state import SqlState
from engine.store.sql.workers.owners import SqlOwner
from engine.store.sqlite.database import SqliteStateDatabase
from engine.store.state import Records
from engine.store.triggering.account_notices import AccountNoticeRecord
from engine.store.triggering.triggers import (
    ItemRecord,
    Moved,
    TriggerKey,
    TriggerPosition,
    TriggerRecord,
    TurnedOn,
)
from tests.engine.store.one_schema import emptied

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
AT = timestamp(NOON)
LATER = timestamp(NOON + timedelta(minutes=1))
KEY = TriggerKey("work", "mail", "gmail:me", "inbox")
ON = TurnedOn("{}", "gmail.new_mail", demo=False, by="me", at=AT)
PLACE = TriggerPosition(cursor='{"n":1}', looked_at=AT, succeeded_at=AT, look_again_at=LATER, item_at=None, note="")


OnLoop = Callable[[Effects], Coroutine[Any, Any, None]]
AskOnLoop = Callable[[Questions], Coroutine[Any, Any, None]]
AwaitOnLoop = Callable[[OwnMailWaits], Coroutine[Any, Any, None]]
SpendOnLoop = Callable[[Spending, Spending], Coroutine[Any, Any, None]]


@dataclass
class Store:
    """A store, the process that works on it, and what the contract has no verb for."""

    state: SqlState
    owner: str
    acceptances: Acceptances
    shared: Acceptances
    """For runs that any process may take."""
    fence: Callable[[], None]
    """Another process takes over."""
    fail: Callable[[str], None]
    """A run has failed."""
    reject: Callable[[str], None]
    """A run has failed only because a person rejected a call."""
    succeed: Callable[[str], None]
    """A run has succeeded."""
    hold: Callable[[HeldWrites | None], None]
    wait: Callable[[str], None]
    """A run waits for a person."""
    on_loop: Callable[[OnLoop], None]
    awaiting: Callable[[AwaitOnLoop], None]
    """Run a test on a loop with the port by which runs wait for mail."""
    asking: Callable[[AskOnLoop], None]
    """Run a test on a loop with the port by which runs ask; what it asks is stored when it returns."""
    spending: Callable[[SpendOnLoop], None]
    """Run a test on a loop with the port that counts calls, and that of another process."""


def on_sqlite(folder: Path) -> Iterator[Store]:
    with closing(SqliteStateDatabase(folder / "state")) as database:
        yield from _on(database, folder)


def on_postgres(folder: Path) -> Iterator[Store]:
    with emptied() as database:
        yield from _on(database, folder)


def _on(database: StateDatabase, folder: Path) -> Iterator[Store]:
    state, owner = SqlState(database), SqlOwner(database, folder / "owners", "test", utc_now)

    def fence() -> None:
        with database.writing() as connection:
            connection.execute(owners.delete())

    def end(status: RunStatus, run_id: str, counts: str = "{}") -> None:
        values = {"status": status, "ended_at": LATER, "sentence": f"{status.capitalize()}.", "counts": counts}
        with database.writing() as connection:
            connection.execute(runs.update().where(runs.c.run_id == run_id).values(**values))

    def hold(held: HeldWrites | None) -> None:
        if held is None:
            state.proof.release(AT, entry("state.accept"))
        else:
            state.proof.hold(held)

    def wait(run_id: str) -> None:
        values = {"status": RunStatus.WAITING, "due_at": None, "is_at_work": 0}
        with database.writing() as connection:
            connection.execute(runs.update().where(runs.c.run_id == run_id).values(**values))

    def spending(test: SpendOnLoop) -> None:
        other = SqlOwner(database, folder / "owners", "test", utc_now)

        async def main() -> None:
            mine, its = state.records(owner.id), state.records(other.id)
            try:
                await test(mine.spending, its.spending)
            finally:
                mine.journal.close()
                its.journal.close()

        asyncio.run(main())
        other.release()

    acceptances = state.acceptances(owner.id)
    with_records = partial(_with_records, state, owner.id)
    yield Store(
        state,
        owner.id,
        acceptances,
        state.acceptances(owner.id, shared=True),
        fence,
        partial(end, RunStatus.FAILED),
        lambda run_id: end(RunStatus.FAILED, run_id, compact_json({"failed_steps": 1, "rejected": 1})),
        partial(end, RunStatus.SUCCEEDED),
        hold,
        wait,
        lambda test: with_records(lambda records: test(records.effects)),
        lambda test: with_records(lambda records: test(records.mail_waits)),
        lambda test: with_records(lambda records: test(records.questions)),
        spending,
    )
    owner.release()


def _with_records(state: SqlState, owner: str, test: Callable[[Records], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        records = state.records(owner)
        try:
            await test(records)
        finally:
            records.journal.close()

    asyncio.run(main())


_ON_POSTGRES = pytest.param(on_postgres, marks=pytest.mark.service)


@pytest.fixture(params=[on_sqlite, _ON_POSTGRES], ids=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    yield from request.param(tmp_path)


def entry(action: str = "things.do", target: str = "thing", who: str = "me", at: str = AT) -> AuditEntry:
    return AuditEntry(at, who, action, target, "")


def actions(store: Store) -> list[str]:
    return [line.action for line in store.state.audit.found(TrailFilter())]


def accepted(
    number: int,
    *,
    lane: str | None = None,
    by: str = "trigger:mail",
    said: Mapping[str, Any] = MappingProxyType({}),
    **more: Any,
) -> RunEntry:
    acceptance: Any = {
        "run_id": f"20261120T1200{number:02}Z-aaaaaaaa",
        "workflow": "work",
        "definition": {"workflow": {}},
        "demo": False,
        "started_by": by,
        "origin_run_id": None,
        "parent_run_id": None,
        "queued_at": timestamp(NOON + timedelta(seconds=number)),
        "options": {},
        **said,
    }
    return RunEntry(acceptance, "Work", entry("runs.start"), lane=lane, **more)


def run_id(one: RunEntry) -> str:
    return str(one.acceptance["run_id"])


# --- settings


def test_settings_are_kept_changed_and_removed(store: Store) -> None:
    settings = store.state.settings
    assert settings.get("a", "none") == "none"
    settings.put("a", "1")
    settings.change("a", lambda known: f"{known}2")
    assert settings.get("a") == "12"
    settings.change("a", lambda _: None)
    assert settings.get("a") == ""
    settings.put("a", "3")
    settings.remove("a")
    settings.remove("a")
    assert settings.get("a") == ""


def test_a_change_that_raises_changes_nothing(store: Store) -> None:
    settings = store.state.settings
    settings.put("draft.1", "kept")

    def refuse(_: Any) -> Any:
        raise InUse("no")

    with pytest.raises(InUse):
        settings.change("draft.1", refuse)
    with pytest.raises(InUse):
        settings.change_all("draft.", refuse)
    assert settings.get("draft.1") == "kept"


def test_settings_with_a_prefix_are_changed_at_once_and_others_are_not(store: Store) -> None:
    settings = store.state.settings
    for key in ("draft.a", "draft.b", "draftx", "other"):
        settings.put(key, key)
    settings.change_all("draft.", lambda there: {"draft.c": ",".join(sorted(there))})
    found = [settings.get(key) for key in ("draft.a", "draft.b", "draft.c", "draftx", "other")]
    assert found == ["", "", "draft.a,draft.b", "draftx", "other"]
    assert settings.with_prefix("draft.") == {"draft.c": "draft.a,draft.b"}


# --- audit


def test_the_trail_is_read_backwards_filtered_and_in_pages(store: Store) -> None:
    audit = store.state.audit
    for number, action in enumerate(("users.add", "users.remove", "usersx.add", "runs.start")):
        audit.add(
            entry(action, f"t{number}", "ada" if number % 2 else "bob", timestamp(NOON + timedelta(hours=number)))
        )
    newest = audit.found(TrailFilter())
    assert [line.target for line in newest] == ["t3", "t2", "t1", "t0"]
    assert [line.target for line in audit.found(TrailFilter(before=newest[1].number, limit=1))] == ["t1"]
    assert [line.target for line in audit.found(TrailFilter(action="users"))] == ["t1", "t0"]
    assert [line.target for line in audit.found(TrailFilter(action="users.add"))] == ["t0"]
    window = TrailFilter(since=NOON + timedelta(hours=1), until=NOON + timedelta(hours=3))
    assert [line.target for line in audit.found(window)] == ["t2", "t1"]
    assert [line.target for line in audit.found(TrailFilter(who="ada"))] == ["t3", "t1"]
    assert audit.names() == (["ada", "bob"], ["runs.start", "users.add", "users.remove", "usersx.add"])
    assert audit.last_times(["users.add"]) == {"t0": NOON}


# --- people and sign-ins


def user(user_id: str, role: str = "owner", password: str | None = None) -> UserRecord:
    return UserRecord(user_id, user_id.title(), role, password, AT)


def session(user_id: str, id_hash: str, days: int = 1) -> SessionRecord:
    return SessionRecord(id_hash, user_id, AT, timestamp(NOON + timedelta(days=days)))


def signed_in(store: Store, user_id: str, id_hash: str, password: str = "hash") -> bool:
    return store.state.sign_ins.login(NewSession(session(user_id, id_hash), entry("users.login")), password)


def test_users_are_added_once_and_listed_by_id(store: Store) -> None:
    people = store.state.people
    people.add_first(user("owner"))
    people.add_first(user("owner", "viewer"))
    assert people.add(user("bob", "editor", "hash"), entry("users.add"))
    assert not people.add(user("bob", "owner"), entry("users.again"))
    assert people.users() == [user("bob", "editor", "hash"), user("owner")]
    assert (people.user("bob"), people.user("eve")) == (user("bob", "editor", "hash"), None)
    assert actions(store) == ["users.add"]


def test_a_check_sees_all_users_and_forbids_the_change(store: Store) -> None:
    people, seen = store.state.people, []

    def refuse(users: Sequence[UserRecord]) -> None:
        seen.append([one.id for one in users])
        raise InUse("no")

    people.add_first(user("owner"))
    with pytest.raises(InUse):
        people.set_role("owner", "viewer", entry(), refuse)
    with pytest.raises(InUse):
        people.remove("owner", entry(), refuse, lambda _: True)
    assert (seen, people.users(), actions(store)) == ([["owner"], ["owner"]], [user("owner")], [])
    people.set_role("owner", "viewer", entry("users.set_role"), lambda _: None)
    assert people.user("owner") == user("owner", "viewer")


def test_a_new_password_ends_other_sessions_links_and_counted_tries(store: Store) -> None:
    people, sign_ins, tries = store.state.people, store.state.sign_ins, store.state.login_tries
    people.add(user("ada", "owner", "hash"), entry())
    assert signed_in(store, "ada", "desk")
    assert signed_in(store, "ada", "phone")
    assert sign_ins.make_link("ada", "link", LATER, entry())
    one = TryLimit(1, timedelta(hours=1), account="ada")
    assert tries.count("ada", "here", [one], NOON, (timedelta(1), timedelta(1))) is None
    assert tries.reached("ada", "here", [one], NOON) is not None
    assert people.set_password("ada", "other", entry("users.set_password"), "desk")
    assert [one.id_hash for one in sign_ins.sessions("ada", AT)] == ["desk"]
    assert sign_ins.redeem("link", AT, no_sign_in) is None
    assert tries.reached("ada", "here", [one], NOON) is None
    assert not people.set_password("eve", "x", entry("users.never"), None)
    assert "users.never" not in actions(store)
    assert not signed_in(store, "ada", "late", "hash")


def no_sign_in(_: str) -> tuple[NewSession, Success]:
    raise AssertionError("nobody signs in")


def test_only_a_first_password_is_given(store: Store) -> None:
    people = store.state.people
    people.add_first(user("owner"))
    assert people.give_password("owner", "first", entry("users.set_password")) == user("owner", "owner", "first")
    assert people.give_password("owner", "second", entry()) is None
    assert people.give_password("eve", "first", entry()) is None
    assert actions(store) == ["users.set_password"]


def test_with_a_user_goes_what_is_theirs(store: Store) -> None:
    people, state = store.state.people, store.state
    for name in ("ada", "bob"):
        people.add(user(name, "owner", "hash"), entry())
        assert signed_in(store, name, f"{name}1")
        assert state.api_tokens.add(TokenRecord(f"{name}t", name, "laptop", "", 0, AT, ""), 1, entry())
        state.settings.put(f"draft.{name}", "text")
    people.remove("ada", entry("users.remove"), lambda _: None, lambda key: key == "draft.ada")
    assert (people.user("ada"), state.sign_ins.signed_in("ada1"), state.settings.get("draft.ada")) == (None, None, "")
    assert state.sign_ins.signed_in("bob1") is not None
    assert (state.api_tokens.found("adat"), [one.user_id for one in state.api_tokens.of("bob")]) == (None, ["bob"])
    assert state.settings.get("draft.bob") == "text"


def test_a_token_is_stored_once_by_name_used_and_revoked(store: Store) -> None:
    tokens = store.state.api_tokens
    store.state.people.add(user("ada"), entry())
    first, second = (TokenRecord(f"{one}-hash", "ada", one, "viewer", 1, AT, LATER) for one in ("one", "two"))
    assert tokens.add(second, 2, entry("tokens.create"))
    assert tokens.add(first, 2, entry("tokens.create"))
    assert tokens.add(first._replace(id_hash="other"), 9, entry("tokens.never")) is False
    assert tokens.add(first._replace(id_hash="third", name="three"), 2, entry("tokens.never")) is None
    assert tokens.add(first._replace(user_id="eve"), 2, entry("tokens.never")) is None
    tokens.note_use("one-hash", LATER)
    tokens.note_use("gone", LATER)
    assert tokens.of("ada") == [first._replace(used_at=LATER), second]
    assert tokens.found("two-hash") == second
    assert not tokens.revoke("eve", "one", entry("tokens.never"))
    assert tokens.revoke("ada", "one", entry("tokens.revoke"))
    assert tokens.of("ada") == [second]
    assert "tokens.revoke" in actions(store)


def test_a_token_has_the_networks_from_which_it_is_used(store: Store) -> None:
    tokens = store.state.api_tokens
    store.state.people.add(user("ada"), entry())
    assert tokens.add(TokenRecord("one-hash", "ada", "one", "viewer", 1, AT, LATER), 5, entry("tokens.create"))
    for network in ("a", "b", "a", "c", "d"):
        tokens.note_network("one-hash", network, 3, entry(f"tokens.{network}"))
    tokens.note_network("no-hash", "a", 3, entry("tokens.never"))
    assert [one.networks for one in tokens.of("ada")] == ["a b c"]
    assert [one for one in actions(store) if one.startswith("tokens.")] == ["tokens.c", "tokens.b", "tokens.create"]


def test_lines_after_a_number_are_read_in_order(store: Store) -> None:
    log = store.state.audit
    assert log.last_number() == 0
    for action in ("x.one", "y.two", "x.three", "x.four"):
        log.add(entry(action))
    first = log.found(TrailFilter())[-1].number
    assert [one.action for one in log.after(first, ["x.one", "x.three", "x.four"], 10)] == ["x.three", "x.four"]
    assert [one.action for one in log.after(first, ["x.three", "x.four"], 1)] == ["x.three"]
    assert log.last_number() == log.found(TrailFilter())[0].number
    assert "tokens.never" not in actions(store)


def test_a_session_is_found_renewed_and_closed(store: Store) -> None:
    sign_ins = store.state.sign_ins
    store.state.people.add(user("ada", "editor", "hash"), entry())
    assert signed_in(store, "ada", "one")
    found = sign_ins.signed_in("one")
    assert found is not None
    assert (found.user_id, found.role, found.expires_at) == ("ada", "editor", session("ada", "one").expires_at)
    sign_ins.renew("one", "2027-01-01T00:00:00.000Z")
    assert [one.expires_at for one in sign_ins.sessions("ada", AT)] == ["2027-01-01T00:00:00.000Z"]
    assert sign_ins.sessions("ada", "2027-01-01T00:00:00.000Z") == []
    sign_ins.close("one")
    assert sign_ins.signed_in("one") is None


def test_sessions_are_ended_by_the_start_of_their_hash_and_all_but_one(store: Store) -> None:
    sign_ins = store.state.sign_ins
    store.state.people.add(user("ada", "editor", "hash"), entry())
    for one in ("aa1", "bb2", "cc3"):
        assert signed_in(store, "ada", one)
    assert not sign_ins.end("bob", "aa", entry("never"))
    assert sign_ins.end("ada", "aa", entry("users.end_session"))
    assert sign_ins.sign_out("ada", AT, "cc3", lambda count: entry("users.sign_out", str(count))) == 1
    assert [one.id_hash for one in sign_ins.sessions("ada", AT)] == ["cc3"]
    assert [one.sign_outs for one in store.state.people.users()] == [1]
    assert actions(store)[:2] == ["users.sign_out", "users.end_session"]


@pytest.mark.parametrize(("at", "is_good"), [(AT, True), (LATER, False)], ids=["in time", "too late"])
def test_a_link_opens_one_session_and_only_the_last_is_good(store: Store, at: str, is_good: bool) -> None:
    sign_ins = store.state.sign_ins
    store.state.people.add(user("ada"), entry())
    assert not sign_ins.make_link("eve", "no", LATER, entry("never"))
    for link in ("first", "second"):
        assert sign_ins.make_link("ada", link, LATER, entry("users.login_link"))

    def sign_in(user_id: str) -> tuple[NewSession, Success]:
        one = NewSession(session(user_id, "new"), entry("users.login", user_id))
        return one, Success(user_id, "here", "net", NOON)

    assert sign_ins.redeem("first", at, sign_in) is None
    assert (sign_ins.redeem("second", at, sign_in) is not None) == is_good
    assert sign_ins.redeem("second", at, sign_in) is None
    assert (sign_ins.signed_in("new") is not None) == is_good


def test_limits_of_tries_are_by_account_and_place_and_spare_those_who_are_known(store: Store) -> None:
    tries, lasts = store.state.login_tries, (timedelta(hours=1), timedelta(days=1))
    own = TryLimit(2, timedelta(minutes=10), account="ada", place="here")
    of_all = TryLimit(3, timedelta(minutes=10), account="ada", without="device ", spares_known=True)
    for place in ("here", "there", "device 1", "elsewhere"):
        assert tries.count("ada", place, [own, of_all], NOON, lasts) is None
    reached = tries.count("ada", "new", [own, of_all], NOON, lasts)
    assert reached is not None
    assert (reached.limit, reached.at) == (of_all, NOON)
    tries.succeeded(Success("ada", "there", "known", NOON))
    assert tries.count("ada", "known", [own, of_all], NOON, lasts) is None
    assert tries.count("ada", "here", [own], NOON, lasts) is None
    assert tries.reached("ada", "here", [own], NOON) is not None
    assert tries.reached("ada", "here", [own], NOON + timedelta(minutes=10)) is None


# --- accounts that refuse


def test_a_refusal_is_kept_until_it_is_another_one_or_forgotten(store: Store) -> None:
    refusals = store.state.account_notices
    whole = AccountNoticeRecord("mail", "mine", "", "gmail", "revoked", "me", "no", AT, "1")
    single = whole._replace(workflow="work", kind="refused", since=LATER)
    refusals.report(single, lambda _: True)
    refusals.report(whole, lambda _: True)
    refusals.report(whole._replace(message="still no", since=LATER), lambda _: True)
    assert refusals.all() == [whole, single]
    other = whole._replace(key_mark="2", since=LATER)
    refusals.report(other, lambda known: known.key_mark == "2")
    assert sorted(refusals.all()) == sorted([other, single])
    refusals.forget("mail", "demo")
    refusals.forget("mail", "mine", "")
    assert refusals.all() == [single]
    refusals.forget("mail")
    assert refusals.all() == []


# --- triggers


def begun(store: Store) -> TriggerRecord:
    store.acceptances.begin(KEY, ON, PLACE, [])
    found = store.state.triggers.get(KEY)
    assert found is not None
    return found


def item(name: str, state: str = "started", **more: Any) -> ItemRecord:
    values: dict[str, Any] = {"run_id": None, "title": name, "seen_at": AT, "item_at": None, **more}
    return ItemRecord(**structs.asdict(KEY), item=name, state=state, **values)


def poll(trigger: TriggerRecord, entries: Sequence[RunEntry], **more: Any) -> Polled:
    """What a poll has found: one item for each run."""

    def choose(new: Sequence[str], _is_busy: bool) -> PollSelection:
        mine = [one for one in entries if run_id(one) in new]
        return PollSelection([item(run_id(one), run_id=run_id(one)) for one in mine], mine)

    values: dict[str, Any] = {"place": PLACE._replace(cursor='{"n":2}'), "choose": choose, **more}
    return Polled(trigger, ids=[run_id(one) for one in entries], **values)


def test_a_trigger_begins_at_its_place_and_goes_on_from_there(store: Store) -> None:
    triggers = store.state.triggers
    store.acceptances.begin(KEY, ON, PLACE, [item("old", "skipped", note="before")])
    store.acceptances.begin(KEY, ON, PLACE, [item("old", "skipped", note="other"), item("new", "skipped")])
    assert store.state.items.left_out() == {KEY: Counter({"before": 1, "": 1})}
    found = triggers.get(KEY)
    assert found is not None
    assert (found.is_on, found.demo, found.cursor, found.turned_on_by) == (True, False, PLACE.cursor, "me")
    assert triggers.turn_off("work", "mail", demo=True) == 0
    assert triggers.turn_off("work", "mail", demo=False) == 1
    assert triggers.on() == []
    triggers.go_on(KEY, replace(ON, by="you"))
    again = triggers.get(KEY)
    assert again is not None
    assert (again.is_on, again.cursor, again.turned_on_by, again.look_again_at) == (True, PLACE.cursor, "you", None)


def test_another_account_of_the_same_kind_is_turned_off(store: Store) -> None:
    triggers, other = store.state.triggers, replace(KEY, account="gmail:you")
    begun(store)
    store.acceptances.begin(replace(KEY, account="demo-1"), replace(ON, demo=True), PLACE, [])
    store.acceptances.begin(other, ON, PLACE, [])
    assert sorted((one.account, one.is_on) for one in triggers.all()) == [
        ("demo-1", True), ("gmail:me", False), ("gmail:you", True),
    ]  # fmt: skip


def test_a_poll_stores_runs_and_items_and_moves_the_cursor_at_once(store: Store) -> None:
    trigger, entries = begun(store), [accepted(1), accepted(2)]
    store.acceptances.polled(poll(trigger, entries))
    now = store.state.triggers.get(KEY)
    assert now is not None
    assert now.cursor == '{"n":2}'
    assert [one.is_new for one in entries] == [True, True]
    assert [one.run_id for one in store.state.items.seen_since(KEY, AT)] == [run_id(one) for one in entries]
    assert store.state.items.unseen(KEY, [run_id(entries[0]), "c", "c"]) == ["c"]
    assert actions(store) == ["runs.start", "runs.start"]
    store.acceptances.polled(poll(now, [accepted(1)]))  # listed again: it starts no second run
    assert store.state.items.count(KEY) == 2


def test_of_two_polls_at_once_one_counts(store: Store) -> None:
    trigger = begun(store)
    store.acceptances.polled(poll(trigger, [accepted(1)]))
    for one in (poll(trigger, [accepted(2)]), poll(trigger, [accepted(2)], place=None)):
        with pytest.raises(Moved):
            store.acceptances.polled(one)
    assert store.state.runs.get(run_id(accepted(2))) is None
    assert store.state.items.count(KEY) == 1
    store.state.triggers.turn_off("work", "mail", demo=False)
    now = store.state.triggers.get(KEY)
    assert now is not None
    with pytest.raises(Moved):
        store.acceptances.polled(poll(now, [accepted(3)]))


def test_a_poll_of_a_plan_from_before_a_rename_stores_nothing(store: Store) -> None:
    trigger = begun(store)
    with pytest.raises(Renamed):
        store.acceptances.polled(poll(trigger, [accepted(1, last_rename="never")]))
    assert (store.state.triggers.get(KEY), store.state.items.count(KEY)) == (trigger, 0)
    assert store.state.runs.get(run_id(accepted(1))) is None


def test_whoever_was_taken_over_stores_nothing(store: Store) -> None:
    trigger = begun(store)
    store.fence()
    for change in (
        lambda: store.acceptances.polled(poll(trigger, [accepted(1)])),
        lambda: store.acceptances.store([accepted(2)]),
        lambda: store.acceptances.notify(trigger, AT, Notice()),
        lambda: store.state.run_queue.hand_out(store.owner, {"x": 1}),
    ):
        with pytest.raises(Fenced):
            change()
    assert store.state.triggers.get(KEY) == trigger
    assert store.state.runs.page(RunFilter(), None, 10) == []


def test_a_poll_hears_whether_runs_are_at_work_and_may_cancel_them(store: Store) -> None:
    heard: list[bool] = []

    def choose(_new: Sequence[str], is_busy: bool) -> PollSelection:
        heard.append(is_busy)
        return PollSelection([], [], cancels_earlier=len(heard) == 3)

    trigger = begun(store)
    asks = {"place": None, "choose": choose, "asks_if_busy": True}
    store.acceptances.polled(poll(trigger, [], **asks))
    earlier, by_hand = accepted(1), accepted(2, by="me")
    store.acceptances.store([earlier, by_hand])
    store.acceptances.polled(poll(trigger, [], **asks))
    store.acceptances.polled(poll(trigger, [], **{**asks, "asks_if_busy": False}))
    assert heard == [False, True, False]
    found = [store.state.runs.get(run_id(one)) for one in (earlier, by_hand)]
    assert [one and one.cancel_requested for one in found] == [1, 0]


def test_a_request_to_poll_is_not_overwritten_by_a_poll_that_began_before_it(store: Store) -> None:
    triggers, trigger = store.state.triggers, begun(store)
    triggers.postpone(trigger, "2026-11-20T13:00:00.000Z", note="full")
    now = triggers.get(KEY)
    assert now is not None
    assert (now.look_again_at, now.note) == ("2026-11-20T13:00:00.000Z", "full")
    triggers.ask(KEY, AT)
    triggers.failed(now, "{}", LATER, "2026-11-20T14:00:00.000Z", 1)
    after = triggers.get(KEY)
    assert after is not None
    assert (after.look_again_at, after.failures, after.looked_at, after.cursor) == (AT, 1, LATER, PLACE.cursor)


def test_people_are_told_once(store: Store) -> None:
    trigger, told = begun(store), accepted(1)
    assert store.acceptances.notify(trigger, AT, Notice([told]))
    assert not store.acceptances.notify(trigger, AT, Notice([accepted(2)]))
    assert told.is_new
    assert store.state.runs.get(run_id(accepted(2))) is None
    now = store.state.triggers.get(KEY)
    assert now is not None
    assert (now.alarmed_at, store.acceptances.notify(now, None, Notice())) == (AT, True)


def test_what_people_know_changes_with_what_tells_them_or_not_at_all(store: Store) -> None:
    note, settings = store.acceptances.note, store.state.settings
    first = Notice([accepted(1)], {"notice.x.1": "Hello"})
    assert note("notified.x", "", "1", first)
    assert not note("notified.x", "", "1", Notice([accepted(2)], {"notice.x.2": "Hello"}))
    assert not note("notified.x", "0", "2", Notice([accepted(2)], {"notice.x.2": "Hello"}))
    assert store.state.runs.get(run_id(accepted(1))) is not None
    assert store.state.runs.get(run_id(accepted(2))) is None
    with pytest.raises(Renamed):
        note("notified.x", "1", "2", Notice([accepted(3, last_rename="never")], {"notice.x.3": "Hello"}))
    assert (settings.get("notified.x"), settings.with_prefix("notice.")) == ("1", {"notice.x.1": "Hello"})
    store.fence()
    with pytest.raises(Fenced):
        note("notified.x", "1", "2", Notice())


def kept(store: Store, *items: ItemRecord) -> None:
    now = store.state.triggers.get(KEY) or begun(store)
    ids = [one.item for one in items]
    store.acceptances.polled(
        Polled(now, None, ids, lambda new, _: PollSelection([i for i in items if i.item in new], []))
    )


def test_items_that_fail_are_read_again_oldest_first_and_then_replaced(store: Store) -> None:
    items = store.state.items
    kept(store, item("b", "failing", seen_at=LATER, attempts=2), item("a", "failing"))
    assert [one.item for one in items.failing(KEY, 5)] == ["a", "b"]
    assert [one.item for one in items.failing(KEY, 1)] == ["a"]
    kept(store, item("a", "dead", error="{}"))
    assert [one.item for one in items.failing(KEY, 5)] == ["b"]
    assert items.dead_counts() == {KEY: 1}


def test_a_dead_item_gets_one_run_or_is_dismissed(store: Store) -> None:
    items = store.state.items
    kept(store, item("a", "dead", error="{}"), item("b", "dead", error="{}", seen_at=LATER))
    assert [one.item.item for one in items.dead("work", 9)] == ["b", "a"]
    assert items.dead("other", 9) == []
    dead = items.find("work", "mail", "a")
    assert dead is not None
    items.still_dead(dead, '{"e":1}', "1")
    known = items.find("work", "mail", "a")
    assert known is not None
    assert (known.error, known.value) == ('{"e":1}', "1")
    assert store.acceptances.revive(known, accepted(1))
    assert not store.acceptances.revive(known, accepted(2))
    assert store.state.runs.get(run_id(accepted(2))) is None
    started = items.find("work", "mail", "a")
    assert started is not None
    assert (started.state, started.run_id, started.error, started.value) == ("started", run_id(accepted(1)), None, None)
    store.fail(run_id(accepted(1)))
    assert [(one.item.item, one.sentence) for one in items.dead(None, 9)] == [("b", None), ("a", "Failed.")]
    store.reject(run_id(accepted(1)))
    assert [one.item.item for one in items.dead(None, 9)] == ["b"]
    assert items.dead_counts() == {KEY: 1}
    store.fail(run_id(accepted(1)))
    items.dismiss(started)
    assert items.dead_counts() == {KEY: 1}


def test_only_items_that_need_no_attention_are_forgotten(store: Store) -> None:
    items = store.state.items
    kept(store, *(item(state, state) for state in ("started", "skipped", "failing", "dead")))
    items.forget("mail", "work", NOON)
    assert items.count(KEY) == 4
    items.forget("mail", "work", NOON + timedelta(seconds=1))
    assert items.unseen(KEY, ["started", "skipped", "failing", "dead"]) == ["started", "skipped"]


# --- runs and their queue


def test_a_request_starts_one_run_and_its_key_no_other(store: Store) -> None:
    first, again = (
        accepted(1, request=IdempotentRequest("key", "hash")),
        accepted(2, request=IdempotentRequest("key", "hash")),
    )
    store.acceptances.store([first])
    store.acceptances.store([again])
    assert (first.is_new, again.is_new, again.run_id) == (True, False, run_id(first))
    with pytest.raises(InUse):
        store.acceptances.store([accepted(3, request=IdempotentRequest("key", "other"))])
    assert store.state.runs.of_request(IdempotentRequest("key", "hash")) == run_id(first)
    assert store.state.runs.of_request(IdempotentRequest("none", "hash")) is None
    with pytest.raises(InUse):
        store.state.runs.of_request(IdempotentRequest("key", "other"))
    assert [one.run_id for one in store.state.runs.page(RunFilter(), None, 9)] == [run_id(first)]


def test_an_entry_from_before_a_rename_is_refused_and_others_are_stored(store: Store) -> None:
    good = accepted(1)
    with pytest.raises(Renamed):
        store.acceptances.store([accepted(2, last_rename="never"), good])
    assert good.is_new
    assert store.state.runs.get(run_id(accepted(2))) is None


def test_runs_are_found_whatever_the_case_of_their_letters(store: Store) -> None:
    found = accepted(1, said={"workflow": "łódź"})
    found.title = "Übersicht ПРИВЕТ ƏLİ"
    store.acceptances.store([found, accepted(2)])
    for text in ("übersicht", "ÜBERSICHT", "привет", "ŁÓDŹ", "ƏLİ"):
        assert [one.run_id for one in store.state.runs.page(RunFilter(text=text), None, 9)] == [run_id(found)], text


def test_runs_are_listed_newest_first_filtered_and_in_pages(store: Store) -> None:
    entries = [accepted(number, by="me" if number % 2 else "trigger:mail") for number in range(6)]
    mail = {"id": "mail", "account": "a", "source": "", "item": "m", "title": "An Offer", "sender": "Ada <ada@x.org>"}
    entries[4] = accepted(4, said={"trigger": mail})
    store.acceptances.store(entries)
    ids = [run_id(one) for one in entries]

    def listed(before: str | None = None, limit: int = 9, **wanted: Any) -> list[int]:
        return [ids.index(one.run_id) for one in store.state.runs.page(RunFilter(**wanted), before, limit)]

    assert listed(limit=4) == [5, 4, 3, 2]
    assert listed(ids[2]) == [1, 0]
    assert listed(started_by="me") == [5, 3, 1]
    store.fail(ids[0])
    store.fail(ids[3])
    assert listed(statuses=("failed",)) == [3, 0]
    assert listed(statuses=("failed", "queued"), limit=4) == [5, 4, 3, 2]
    assert listed(text="FAILED.") == [3, 0]
    assert listed(text="offer") == [4]
    assert listed(text="ADA@") == [4]
    assert listed(text="%") == []
    window: dict[str, Any] = {
        "since": timestamp(NOON + timedelta(seconds=2)),
        "until": timestamp(NOON + timedelta(seconds=4)),
    }
    assert listed(**window) == [3, 2]
    assert (listed(workflow="other"), listed(demo=True), len(listed(demo=False))) == ([], [], 6)
    assert [one.acceptance for one in store.state.runs.page(RunFilter(), None, 1)] == [None]
    noon, five = timestamp(NOON), timestamp(NOON + timedelta(seconds=5))
    assert store.state.runs.tally(noon, timestamp(NOON + timedelta(days=1))) == {"failed": 2, "queued": 4}
    assert store.state.runs.tally(noon, five) == {"failed": 2, "queued": 3}
    assert store.state.runs.tally(five, timestamp(NOON + timedelta(seconds=6))) == {"queued": 1}
    assert store.state.runs.tally(five, five) == {}
    [alike] = store.state.runs.alike(noon)
    assert (alike.status, alike.runs, alike.newest) == ("failed", 2, ids[3])
    assert store.state.runs.alike(noon, frozenset({alike.workflow_id})) == []
    assert store.state.runs.alike("2027-01-01T00:00:00.000Z") == []


def numbers(taken: Sequence[TakenRun]) -> list[int]:
    return [int(one.run_id[13:15]) for one in taken]


def test_urgent_runs_are_taken_first_and_every_tenth_turn_is_that_of_another(store: Store) -> None:
    said = {10: "low", 11: "low", 12: "normal", **dict.fromkeys(range(13, 40), "high")}
    store.shared.store([accepted(number, said={"priority": how}) for number, how in said.items()])
    taken = [numbers(store.state.claims.claim(store.owner, AT, 1, NO_LIMITS)) for _ in range(20)]
    high = [[number] for number in range(13, 31)]
    assert taken == [*high[:9], [12], *high[9:], [10]]
    assert numbers(store.state.claims.claim(store.owner, AT, 50, NO_LIMITS)) == [*range(31, 40), 11]
    assert len(store.state.claims.at_work(store.owner)) == len(said)


def test_runs_of_a_user_or_for_a_connection_wait_while_as_many_are_at_work(store: Store) -> None:
    claims, limits = store.state.claims, RunLimits(2, {"my_mail": 1})
    mail = {"modes": {"my_mail": AccountMode.MINE, "other": AccountMode.DEMO}}
    entries = [accepted(number, by="anna") for number in range(10, 14)]
    entries += [accepted(14, by="ben", said=mail), accepted(15, by="carl", said=mail)]
    demo = {"modes": {"my_mail": AccountMode.DEMO, "my-mail": AccountMode.MINE}}
    entries += [accepted(16, by="carl", said=demo), accepted(17, by="trigger:mail")]
    store.shared.store(entries)
    assert numbers(claims.claim(store.owner, AT, 50, limits)) == [10, 11, 14, 16, 17]
    assert claims.obstacle(run_id(entries[2]), AT, limits) == LimitReached(user="anna", most=2)
    assert claims.obstacle(run_id(entries[5]), AT, limits) == LimitReached(connection="my_mail", most=1)
    assert claims.obstacle(run_id(entries[0]), AT, limits) is None
    store.state.runs.ask_to_cancel(run_id(entries[3]))
    assert numbers(claims.claim(store.owner, AT, 50, limits)) == [13]  # to end it
    store.fail(run_id(entries[3]))
    store.fail(run_id(entries[0]))
    store.wait(run_id(entries[4]))
    assert numbers(claims.claim(store.owner, AT, 50, limits)) == [12, 15]
    claims.give_back(store.owner, [run_id(entries[5])])
    assert numbers(claims.claim(store.owner, AT, 50, limits)) == []  # it is not nobody's any more
    assert numbers(claims.claim(store.owner, AT, 0, limits, 50)) == [15]


def test_a_called_run_counts_as_one_with_its_caller(store: Store) -> None:
    claims, limits = store.state.claims, RunLimits(1)
    caller, other = accepted(10, by="anna"), accepted(12, by="anna")
    called = accepted(11, by="anna", said={"parent_run_id": run_id(caller)})
    store.shared.store([caller, called, other])
    assert numbers(claims.claim(store.owner, AT, 50, limits)) == [10]  # the called one is left to its caller
    store.wait(run_id(caller))
    assert numbers(claims.claim(store.owner, AT, 50, limits)) == [11]
    assert claims.obstacle(run_id(other), AT, limits) == LimitReached(user="anna", most=1)
    store.fail(run_id(called))
    assert numbers(claims.claim(store.owner, AT, 50, limits)) == [12]
    store.fence()
    with pytest.raises(Fenced):
        store.shared.store([accepted(13)])


def test_a_run_is_overtaken_once_a_later_one_of_its_workflow_has_succeeded(store: Store) -> None:
    other = accepted(4, said={"workflow": "other"})
    store.acceptances.store([accepted(1), accepted(2), accepted(3), other])
    ids = [run_id(one) for one in (accepted(1), accepted(2), accepted(3), other)]
    assert store.state.runs.overtaken(ids) == set()
    store.succeed(ids[3])
    assert store.state.runs.overtaken(ids) == set()
    store.succeed(ids[1])
    assert store.state.runs.overtaken(ids) == {ids[0]}
    assert store.state.runs.overtaken(ids[1:]) == set()
    assert store.state.runs.overtaken([]) == set()
    tried = accepted(5, said={"demo": True})
    store.acceptances.store([tried])
    store.succeed(run_id(tried))
    assert store.state.runs.overtaken(ids) == {ids[0]}, "a run in the demo makes none good"


def test_the_backlog_is_what_waits_to_begin_and_what_has_just_ended(store: Store) -> None:
    entries = [accepted(number) for number in range(5)]
    store.acceptances.store([*entries, accepted(6, lane="work")])
    assert store.state.runs.backlog(AT) == (5, 0)
    store.fail(run_id(entries[0]))
    store.wait(run_id(entries[1]))
    assert store.state.runs.backlog(LATER) == (3, 1)
    assert store.state.runs.backlog(timestamp(NOON + timedelta(minutes=2))) == (3, 0)


def test_a_run_is_put_down_by_its_owner_and_cancelled_by_anybody(store: Store) -> None:
    store.acceptances.store([accepted(1)])
    store.state.runs.put_down(run_id(accepted(1)), "somebody")
    store.state.runs.ask_to_cancel(run_id(accepted(1)))
    found = store.state.runs.get(run_id(accepted(1)))
    assert found is not None
    assert (found.status, found.owner, found.cancel_requested) == ("queued", store.owner, 1)
    assert found.acceptance is not None
    store.state.runs.put_down(run_id(accepted(1)), store.owner)
    found = store.state.runs.get(run_id(accepted(1)))
    assert found is not None
    assert (found.status, found.owner) == ("interrupted", None)


def test_the_queue_hands_each_run_out_once_oldest_first(store: Store) -> None:
    queue = store.state.run_queue
    entries = [accepted(number, lane="work") for number in (2, 1, 3)]
    store.acceptances.store(entries)
    line = queue.line(store.owner)
    assert [one.run_id for one in line.queued] == sorted(run_id(one) for one in entries)
    assert ({one.workflow for one in line.queued}, line.active) == ({"work"}, Counter())
    assert queue.hand_out(store.owner, {"another": 5}) == []
    assert queue.hand_out(store.owner, {"work": 1}) == [line.queued[0].run_id]
    assert queue.hand_out(store.owner, {"work": 1}) == []  # it counts as at work
    after = queue.line(store.owner)
    assert (after.queued, after.active) == (line.queued[1:], Counter(work=1))
    assert queue.line("somebody").queued == []


# --- the ledger


def write(thing: str = "a", run: str = "run-1", **more: str) -> IntendedWrite:
    name = identity("test:me", "work", "note", ["keys", thing])
    return IntendedWrite(name, "test:me", run, f"note.{thing}", "test.note", more.get("arguments_hash", thing))


async def claimed(effects: Effects, one: IntendedWrite) -> Claimed:
    found = await effects.claim(one, AT)
    assert isinstance(found, Claimed)
    return found


def test_a_write_is_claimed_once_and_its_receipt_is_found_by_all(store: Store) -> None:
    async def test(effects: Effects) -> None:
        first = await claimed(effects, write())
        assert (first.entry.state, first.number, effects.is_open(write().identity)) == ("new", 1, True)
        second = await claimed(effects, write(run="run-2"))
        assert (second.entry.state, second.entry.run_id, second.number) == ("intent", "run-1", None)
        await effects.record(write(), LATER, '{"id":"7","url":""}', '{"x":1}')
        third = (await claimed(effects, write(run="run-3"))).entry
        receipt = ReceiptRecord(id="7", url="")
        assert (third.state, third.receipt, third.output, third.is_made) == ("done", receipt, {"x": 1}, True)
        assert not effects.is_open(write().identity)
        assert (await claimed(effects, write("b"))).number == 2

    store.on_loop(test)


def test_an_intent_is_withdrawn_and_a_receipt_is_not(store: Store) -> None:
    async def test(effects: Effects) -> None:
        await claimed(effects, write())
        await effects.forget(write())
        assert (await claimed(effects, write())).entry.state == "new"
        await effects.record(write(), AT, "{}", "null")
        await effects.forget(write())
        assert (await claimed(effects, write())).entry.state == "done"

    store.on_loop(test)


def test_an_open_intent_is_taken_over_by_one(store: Store) -> None:
    async def test(effects: Effects) -> None:
        known = (await claimed(effects, write())).entry
        assert [await effects.take_over(write(run=f"run-{n}"), known) for n in (2, 3)] == [2, None]
        assert await effects.sending(write(run="run-2")) == 3
        found = (await claimed(effects, write())).entry
        assert (found.run_id, found.sends, found.owner) == ("run-2", 2, effects.owner)

    store.on_loop(test)


def test_an_update_leaves_the_content_unknown_until_it_ends(store: Store) -> None:
    async def test(effects: Effects) -> None:
        await claimed(effects, write())
        await effects.record(write(), AT, '{"id":"7"}', "null")
        known, later = (await claimed(effects, write())).entry, write(run="run-2")
        assert [await effects.begin_update(later, known), await effects.begin_update(later, known)] == [True, False]
        during = (await claimed(effects, write())).entry
        assert (during.state, during.arguments_hash, during.run_id, during.is_made) == ("intent", "", "run-2", True)
        await effects.end_update(later, known, "other")
        after = (await claimed(effects, write())).entry
        assert (after.state, after.arguments_hash, after.run_id) == ("done", "other", "run-1")

    store.on_loop(test)


def test_an_undone_write_is_made_anew_as_the_next_generation(store: Store) -> None:
    async def test(effects: Effects) -> None:
        await claimed(effects, write())
        assert not await effects.undone(write().identity, 0, LATER)
        await effects.record(write(), AT, '{"id":"7"}', "null")
        undone = [await effects.undone(write().identity, generation, LATER) for generation in (1, 0, 0)]
        assert undone == [False, True, False]
        again = (await claimed(effects, write(run="run-2"))).entry
        assert (again.state, again.generation, again.receipt, again.sends) == ("new", 1, None, 1)
        await effects.forget(write())  # it did not happen: it stays undone, and keeps its number
        assert (await claimed(effects, write())).entry.generation == 1

    store.on_loop(test)


@pytest.mark.parametrize(
    ("path", "receipt", "states"),
    [
        pytest.param(None, "42", ["done", "done"], id="both are done"),
        pytest.param("note.a", "https://x/1", ["done", "unknown"], id="one is done"),
        pytest.param("note.b", None, ["unknown", "new"], id="one was not"),
    ],
)
def test_a_person_answers_for_what_nobody_knows(
    store: Store, path: str | None, receipt: str | None, states: list[str]
) -> None:
    async def test(effects: Effects) -> None:
        for one in (write("a"), write("b")):
            await claimed(effects, one)
            await effects.question(one)
        assert await effects.answer("run-1", path, receipt) == (2 if path is None else 1)
        assert await effects.answer("run-9", None, receipt) == 0
        found = [(await claimed(effects, write(thing))).entry for thing in ("a", "b")]
        assert [one.state for one in found] == states
        assert {one.receipt and one.receipt["id"] for one in found if one.state == "done"} <= {receipt}

    store.on_loop(test)


def test_similar_writes_are_those_of_the_same_kind_and_account_since_then(store: Store) -> None:
    async def test(effects: Effects) -> None:
        for thing in ("old", "new", "open", "gone"):
            await claimed(effects, write(thing))
        await effects.record(write("old"), AT, '{"id":"1"}', "null")
        await effects.record(write("new"), LATER, '{"id":"2"}', "null")
        await effects.record(write("gone"), AT, '{"id":"3"}', "null")
        await effects.undone(write("gone").identity, 0, AT)
        found = await effects.similar(write("mine"), LATER)
        assert sorted((one.receipt or "", one.arguments_hash) for one in found) == [("", "open"), ('{"id":"2"}', "new")]

    store.on_loop(test)


def test_while_writes_are_held_only_receipts_are_found(store: Store) -> None:
    held = HeldWrites(AT, ["run-0"])

    async def before(effects: Effects) -> None:
        await claimed(effects, write("made"))
        await effects.record(write("made"), AT, "{}", "null")
        assert effects.held() is None

    async def during(effects: Effects) -> None:
        found = effects.held()
        assert (found and found.since, isinstance(await effects.claim(write("other"), AT), HeldWrites)) == (AT, True)
        assert (await claimed(effects, write("made"))).entry.state == "done"

    async def after(effects: Effects) -> None:
        assert (await claimed(effects, write("other"))).entry.state == "new"

    store.on_loop(before)
    store.hold(held)
    store.on_loop(during)
    store.hold(None)
    store.on_loop(after)


def test_whoever_was_taken_over_claims_nothing(store: Store) -> None:
    async def test(effects: Effects) -> None:
        await effects.still_ours()
        store.fence()
        with pytest.raises(JournalBroken):
            await effects.claim(write(), AT)
        with pytest.raises(JournalBroken):
            await effects.still_ours()
        assert not effects.is_open(write().identity)

    store.on_loop(test)


DAY, RUN_POT = SpendingBucket("all", "2026-11-20"), SpendingBucket("run:run-1", "")
CALL = Amount(1, 100, 50, 7_000, 0)


@dataclass(frozen=True)
class Said:
    """A verdict."""

    amount: Amount | None = None
    is_pause: bool = False


def call(name: str = "c1", run: str = "run-1", at: str = AT, over_at: str = LATER) -> Reservation:
    return Reservation(name, run, [SpendingBucket(f"run:{run}", ""), DAY], at, over_at)


def saying(said: Said, seen: list[BucketLevel] | None = None) -> Decide:
    def decide(standing: BucketLevel) -> Said:
        if seen is not None:
            seen.append(standing)
        return said

    return decide


def test_a_call_counts_with_its_bound_until_it_is_settled(store: Store) -> None:
    async def test(mine: Spending, other: Spending) -> None:
        seen: list[BucketLevel] = []
        assert (await mine.reserve(call(), saying(Said(CALL), seen))).amount == CALL
        await other.reserve(call("c2", "run-2"), saying(Said(CALL), seen))
        assert [one.spent for one in seen] == [{}, {DAY: CALL}]
        assert [one.in_flight.get(DAY) for one in seen] == [None, CALL], "calls of other processes are seen"
        assert store.state.spent.of([DAY]) == {DAY: CALL.plus(CALL)}
        assert store.state.spent.in_flight(call().at)[DAY] == CALL.plus(CALL)
        assert store.state.spent.in_flight(LATER) == {}, "their time is over"
        mine.settle(call(), Amount(1, 10, 5, 300, 0))
        other.settle(call("c3", "run-2"), Amount(1, 1, 1, 1, 1))  # nothing was reserved for it
        await mine.reserve(call("c4"), saying(Said(), seen))
        await other.reserve(call("c4"), saying(Said(), seen))
        assert seen[-1].in_flight[DAY] == CALL

    store.spending(test)
    assert store.state.spent.of([DAY, RUN_POT, SpendingBucket("run:run-9", "")]) == {
        DAY: Amount(3, 111, 56, 7_301, 1),
        RUN_POT: Amount(1, 10, 5, 300, 0),
    }


def test_an_answered_call_is_counted_for_the_day_by_what_asked(store: Store) -> None:
    used = [
        SpendingBucket(f"use:model:mine:{name}", day) for name, day in (("small", "2026-11-20"), ("big", "2026-11-21"))
    ]
    other = [SpendingBucket("use:models:mine:x", "2026-11-20"), SpendingBucket("use:prompt:mine:x", "2026-11-20")]

    async def test(mine: Spending, _other: Spending) -> None:
        await mine.reserve(call(), saying(Said(CALL)))
        mine.settle(call(), Amount(1, 10, 5, 300, 0), [*used, *other])
        mine.settle(call("c2"), Amount(1, 1, 1, 1, 1), used[:1])

    store.spending(test)
    small, big = (used[0], Amount(2, 11, 6, 301, 1)), (used[1], Amount(1, 10, 5, 300, 0))
    assert store.state.spent.daily("model", "2026-11-01", "2026-11-30") == [big, small]
    assert store.state.spent.daily("model", "2026-11-20", "2026-11-20") == [small]


@pytest.mark.parametrize(
    ("later", "is_in_flight"),
    [
        pytest.param(call("c2", "run-2"), True, id="another run"),
        pytest.param(call("c2", "run-1"), False, id="another process has taken the run up"),
        pytest.param(call("c2", "run-2", at=LATER), False, id="its time is over"),
    ],
)
def test_a_call_that_is_never_settled_stays_counted_and_is_in_flight_only_for_a_while(
    store: Store, later: Reservation, is_in_flight: bool
) -> None:
    async def test(mine: Spending, other: Spending) -> None:
        seen: list[BucketLevel] = []
        await mine.reserve(call(), saying(Said(CALL)))
        await other.reserve(later, saying(Said(), seen))
        assert seen[0].spent[DAY] == CALL
        assert (DAY in seen[0].in_flight) is is_in_flight

    store.spending(test)


def test_a_run_that_pauses_is_noted_until_it_is_resumed_or_goes_on(store: Store) -> None:
    first, second = (accepted(number) for number in (1, 2))
    for one in (first, second):
        store.acceptances.store([one])

    async def test(mine: Spending, _other: Spending) -> None:
        for one in (first, second):
            await mine.reserve(call(run_id(one), run_id(one)), saying(Said(is_pause=True)))
        await mine.reserve(call("c3", "unknown"), saying(Said(is_pause=True)))
        assert store.state.spent.paused() == [run_id(first), run_id(second)]
        store.state.spent.resume([run_id(first)], LATER)
        assert [mine.is_paused(run_id(one)) for one in (first, second)] == [False, True]
        await mine.reserve(call("c4", run_id(second)), saying(Said(CALL)))
        assert store.state.spent.paused() == []

    store.spending(test)


def test_whoever_was_taken_over_reserves_nothing(store: Store) -> None:
    async def test(mine: Spending, _other: Spending) -> None:
        store.fence()
        with pytest.raises(JournalBroken):
            await mine.reserve(call(), saying(Said(CALL)))

    store.spending(test)
    assert store.state.spent.of([DAY]) == {}


# --- questions to people


def question(name: str = "q1", run: str = "run-1", at: str = AT, **more: Any) -> ApprovalRecord:
    return ApprovalRecord(name, run, "send", "work", "Send?", "null", at, "open", call_hash="h", **more)


def answer(name: str, state: str = "approved", at: str = AT, **more: Any) -> ApprovalRecord:
    return question(name)._replace(state=state, answered_at=at, answered_by="ann", **more)


def ask(store: Store, *questions: ApprovalRecord) -> None:
    async def test(port: Questions) -> None:
        for one in questions:
            port.ask(one)

    store.asking(test)


def test_questions_are_listed_newest_first_and_the_first_answer_counts(store: Store) -> None:
    ask(store, question("q1"), question("q3"), question("q2", at=LATER))
    approvals = store.state.approvals
    assert [one.id for one in approvals.found("open", 9)] == ["q2", "q1", "q3"]
    assert [one.id for one in approvals.found(None, 1)] == ["q2"]
    assert approvals.count_open() == 3
    assert approvals.answer(answer("q1", comment="Yes.", edited="{}"))
    assert not approvals.answer(answer("q1", "rejected"))
    assert not approvals.answer(answer("q9"))
    found = approvals.get("q1")
    assert found == question("q1")._replace(
        state="approved", answered_at=AT, answered_by="ann", comment="Yes.", edited="{}"
    )
    assert ([one.id for one in approvals.found("approved", 9)], approvals.count_open()) == (["q1"], 2)
    assert approvals.get("q9") is None


def test_open_questions_are_found_by_a_pattern_of_their_texts(store: Store) -> None:
    dots = '{"text": ["see\\n", "x.0123456789.y"]}'
    ask(store, question("q1", call=dots), question("q2", terms='{"started_by": "ann"}'), question("q3"))
    ask(store, question("q4", at=LATER, expires_at=LATER), question("q5", call=dots))
    approvals = store.state.approvals
    assert approvals.answer(answer("q5"))
    assert sorted(approvals.open_like("%.__________.%", '%"ann"%')) == ["q1", "q2"]
    assert approvals.count_open() == 4


def test_a_question_that_has_expired_takes_no_answer(store: Store) -> None:
    ask(store, question("q1", expires_at=LATER), question("q2", expires_at=LATER))
    assert not store.state.approvals.answer(answer("q1", at=LATER))
    assert store.state.approvals.answer(answer("q2", at=AT))

    async def test(port: Questions) -> None:
        assert await port.expire("q1", LATER)
        assert not await port.expire("q1", LATER)
        assert not await port.expire("q2", LATER), "it was answered"

    store.asking(test)
    found = store.state.approvals.get("q1")
    assert found is not None
    assert (found.state, found.answered_at, found.answered_by) == ("expired", LATER, None)


def test_a_withdrawn_question_takes_no_answer_and_an_answered_one_is_not_withdrawn(store: Store) -> None:
    ask(store, question("q1"), question("q2"))
    assert store.state.approvals.answer(answer("q2", "rejected"))

    async def test(port: Questions) -> None:
        for name in ("q1", "q2", "q9"):
            port.withdraw(name, LATER)

    store.asking(test)
    states = {one.id: one.state for one in store.state.approvals.found(None, 9)}
    assert states == {"q1": "withdrawn", "q2": "rejected"}
    assert not store.state.approvals.answer(answer("q1"))


def test_the_last_question_is_found_for_this_call_of_this_step_of_this_run(store: Store) -> None:
    others = [
        question("q3", run="run-2"),
        question("q4")._replace(path="other"),
        question("q5")._replace(call_hash="i"),
    ]
    ask(store, question("q1"), question("q2"), question("q6"), *others)
    for name, state, at in (("q2", "approved", LATER), ("q1", "approved", AT), ("q6", "rejected", AT)):
        assert store.state.approvals.answer(answer(name, state, at))
    for one in others:
        assert store.state.approvals.answer(answer(one.id, at=LATER))

    async def test(port: Questions) -> None:
        found = port.last("run-1", "send", "h")
        assert found is not None
        assert found.id == "q2"
        assert port.last("run-1", "send", "another") is None
        assert port.get("q6") == store.state.approvals.get("q6")
        assert port.get("q9") is None

    store.asking(test)


def test_an_approval_does_not_count_after_a_later_question_was_rejected(store: Store) -> None:
    ask(store, question("q1"), question("q2"))
    assert store.state.approvals.answer(answer("q1", "approved", AT))
    assert store.state.approvals.answer(answer("q2", "rejected", LATER))

    async def test(port: Questions) -> None:
        found = port.last("run-1", "send", "h")
        assert found is not None
        assert (found.id, found.state) == ("q2", "rejected")

    store.asking(test)


def test_a_scheduled_question_can_be_answered_and_ends_by_itself_but_nobody_is_waited_for(store: Store) -> None:
    held = [question(f"q{number}")._replace(state="scheduled", expires_at=LATER) for number in range(1, 5)]
    ask(store, *held)
    assert store.state.approvals.count_open() == 0
    assert store.state.approvals.unnotified(9) == []
    assert [one.id for one in store.state.approvals.found("scheduled", 9)] == ["q1", "q2", "q3", "q4"]
    assert store.state.approvals.answer(answer("q1", "rejected", AT))
    assert not store.state.approvals.answer(answer("q2", "rejected", LATER))  # its time has come

    async def test(port: Questions) -> None:
        assert port.last("run-2", "send", "h") is None
        assert await port.expire("q2", LATER)
        assert not await port.expire("q1", LATER)
        port.withdraw("q3", LATER)

    store.asking(test)
    states = {one.id: one.state for one in store.state.approvals.found(None, 9)}
    assert states == {"q1": "rejected", "q2": "expired", "q3": "withdrawn", "q4": "scheduled"}


def test_of_questions_answered_in_one_moment_the_last_one_counts(store: Store) -> None:
    ask(store, question("q1"), question("q2"))
    assert store.state.approvals.answer(answer("q1", "rejected", AT))
    assert store.state.approvals.answer(answer("q2", "approved", AT))

    async def test(port: Questions) -> None:
        found = port.last("run-1", "send", "h")
        assert found is not None
        assert found.id == "q2"

    store.asking(test)


def test_a_changed_debug_run_is_woken_and_one_that_has_ended_is_not_changed(store: Store) -> None:
    open_run, ended = accepted(1), accepted(2)
    store.acceptances.store([open_run, ended])
    store.wait(run_id(open_run))
    store.fail(run_id(ended))
    debugging, seen = store.state.debugging, list[DebugState | None]()
    state = DebugState(("each.task",), is_stepping=True, turn=2, released=("each[0].task",), passed=("each",))

    def change(known: DebugState | None) -> DebugState:
        seen.append(known)
        return state._replace(turn=state.turn + len(seen))

    assert debugging.change(run_id(open_run), change, LATER)
    assert debugging.change(run_id(open_run), change, LATER)
    assert seen == [None, state._replace(turn=3)]
    assert debugging.get(run_id(open_run)) == state._replace(turn=4)
    assert not debugging.change(run_id(ended), change, LATER)
    assert debugging.get(run_id(ended)) is None
    rows = [store.state.runs.get(run_id(one)) for one in (open_run, ended)]
    assert [row.due_at for row in rows if row is not None] == [LATER, None]


def test_a_hint_wakes_the_runs_that_wait_for_mail_in_a_conversation_and_no_other(store: Store) -> None:
    first, second, ended = accepted(1), accepted(2), accepted(3)
    store.acceptances.store([first, second, ended])
    for one in (first, second):
        store.wait(run_id(one))
    store.fail(run_id(ended))

    async def begin(port: OwnMailWaits) -> None:
        port.begin(run_id(first), "wait", "mail", "mine", ["<root>", "<mail>"], AT)
        port.begin(run_id(second), "each[0].wait", "mail", "mine", ["<other>"], LATER)
        port.begin(run_id(ended), "wait", "mail", "mine", ["<mail>"], AT)
        port.begin(run_id(second), "wait", "box", "demo", ["<mail>"], LATER)

    store.awaiting(begin)
    waits = store.state.mail_waits
    assert [*waits.mailboxes()] == [AwaitedMailbox("box", "demo", LATER), AwaitedMailbox("mail", "mine", AT)]
    found = waits.of(AwaitedMailbox("mail", "mine", ""), {"<mail>", "<unknown>"})
    assert {one.run_id for one in found} == {run_id(first), run_id(ended)}
    assert waits.of(AwaitedMailbox("mail", "mine", ""), {"<root>"}) == [WaitingStep(run_id(first), "wait", "<root>")]
    waits.wake(found, LATER)
    rows = [store.state.runs.get(run_id(one)) for one in (first, second, ended)]
    assert [row.due_at for row in rows if row is not None] == [LATER, None, None]

    async def look_again(port: OwnMailWaits) -> None:
        assert [port.hints(run_id(first), "wait"), port.hints(run_id(second), "wait")] == [1, 0]
        assert port.hints(run_id(first), "nowhere") is None
        port.begin(run_id(first), "wait", "mail", "mine", ["<root>", "<mail>"], LATER)
        port.end(run_id(second), "each[0].wait")

    store.awaiting(look_again)

    async def after(port: OwnMailWaits) -> None:
        assert [port.hints(run_id(first), "wait"), port.hints(run_id(second), "each[0].wait")] == [1, None]

    store.awaiting(after)
    assert AwaitedMailbox("mail", "mine", LATER) in waits.mailboxes()


def test_an_answer_wakes_the_run_that_waits_and_no_other(store: Store) -> None:
    waiting, working = (accepted(number) for number in (1, 2))
    for number, one in enumerate((waiting, working)):
        store.acceptances.store([one])
        ask(store, question(f"q{number}", run=run_id(one)))
    store.wait(run_id(waiting))
    for number, one in enumerate((waiting, working)):
        assert store.state.approvals.answer(answer(f"q{number}", at=LATER)._replace(run_id=run_id(one)))
    rows = [store.state.runs.get(run_id(one)) for one in (waiting, working)]
    assert [row.due_at for row in rows if row is not None] == [LATER, None]


def test_people_are_notified_of_open_questions_oldest_first(store: Store) -> None:
    ask(store, question("q2", at=LATER), question("q1"), question("q3"))
    approvals = store.state.approvals
    assert approvals.answer(answer("q3"))
    assert [one.id for one in approvals.unnotified(9)] == ["q1", "q2"]
    approvals.notified("q1", LATER)
    assert [one.id for one in approvals.unnotified(9)] == ["q2"]


# --- the load


def test_the_load_tells_open_runs_queues_and_processes(store: Store) -> None:
    assert store.state.loads.now().ready == QueuedRuns(0, None)
    entries = [accepted(1), accepted(2), accepted(3), accepted(4, lane="work"), accepted(5, lane="work")]
    store.acceptances.store(entries)
    store.fail(run_id(entries[0]))
    store.wait(run_id(entries[1]))
    load = store.state.loads.now()
    assert dict(load.open_runs) == {"waiting": 1, "queued": 3}
    assert load.ready == QueuedRuns(1, entries[2].acceptance["queued_at"])
    assert load.in_line == QueuedRuns(2, entries[3].acceptance["queued_at"])
    assert [one.owner for one in load.processes] == [store.owner]
    assert 100_000 < store.state.loads.size_bytes() < 10**11


def test_the_load_tells_what_answered_calls_have_used_by_whose_account(store: Store) -> None:
    mine = [
        SpendingBucket("use:connection:mine:llm", "2026-11-20"),
        SpendingBucket("use:model:mine:small", "2026-11-20"),
    ]
    others = [
        SpendingBucket("use:connection:mine:big", "2026-11-21"),
        SpendingBucket("use:connections:mine:x", "2026-11-20"),
    ]

    async def test(spending: Spending, _other: Spending) -> None:
        await spending.reserve(call("c0"), saying(Said(CALL)))
        spending.settle(call("c1"), Amount(1, 10, 5, 300, 0), mine)
        spending.settle(call("c2"), Amount(1, 1, 1, 1, 0), others)
        spending.settle(call("c3"), Amount(1, 7, 7, 0, 0), [SpendingBucket("use:connection:demo:llm", "2026-11-20")])
        await spending.reserve(call("c4"), saying(Said()))

    store.spending(test)
    used = store.state.loads.now().used
    assert used == {AccountMode.MINE: Amount(2, 11, 6, 301, 0), AccountMode.DEMO: Amount(1, 7, 7, 0, 0)}


@pytest.mark.parametrize(
    ("actions", "told"),
    [
        (["delayed"], ["delayed"]),
        (["delayed", "failed"], ["failed"]),
        (["failed", "delayed"], ["failed"]),
        (["delayed", "delivered"], []),
        (["delayed", "relayed"], []),
        (["delivered", "delayed"], []),
        (["failed", "delivered"], ["failed"]),
        (["failed", "relayed"], ["failed"]),
        (["delivered", "failed"], ["failed"]),
        (["delayed", "failed", "delayed", "delivered", "delayed"], ["failed"]),
    ],
    ids=" ".join,
)
def test_a_failure_stays_and_a_late_mail_may_arrive(store: Store, actions: list[str], told: list[str]) -> None:
    store.acceptances.store([accepted(1)])
    run = run_id(accepted(1))
    other = BouncedMail(run, "note.a", "bob@x.example", "failed", "5.1.1", "no", "mail", "m", AT)
    for number, action in enumerate(actions):
        words = other._replace(
            recipient="Ann@x.example" if number else "ann@x.example", action=action, mail=f"m{number}"
        )
        store.state.bounces.note([words, other])
    assert sorted(one.action for one in store.state.bounces.of(run)) == sorted([*told, "failed"])


def test_reports_lead_to_mails_that_were_sent_of_late_and_go_with_their_runs(store: Store) -> None:
    first, second = accepted(1), accepted(2)
    store.acceptances.store([first, second])
    mail, note = replace(write(run=run_id(first)), uses="mail.send"), write("b", run_id(first))

    async def send(effects: Effects) -> None:
        for one in (mail, note):
            await claimed(effects, one)
            await effects.record(one, AT, "{}", '{"message_id":"<a@b>"}')

    store.on_loop(send)
    bounces = store.state.bounces
    assert [*bounces.mailed(["mail.send", "mail.reply"], AT)] == [MailedAccount("test:me", AT)]
    assert [*bounces.mailed(["mail.send"], LATER)] == []
    sent = [MadeMail(mail.identity, 0, run_id(first), "note.a", '{"message_id":"<a@b>"}', AT, AT)]
    assert [*bounces.mails("test:me", ["mail.send"], AT)] == sent
    assert [*bounces.mails("test:other", ["mail.send"], AT)] == []
    found = [
        BouncedMail(run_id(first), "note.a", f"{name}@x.example", "failed", "5.1.1", "no", "mail", "m", AT)
        for name in ("ann", "bob", "ann")
    ]
    late, strange = found[0]._replace(action="delayed"), found[0]._replace(run_id="unknown")
    bounces.note([*found, late, strange])
    bounces.note(found)
    told = [*bounces.of(run_id(first))]
    assert [(one.recipient, one.action) for one in told] == [("ann@x.example", "failed"), ("bob@x.example", "failed")]
    assert told[0]._replace(number=0) == found[0]
    assert [*bounces.after(told[0].number, 1)] == [told[1]]
    assert bounces.last_number() > told[-1].number, "that it was late is kept, too"
    bounces.note([found[0]._replace(recipient=f"{number}@x.example") for number in range(200)])
    assert len(bounces.of(run_id(first))) == 100
    before = bounces.last_number()
    bounces.note([found[0]._replace(action="delivered")])
    assert [one.action for one in bounces.after(before, 2)] == ["delivered"], "it is kept at any number of others"
    assert len(bounces.of(run_id(first))) == 100
    store.fail(run_id(first))
    store.state.old_runs.take_off([run_id(first)])
    assert [*bounces.of(run_id(first))] == []
    assert [*bounces.mailed(["mail.send"], AT)] == []
