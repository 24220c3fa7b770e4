"""Who a write is, and what the ledger keeps of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from engine.base.clock import timestamp, utc_now
from engine.record.frames import Frame, LoopTurn
from engine.record.types.step import ReceiptRecord
from engine.runner.effects.ledger import Ledger, OtherWrites, arguments_hash
from engine.store.ledger import IntendedWrite, identity
from engine.store.sql.journal import SqlJournal
from engine.store.sql.ledger import SqlEffects
from engine.store.sql.workers.owners import SqlOwner
from engine.store.sqlite.database import SqliteStateDatabase
from engine.store.write_list import SentWrite, WriteList


def write(thing: str = "a", run_id: str = "run-1", **more: Any) -> IntendedWrite:
    values = {
        "identity": identity("test:me", "work", "each.note", ["keys", thing]),
        "account": "test:me",
        "run_id": run_id,
        "path": f"each[0].{thing}",
        "uses": "test.note",
        "arguments_hash": arguments_hash({"text": thing}),
    }
    return IntendedWrite(**{**values, **more})


@pytest.fixture
def with_ledger(tmp_path: Path) -> Callable[[Callable[[Ledger, SqlJournal], Coroutine[Any, Any, None]]], None]:
    def run(test: Callable[[Ledger, SqlJournal], Coroutine[Any, Any, None]]) -> None:
        database = SqliteStateDatabase(tmp_path / "state")
        owner = SqlOwner(database, tmp_path / "owners", "test", utc_now)

        async def main() -> None:
            journal = SqlJournal(database, owner.id)
            await test(Ledger(SqlEffects(journal), utc_now, WriteList(tmp_path / "state", tmp_path)), journal)
            journal.close()

        asyncio.run(main())
        owner.release()
        database.close()

    return run


With = Callable[[Callable[[Ledger, SqlJournal], Coroutine[Any, Any, None]]], None]


async def state_of(ledger: Ledger, wanted: IntendedWrite) -> str:
    return (await ledger.claim(wanted)).state


@pytest.mark.parametrize(
    ("turns", "once", "scope"),
    [
        pytest.param((), None, ["run", "origin"], id="no-loop"),
        pytest.param((LoopTurn(2, "k"),), None, ["keys", "k"], id="key"),
        pytest.param((LoopTurn(0, "a"), LoopTurn(1, "b")), None, ["keys", "a", "b"], id="keys-of-all-loops"),
        pytest.param((LoopTurn(0, "a"), LoopTurn(1, None)), None, ["run", "origin", 0, 1], id="one-loop-without"),
        pytest.param((LoopTurn(3, None),), None, ["run", "origin", 3], id="index"),
        pytest.param((LoopTurn(0, "a"),), "week 7", ["once", "week 7"], id="once"),
    ],
)
def test_the_scope_of_an_identity(turns: tuple[LoopTurn, ...], once: str | None, scope: list[Any]) -> None:
    assert Frame({"steps": {}}, None, turns).identity_scope(once, "origin") == scope


def test_no_two_different_writes_share_an_identity() -> None:
    scopes: list[list[Any]] = [
        ["keys", "a"], ["keys", "a", "b"], ["keys", 'a","b'], ["once", "a"], ["run", "a"], ["run", "a", 1],
        ["run", "a", 11], ["keys", "1"], ["keys", ""],
    ]  # fmt: skip
    places = [("acc", "flow", "step"), ("acc", "flow", "step.x"), ("acc", "flo", "wstep"), ("ac", "cflow", "step")]
    made = {identity(*place, scope) for place in places for scope in scopes}
    assert len(made) == len(places) * len(scopes)


def test_the_marker_is_the_same_for_ever_and_fits_everywhere() -> None:
    assert write().marker == write(run_id="another", path="p").marker
    assert write().marker != write("b").marker
    assert len(write().marker) == 32
    assert write().marker.isalnum()
    assert write("a").marker == "zuurahmmsl5svk3gapkvqfdqr5ln3mol"


def test_equal_arguments_have_one_hash_in_any_order() -> None:
    assert arguments_hash({"a": 1, "b": [2]}) == arguments_hash({"b": [2], "a": 1})
    assert arguments_hash({"a": 1}) != arguments_hash({"a": 2})
    assert arguments_hash({"a": "\ud83d"}) != arguments_hash({"a": "\ud83e"}), "JSON may hold half of a character"


def test_the_life_of_a_write(with_ledger: With) -> None:
    async def test(ledger: Ledger, _journal: SqlJournal) -> None:
        assert await state_of(ledger, write()) == "new"
        assert await state_of(ledger, write()) == "intent"
        await ledger.sending(write())
        await ledger.record(write(), {"id": "7", "url": "u"}, {"id": "7", "more": [1]})
        entry = await ledger.claim(write(run_id="run-2"))
        assert (entry.state, entry.sends, entry.output) == ("done", 2, {"id": "7", "more": [1]})
        assert entry.receipt == ReceiptRecord(id="7", url="u")
        assert entry.intended_at <= utc_now()

    with_ledger(test)


def test_an_intent_can_be_withdrawn_and_a_receipt_cannot(with_ledger: With) -> None:
    async def test(ledger: Ledger, _journal: SqlJournal) -> None:
        await ledger.claim(write())
        await ledger.effects.forget(write())
        assert await state_of(ledger, write()) == "new"
        await ledger.record(write(), {"id": "1", "url": ""}, {})
        await ledger.effects.forget(write())
        assert await state_of(ledger, write()) == "done"

    with_ledger(test)


def test_an_intent_is_taken_over_once(with_ledger: With) -> None:
    async def test(ledger: Ledger, _journal: SqlJournal) -> None:
        await ledger.claim(write(run_id="dead"))
        entry = await ledger.claim(write())
        results = await asyncio.gather(
            ledger.take_over(write(run_id="b"), entry), ledger.take_over(write(run_id="c"), entry)
        )
        assert list(results) == [True, False]
        assert (await ledger.claim(write())).run_id == "b"

    with_ledger(test)


@pytest.mark.parametrize("way", ["claimed", "resumed", "taken over", "asked again"])
def test_the_list_tells_of_a_write_before_it_is_sent_whichever_way_it_came_about(
    tmp_path: Path, with_ledger: With, way: str
) -> None:
    """Whoever claimed it may have died between the commit and its line."""
    dead, mine = "20260101T000000Z-aaaaaaaa", "20260102T000000Z-bbbbbbbb"
    listed = WriteList(tmp_path / "state", tmp_path)

    async def test(ledger: Ledger, journal: SqlJournal) -> None:
        claimed_by = mine if way in ("claimed", "resumed") else dead
        entry = await ledger.claim(write(run_id=claimed_by))
        if way != "claimed":
            for path in (tmp_path / "state" / "writes.list", tmp_path / "writes.list"):
                path.unlink()
            await journal.change(lambda cursor: cursor.execute("UPDATE effects SET owner = 'dead'"))
            entry = await ledger.claim(write(run_id=mine))
        if way == "taken over":
            assert await ledger.take_over(write(run_id=mine), entry)
        elif way != "claimed":
            await ledger.sending(write(run_id=mine))
        [(counted,)] = journal.read("SELECT value FROM meta WHERE key = 'writes'")
        assert listed.all()[-1] == SentWrite(int(counted), mine)
        for path in (tmp_path / "state" / "writes.list", tmp_path / "writes.list"):
            assert mine in path.read_text()

    with_ledger(test)


@pytest.mark.parametrize(
    ("path", "receipt", "left"),
    [
        pytest.param(None, "42", {"a": "done", "b": "done"}, id="all-done"),
        pytest.param("each[0].b", "https://x/9", {"a": "unknown", "b": "done"}, id="one-done"),
        pytest.param(None, None, {"a": "new", "b": "new"}, id="all-again"),
        pytest.param("each[0].a", None, {"a": "new", "b": "unknown"}, id="one-again"),
        pytest.param("nowhere", None, {"a": "unknown", "b": "unknown"}, id="no-such-step"),
    ],
)
def test_a_person_answers(with_ledger: With, path: str | None, receipt: str | None, left: dict[str, str]) -> None:
    async def test(ledger: Ledger, journal: SqlJournal) -> None:
        for thing in ("a", "b"):
            await ledger.claim(write(thing))
            await ledger.effects.question(write(thing))
        await ledger.claim(write("c"))
        await ledger.effects.answer("run-1", path, receipt)
        for thing, state in left.items():
            entry = await ledger.claim(write(thing))
            assert entry.state == state
            if state == "done":
                url = receipt if receipt and "://" in receipt else ""
                assert entry.receipt is not None
                assert (entry.receipt["id"], entry.receipt["url"]) == (receipt, url)
        assert await state_of(ledger, write("c")) == "intent"  # nobody asked about this one

    with_ledger(test)


def test_what_was_undone_counts_as_absent_and_is_another_thing_the_next_time(with_ledger: With) -> None:
    async def test(ledger: Ledger, journal: SqlJournal) -> None:
        def undo(generation: int) -> Any:
            return ledger.effects.undone(write().identity, generation, timestamp(utc_now()))

        await ledger.claim(write())
        assert not await undo(0)  # it has no receipt yet
        await ledger.record(write(), {"id": "1", "url": ""}, {"id": "1"})
        assert not await undo(1)
        assert await undo(0)
        assert not await undo(0)
        entry = await ledger.claim(write(run_id="run-2"))
        assert (entry.state, entry.generation, entry.run_id) == ("new", 1, "run-2")
        assert (entry.receipt, entry.output, entry.sends) == (None, None, 1)
        assert await state_of(ledger, write(run_id="run-2")) == "intent"

    with_ledger(test)


@pytest.mark.parametrize("how", ["forgotten", "answered"])
def test_a_write_after_an_undo_that_did_not_happen_is_no_older_one(with_ledger: With, how: str) -> None:
    async def test(ledger: Ledger, journal: SqlJournal) -> None:
        await ledger.claim(write())
        await ledger.record(write(), {"id": "1", "url": ""}, {"id": "1"})
        await ledger.effects.undone(write().identity, 0, timestamp(utc_now()))
        await ledger.claim(write())
        if how == "forgotten":
            await ledger.effects.forget(write())
        else:
            await ledger.effects.question(write())
            assert await ledger.effects.answer("run-1", None, None) == 1
        entry = await ledger.claim(write())
        assert (entry.state, entry.generation) == ("new", 1)

    with_ledger(test)


def test_every_generation_of_a_write_has_a_marker_of_its_own() -> None:
    markers = {write(generation=number).marker for number in range(12)}
    assert len(markers) == 12
    assert write(generation=0).marker == write().marker


@pytest.mark.parametrize(
    ("receipt", "expected"),
    [
        pytest.param("C1", OtherWrites(frozenset({"C1"})), id="and says which it is"),
        pytest.param("", OtherWrites(is_twin_open=True), id="and does not say which it is"),
        pytest.param("https://n.test/C?d=1", OtherWrites(frozenset({"https://n.test/C?d=1"}), is_twin_open=True),
                     id="and gives an address, which tells no id"),
        pytest.param(None, OtherWrites(), id="and it was not done"),
    ],
)  # fmt: skip
def test_an_equal_write_that_a_person_answered_for_is_not_taken_for_this_one(
    with_ledger: With, receipt: str | None, expected: OtherWrites
) -> None:
    async def test(ledger: Ledger, journal: SqlJournal) -> None:
        same = arguments_hash({"text": "same"})
        theirs, mine = write("a", arguments_hash=same), write("b", "run-2", arguments_hash=same)
        await ledger.claim(theirs)
        await ledger.claim(mine)
        await ledger.effects.question(theirs)
        await ledger.effects.answer("run-1", None, receipt)
        assert await ledger.others(mine, utc_now()) == expected

    with_ledger(test)


def test_an_equal_write_that_did_not_happen_after_an_undo_leaves_nothing_open(with_ledger: With) -> None:
    async def test(ledger: Ledger, journal: SqlJournal) -> None:
        same = arguments_hash({"text": "same"})
        theirs, mine = write("a", arguments_hash=same), write("b", "run-2", arguments_hash=same)
        await ledger.claim(theirs)
        await ledger.record(theirs, {"id": "C1", "url": ""}, {})
        await ledger.effects.undone(theirs.identity, 0, timestamp(utc_now()))
        await ledger.claim(theirs)
        await ledger.effects.forget(theirs)
        assert await ledger.others(mine, utc_now()) == OtherWrites()

    with_ledger(test)
