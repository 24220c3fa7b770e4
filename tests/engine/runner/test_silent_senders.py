"""A process fell silent between the intent of a write and its receipt: the others look, and never send it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from clients.errors import OutcomeUnknown, Unavailable
from engine.base.errors import Fenced
from engine.compiler.definition.plan import Retry
from engine.plugins.step import Repeat
from engine.runner.effects.job import Job
from engine.runner.effects.ownership import WriteOwnership
from engine.store.journal import JournalBroken
from engine.store.ledger import LedgerRow
from engine.store.sql.base.tables import owners, runs
from engine.store.sql.runs import SqlRuns
from engine.store.sql.workers.owners import SqlOwner, SqlOwners
from engine.store.sqlite.database import SqliteStateDatabase
from tests.engine.runner.notes import BEFORE, Bench, Try, World

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


async def claimed(on: Bench, run_id: str) -> Job:
    """A write that another process is about to send, and that process is silent."""
    job = on.job(run_id)
    assert (await on.entry(job)).state == "new"
    on.senders[run_id] = "silent"
    return job


async def looked(world: World, times: int) -> None:
    """Wait until the service was asked so often."""
    async with asyncio.timeout(30):
        while world.looked < times:  # noqa: ASYNC110 - counted by the service
            await asyncio.sleep(0.02)


@pytest.mark.slow
@pytest.mark.parametrize("run_id", [pytest.param("stopped", id="same-run"), pytest.param("another", id="other-run")])
def test_it_is_looked_for_until_it_is_found_and_never_sent(attempt: Try, world: World, run_id: str) -> None:
    async def test(on: Bench) -> None:
        job = await claimed(on, "stopped")
        waiting = asyncio.ensure_future(on.make(on.job(run_id)))
        await looked(world, 3)
        assert not waiting.done()
        assert (world.sent, job.write is not None) == (0, True)
        assert job.write is not None
        world.notes.append((job.write.marker, "hello"))  # it has woken up and sent it
        done = await asyncio.wait_for(waiting, 20)
        assert done.effect is not None
        assert (done.effect["found"], done.effect["reused"]) == (True, False)

    attempt(test)
    assert (world.sent, len(world.notes)) == (0, 1)


def test_once_the_sender_is_dead_it_is_sent(attempt: Try, world: World) -> None:
    async def test(on: Bench) -> None:
        await claimed(on, "stopped")
        waiting = asyncio.ensure_future(on.make(on.job("another")))
        await looked(world, 1)
        assert world.sent == 0
        on.senders["stopped"] = "through"
        await asyncio.wait_for(waiting, 20)

    attempt(test)
    assert (world.sent, len(world.notes)) == (1, 1)


def test_what_cannot_be_looked_for_is_asked_at_once(attempt: Try, world: World) -> None:
    async def test(on: Bench) -> None:
        await claimed(on, "stopped")
        with pytest.raises(OutcomeUnknown):
            await asyncio.wait_for(on.make(on.job("another", repeat=Repeat.UNFINDABLE)), 20)
        assert (await on.entry(on.job("another"))).run_id == "another"

    attempt(test)
    assert (world.sent, world.looked) == (0, 0)


def test_what_is_the_same_twice_is_sent(attempt: Try, world: World) -> None:
    async def test(on: Bench) -> None:
        await claimed(on, "stopped")
        await asyncio.wait_for(on.make(on.job("another", repeat=Repeat.SAFE)), 20)

    attempt(test)
    assert world.sent == 1


def test_other_writes_to_the_same_target_go_on_meanwhile(attempt: Try, world: World) -> None:
    async def test(on: Bench) -> None:
        await claimed(on, "stopped")
        waiting = asyncio.ensure_future(on.make(on.job("another")))
        await looked(world, 1)
        await asyncio.wait_for(on.make(on.job("another", thing="b")), 20)
        assert not waiting.done()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert (await on.entry(on.job("another"))).state == "intent"  # it may still come

    attempt(test)


def test_a_receipt_of_the_silent_one_itself_ends_the_wait(attempt: Try, world: World) -> None:
    async def test(on: Bench) -> None:
        job = await claimed(on, "stopped")
        waiting = asyncio.ensure_future(on.make(on.job("another")))
        await looked(world, 1)
        assert job.write is not None
        await on.ledger.record(job.write, {"id": "9", "url": ""}, {"id": "9"})
        done = await asyncio.wait_for(waiting, 20)
        assert done.output == {"id": "9"}

    attempt(test)
    assert world.sent == 0


@pytest.mark.slow
def test_a_process_that_was_taken_over_while_it_waits_to_send_again_does_not(
    attempt: Try, world: World, database: SqliteStateDatabase
) -> None:
    world.faults = [(Unavailable("503", outcome="not_done"), BEFORE)]
    patient = Retry(attempts=3, backoff_seconds=0.5)

    async def test(on: Bench) -> None:
        sending = asyncio.ensure_future(on.make(on.job(retry=patient)))
        async with asyncio.timeout(30):
            while not on.attempts:  # noqa: ASYNC110 - filled by the engine
                await asyncio.sleep(0.01)
        with database.writing() as connection:
            connection.execute(owners.delete())
        with pytest.raises(JournalBroken) as broken:
            await asyncio.wait_for(sending, 30)
        assert isinstance(broken.value.error, Fenced)

    attempt(test)
    assert world.sent == 1


# --- who is silent


@contextmanager
def cast(database: SqliteStateDatabase, folder: Path) -> Iterator[tuple[SqlOwner, SqlOwner, WriteOwnership]]:
    """Give the sender, ourselves, and our view of senders, at NOW."""
    sender, ours = (SqlOwner(database, folder, kind, lambda: NOW) for kind in ("sender", "ours"))
    yield sender, ours, WriteOwnership(SqlRuns(database), SqlOwners(database), ours, lambda: NOW)
    sender.release()
    ours.release()


def entry(owner: str | None) -> LedgerRow:
    return LedgerRow("intent", "run", "note", "h", NOW, None, None, None, 1, 0, owner)


def run_of(database: SqliteStateDatabase, owner: str | None, *, has_ended: bool = False) -> None:
    row = {"run_id": "run", "workflow": "w", "workflow_id": "w", "title": "W", "demo": 0, "started_by": "me"}
    ended_at = "y" if has_ended else None
    with database.writing() as connection:
        connection.execute(runs.insert().values(**row, queued_at="x", status="running", owner=owner, ended_at=ended_at))


def _is_ours(database: SqliteStateDatabase, sender: SqlOwner, ours: SqlOwner) -> str:
    run_of(database, ours.id)
    return ours.id


def _is_dead(database: SqliteStateDatabase, sender: SqlOwner, ours: SqlOwner) -> str:
    run_of(database, sender.id)
    sender._lock.close()
    return sender.id


def _works(database: SqliteStateDatabase, sender: SqlOwner, ours: SqlOwner) -> str:
    run_of(database, sender.id)
    return sender.id


def _has_ended_the_run(database: SqliteStateDatabase, sender: SqlOwner, ours: SqlOwner) -> str:
    run_of(database, None, has_ended=True)
    return sender.id


def _gave_the_run_up(database: SqliteStateDatabase, sender: SqlOwner, ours: SqlOwner) -> str:
    run_of(database, ours.id)
    return sender.id


def _says_nothing(database: SqliteStateDatabase, sender: SqlOwner, ours: SqlOwner) -> str:
    run_of(database, sender.id)
    with database.writing() as connection:
        long_ago = (NOW - timedelta(minutes=5)).isoformat().replace("+00:00", "Z")
        connection.execute(owners.update().where(owners.c.owner == sender.id).values(heartbeat_at=long_ago))
    return sender.id


def _was_fenced(database: SqliteStateDatabase, sender: SqlOwner, ours: SqlOwner) -> str:
    run_of(database, None, has_ended=True)  # by the one that took over: the sender may still be about to send
    with database.writing() as connection:
        connection.execute(owners.delete().where(owners.c.owner == sender.id))
    return sender.id


def _is_not_named(database: SqliteStateDatabase, sender: SqlOwner, ours: SqlOwner) -> None:
    run_of(database, sender.id)


@pytest.mark.parametrize(
    ("story", "state"),
    [
        pytest.param(_is_ours, "through", id="ourselves"),
        pytest.param(_is_dead, "through", id="dead"),
        pytest.param(_works, "at work", id="alive"),
        pytest.param(_has_ended_the_run, "through", id="alive-and-run-ended"),
        pytest.param(_gave_the_run_up, "through", id="alive-and-run-left"),
        pytest.param(_says_nothing, "silent", id="no-sign-of-life"),
        pytest.param(_was_fenced, "silent", id="fenced-and-not-proven-dead"),
        pytest.param(_is_not_named, "at work", id="older-ledger"),
    ],
)
def test_what_is_known_of_a_sender(
    database: SqliteStateDatabase,
    tmp_path: Path,
    story: Callable[[SqliteStateDatabase, SqlOwner, SqlOwner], str | None],
    state: str,
) -> None:
    with cast(database, tmp_path / "owners") as (sender, ours, ownership):
        assert ownership.state_of(entry(story(database, sender, ours))) == state
