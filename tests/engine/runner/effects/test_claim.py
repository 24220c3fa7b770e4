"""Writes that happen once: attempts, look-ups, receipts, cancellation and rival claims, against a service in memory."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from clients.errors import InvalidRequest, NotFound, OutcomeUnknown, RateLimited, ServiceError, Unavailable
from engine.base.clock import timestamp, utc_now
from engine.base.threads import WorkerThreads
from engine.compiler.definition.plan import Retry
from engine.plugins.step import Repeat
from engine.record.types.step import ReceiptRecord
from engine.runner.effects.job import Done, Job
from engine.store.sql.journal import SqlJournal
from engine.store.sql.workers.owners import SqlOwner
from engine.store.sqlite.database import SqliteStateDatabase
from tests.engine.runner.notes import AFTER, BEFORE, Bench, Try, World, bench, gone
from tests.patience import PATIENCE_SECONDS


def test_a_write_is_sent_once_and_its_receipt_serves_the_next(attempt: Try, world: World) -> None:
    async def test(on: Bench) -> None:
        first, second = await on.make(on.job()), await on.make(on.job("run-2"))
        assert first.effect is not None
        assert second.effect is not None
        assert (first.effect["reused"], second.effect["reused"]) == (False, True)
        assert first.output == second.output
        assert second.effect["receipt"] == ReceiptRecord(id="1", url="notes/1")

    attempt(test)
    assert world.sent == 1


def test_after_an_error_behind_the_effect_the_write_is_found_and_not_sent_again(attempt: Try, world: World) -> None:
    world.faults = [(gone(), AFTER)]

    async def test(on: Bench) -> None:
        done = await on.make(on.job())
        assert done.effect is not None
        assert done.effect["found"] is True
        assert done.output == {"id": "1", "url": "notes/1"}
        assert failed(on) == [("Unavailable", "unknown")]

    attempt(test)
    assert (world.sent, len(world.notes), world.looked) == (1, 1, 1)


def test_after_an_error_before_the_effect_it_is_looked_for_twice_and_sent_again_once(
    attempt: Try, world: World
) -> None:
    world.faults = [(gone(), BEFORE)]

    async def test(on: Bench) -> None:
        done = await on.make(on.job())
        assert done.effect is not None
        assert "found" not in done.effect
        assert len(on.attempts) == 1

    attempt(test)
    assert (world.sent, len(world.notes), world.looked) == (2, 1, 2)


def test_where_nobody_can_look_nothing_is_sent_again(attempt: Try, world: World) -> None:
    world.faults = [(gone(), BEFORE)]
    world.look_faults = [gone(), gone()]

    async def test(on: Bench) -> None:
        with pytest.raises(Unavailable) as raised:
            await on.make(on.job())
        assert raised.value.outcome == "unknown"

    attempt(test)
    assert world.sent == 1


def failed(on: Bench) -> list[tuple[str, str]]:
    """Type and outcome of every failed attempt."""
    return [(type(one.error).__name__, one.error.outcome) for one in on.attempts if isinstance(one.error, ServiceError)]


@pytest.mark.parametrize(
    ("when", "sent", "is_found"),
    [pytest.param(BEFORE, 2, False, id="not-there"), pytest.param(AFTER, 1, True, id="there")],
)
def test_a_look_up_that_fails_is_tried_again_before_anything_is_sent(
    attempt: Try, world: World, when: str, sent: int, is_found: bool
) -> None:
    world.faults = [(gone(), when)]
    world.look_faults = [gone(), RateLimited("429", retry_after_seconds=0.0)]

    async def test(on: Bench) -> None:
        done = await on.make(on.job(retry=Retry(attempts=4, backoff_seconds=0.0)))
        assert done.effect is not None
        assert done.effect.get("found", False) is is_found
        assert [kind for kind, _ in failed(on)] == ["Unavailable", "Unavailable", "RateLimited"]

    attempt(test)
    assert (world.sent, len(world.notes)) == (sent, 1)


@pytest.mark.parametrize(
    ("fault", "attempts", "looked"),
    [
        pytest.param(gone, 3, 2, id="attempts-used-up"),
        pytest.param(gone, 1, 1, id="one-attempt"),
        pytest.param(lambda: NotFound("404"), 3, 1, id="cannot-get-better"),
    ],
)
def test_without_a_look_up_that_answered_the_outcome_stays_unknown_and_the_intent_open(
    attempt: Try, world: World, fault: Callable[[], ServiceError], attempts: int, looked: int
) -> None:
    world.faults = [(gone(), AFTER)]
    world.look_faults = [fault() for _ in range(5)]

    async def test(on: Bench) -> None:
        with pytest.raises(Unavailable) as raised:
            await on.make(on.job(retry=Retry(attempts=attempts, backoff_seconds=0.0)))
        assert raised.value.outcome == "unknown"
        assert len(failed(on)) == 1 + looked
        assert {outcome for _, outcome in failed(on)} == {"unknown"}
        entry = await on.entry(on.job())
        assert entry.state == "intent"
        world.look_faults = []
        again = await on.make(on.job())
        assert again.effect is not None
        assert again.effect["found"] is True

    attempt(test)
    assert world.sent == 1


def test_a_run_that_goes_on_looks_before_it_sends_and_asks_again_where_the_service_is_down(
    attempt: Try, world: World
) -> None:
    world.look_faults = [gone()]

    async def test(on: Bench) -> None:
        job = on.job()
        assert (await on.entry(job)).state == "new"  # a process that died here: an intent, and nobody knows
        world.put(job.write.marker if job.write else "", "hello")
        done = await on.make(on.job())
        assert done.effect is not None
        assert done.effect["found"] is True

    attempt(test)
    assert (world.sent, world.looked) == (1, 2)


@pytest.mark.parametrize(
    ("fault", "sent"),
    [
        pytest.param((RateLimited("429", retry_after_seconds=0.0), BEFORE), 2, id="rate-limited"),
        pytest.param((Unavailable("refused", outcome="not_done"), BEFORE), 2, id="refused-connection"),
        pytest.param((InvalidRequest("422"), BEFORE), 1, id="not-accepted"),
        pytest.param((Unavailable("500"), BEFORE), 1, id="unknown"),
    ],
)
def test_an_unfindable_write_is_sent_again_only_where_it_certainly_did_not_happen(
    attempt: Try, world: World, fault: tuple[ServiceError, str], sent: int
) -> None:
    world.faults = [fault]

    async def test(on: Bench) -> None:
        if sent == 2:
            await on.make(on.job(repeat=Repeat.UNFINDABLE))
            return
        with pytest.raises(OutcomeUnknown if fault[0].outcome == "unknown" else InvalidRequest):
            await on.make(on.job(repeat=Repeat.UNFINDABLE))

    attempt(test)
    assert (world.sent, world.looked) == (sent, 0)


def test_the_question_of_an_unknown_outcome_goes_to_the_run_that_met_it_last(attempt: Try, world: World) -> None:
    world.faults = [(gone(), AFTER)]

    async def test(on: Bench) -> None:
        for run_id in ("run-1", "run-2"):
            with pytest.raises(OutcomeUnknown, match="nobody can tell") as raised:
                await on.make(on.job(run_id, repeat=Repeat.UNFINDABLE))
            assert run_id in raised.value.remedy
            entry = await on.entry(on.job())
            assert (entry.state, entry.run_id) == ("unknown", run_id)

    attempt(test)
    assert world.sent == 1


def test_after_a_bug_behind_the_effect_only_a_person_can_tell(attempt: Try, world: World) -> None:
    world.faults = [(RecursionError("maximum depth"), AFTER)]

    async def test(on: Bench) -> None:
        with pytest.raises(OutcomeUnknown, match=r"it broke down: RecursionError\)") as raised:
            await on.make(on.job(repeat=Repeat.UNFINDABLE))
        assert "`orchestra runs resume run-1 --as-done` or `--redo`" in raised.value.remedy
        assert (await on.entry(on.job())).state == "unknown"

    attempt(test)
    assert world.sent == 1


def test_a_safe_write_is_simply_sent_again(attempt: Try, world: World) -> None:
    world.faults = [(gone(), AFTER)]

    async def test(on: Bench) -> None:
        await on.make(on.job(repeat=Repeat.SAFE))

    attempt(test)
    assert (world.sent, world.looked) == (2, 0)


def test_a_run_that_goes_on_at_once_knows_that_its_write_may_be_out(attempt: Try, world: World) -> None:
    async def test(on: Bench) -> None:
        await on.entry(on.job())  # a process that died here, a moment ago
        await on.make(on.job(repeat=Repeat.SAFE))

    attempt(test)
    assert world.again == [True]


@pytest.mark.parametrize(
    ("asked", "sent"), [pytest.param(0.01, 2, id="fits-the-time"), pytest.param(60.0, 1, id="longer-than-the-time")]
)
def test_retry_after_is_waited_for_where_it_fits(attempt: Try, world: World, asked: float, sent: int) -> None:
    world.faults = [(RateLimited("429", retry_after_seconds=asked), BEFORE)]

    async def test(on: Bench) -> None:
        if sent == 1:
            with pytest.raises(RateLimited):
                await on.make(on.job())
        else:
            await on.make(on.job())

    attempt(test)
    assert world.sent == sent


def test_a_backoff_longer_than_the_time_of_one_attempt_is_no_reason_to_give_up(attempt: Try, world: World) -> None:
    world.faults = [(Unavailable("refused", outcome="not_done"), BEFORE)]

    async def test(on: Bench) -> None:
        await on.make(on.job(retry=Retry(attempts=2, backoff_seconds=0.2), timeout_seconds=0.1))

    attempt(test)
    assert world.sent == 2


def test_two_runs_with_one_identity_at_once_send_once(attempt: Try, world: World) -> None:
    async def test(on: Bench) -> None:
        jobs = [on.job(f"run-{number}", text=f"version {number % 3}") for number in range(12)]
        done = await asyncio.gather(*map(on.make, jobs))
        assert sum(not one.effect["reused"] for one in done if one.effect) == 1

    attempt(test)
    assert world.sent == 1


def test_equal_keys_in_one_run_do_not_wait_for_each_other_for_ever(attempt: Try, world: World) -> None:
    world.faults = [(gone(), BEFORE)]
    world.look_faults = [gone(), gone()]

    async def test(on: Bench) -> None:
        with pytest.raises(Unavailable):
            await on.make(on.job())
        job = on.job()
        assert job.write is not None
        twin = replace(job, write=replace(job.write, path="note-2"))
        await asyncio.wait_for(on.make(twin), 10)

    attempt(test)
    assert (world.sent, len(world.notes)) == (2, 1)


def test_a_write_that_was_undone_is_made_anew_and_the_old_one_is_not_taken_for_it(attempt: Try, world: World) -> None:
    world.faults = [None, (gone(), BEFORE)]

    async def test(on: Bench) -> None:
        first = await on.make(on.job())
        assert first.effect is not None
        assert await on.ledger.effects.undone(first.effect["identity"], 0, timestamp(utc_now()))
        again = await on.make(on.job("run-2"))  # sent, in doubt, looked for, and not found: sent again
        assert again.effect is not None
        assert (again.effect["reused"], again.effect["generation"], again.output["id"]) == (False, 1, "2")

    attempt(test)
    assert world.sent == 3
    assert len({marker for marker, _ in world.notes}) == 2


def test_two_processes_that_find_an_orphan_at_once_send_it_once(
    database: SqliteStateDatabase, world: World, tmp_path: Path
) -> None:
    owners = [SqlOwner(database, tmp_path / "owners", f"test{number}", utc_now) for number in range(2)]

    async def main() -> None:
        journals = [SqlJournal(database, owner.id) for owner in owners]
        sides = [bench(database, world, journal) for journal in journals]
        orphan = sides[0].job("dead-run")
        assert orphan.write is not None
        known = await sides[0].ledger.claim(orphan.write)
        mine = [side.job(f"run-{number}").write for number, side in enumerate(sides)]
        taken = [await side.ledger.take_over(w, known) for side, w in zip(sides, mine, strict=True) if w]
        assert taken == [True, False]
        for journal in journals:
            journal.close()

    asyncio.run(main())
    for owner in owners:
        owner.release()


@pytest.mark.slow
def test_a_write_of_a_foreign_process_that_may_still_be_out_is_waited_for(attempt: Try, world: World) -> None:
    async def test(on: Bench) -> None:
        foreign = on.job("foreign")
        assert (await on.entry(foreign)).state == "new"
        on.senders["foreign"] = "at work"
        waiting = asyncio.ensure_future(on.make(on.job()))
        await asyncio.sleep(0.4)
        assert not waiting.done()
        assert foreign.write is not None
        await on.ledger.record(foreign.write, {"id": "9", "url": ""}, {"id": "9"})
        done = await asyncio.wait_for(waiting, 10)
        assert done.output == {"id": "9"}

    attempt(test)
    assert world.sent == 0


async def _in_flight(on: Bench, job: Job) -> asyncio.Task[Done]:
    task = asyncio.ensure_future(on.make(job))
    await asyncio.to_thread(on.world.entered.wait, 20)
    return task


def test_a_receipt_that_comes_after_the_cancellation_enters_the_ledger(attempt: Try, world: World) -> None:
    world.gate = threading.Event()

    async def test(on: Bench) -> None:
        task = await _in_flight(on, on.job())
        for _ in range(3):  # the run's end, and two time limits around it
            task.cancel()
            await asyncio.sleep(0.05)
        assert not task.done()
        assert world.gate is not None
        world.gate.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        entry = await on.entry(on.job())
        assert (entry.state, entry.receipt) == ("done", ReceiptRecord(id="1", url="notes/1"))

    attempt(test)


def test_a_write_that_breaks_down_after_the_cancellation_still_ends_as_cancelled(attempt: Try, world: World) -> None:
    world.gate = threading.Event()
    world.answer = {"raw": b"bytes are not JSON"}

    async def test(on: Bench) -> None:
        task = await _in_flight(on, on.job())
        task.cancel()
        await asyncio.sleep(0.05)
        assert world.gate is not None
        world.gate.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        entry = await on.entry(on.job())
        assert entry.state == "intent"  # it will be looked for

    attempt(test)


def test_a_refusal_after_the_cancellation_does_not_undo_what_an_earlier_attempt_may_have_done(
    attempt: Try, world: World
) -> None:
    world.faults = [(gone(), BEFORE), (InvalidRequest("no"), AFTER)]
    world.gate = threading.Event()

    async def test(on: Bench) -> None:
        task = asyncio.ensure_future(on.make(on.job(repeat=Repeat.SAFE)))
        while world.sent < 2:  # noqa: ASYNC110 - sent by a thread
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.sleep(0.05)
        assert world.gate is not None
        world.gate.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await on.entry(on.job(repeat=Repeat.SAFE))).state == "intent"

    attempt(test)


def test_a_refusal_does_not_undo_what_may_have_been_done_before_the_process_ended(attempt: Try, world: World) -> None:
    world.faults = [(gone(), BEFORE), (gone(), BEFORE), (gone(), BEFORE), (InvalidRequest("no"), BEFORE)]

    async def test(on: Bench) -> None:
        with pytest.raises(Unavailable):
            await on.make(on.job(repeat=Repeat.SAFE))
        with pytest.raises(InvalidRequest) as refused:
            await on.make(on.job(repeat=Repeat.SAFE))
        assert refused.value.outcome == "unknown"
        assert (await on.entry(on.job(repeat=Repeat.SAFE))).state == "intent"

    attempt(test)


def test_cancelled_while_it_waits_to_be_sent_again_nothing_stays_open(attempt: Try, world: World) -> None:
    world.faults = [(RateLimited("429", retry_after_seconds=2.0), BEFORE)]

    async def test(on: Bench) -> None:
        task = await _in_flight(on, on.job(repeat=Repeat.UNFINDABLE))
        while not on.attempts:  # noqa: ASYNC110 - filled by the engine
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await on.make(on.job(repeat=Repeat.UNFINDABLE))

    attempt(test)
    assert (world.sent, len(world.notes)) == (2, 1)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        pytest.param("half \ud83d of it", "half \ufffd of it", id="lone-surrogate"),
        pytest.param("\ud83d\ude00", "\U0001f600", id="pair"),
        pytest.param("a\0b", "a\ufffdb", id="nul"),
        pytest.param(float("nan"), None, id="nan"),
        pytest.param(-float("inf"), None, id="infinity"),
        pytest.param(10**400, "1" + "0" * 400, id="hundreds-of-digits"),
        pytest.param(2**70, str(2**70), id="over-64-bits"),
        pytest.param((1, 2), [1, 2], id="tuple"),
        pytest.param({"\udfff": 1}, {"\ufffd": 1}, id="key"),
    ],
)
def test_whatever_a_service_answers_can_be_stored(attempt: Try, world: World, given: Any, kept: Any) -> None:
    world.answer = {"odd": given}

    async def test(on: Bench) -> None:
        done = await on.make(on.job())
        again = await on.make(on.job("run-2"))
        assert (done.output["odd"], again.output["odd"]) == (kept, kept)

    attempt(test)


def test_an_error_that_cannot_get_better_frees_the_identity(attempt: Try, world: World) -> None:
    world.faults = [(NotFound("404"), BEFORE)]

    async def test(on: Bench) -> None:
        with pytest.raises(NotFound):
            await on.make(on.job())
        await on.make(on.job("run-2"))

    attempt(test)
    assert world.sent == 2


def test_work_that_no_thread_has_taken_is_withdrawn_with_its_future() -> None:
    gate, done = threading.Event(), []

    async def main() -> None:
        workers = WorkerThreads("one", 1)
        first = workers.run(lambda: gate.wait(PATIENCE_SECONDS))
        second = workers.run(lambda: done.append("second"))
        third = workers.run(lambda: done.append("third"))
        second.cancel()
        gate.set()
        await asyncio.gather(first, third)

    asyncio.run(main())
    assert done == ["third"]


def test_work_that_is_abandoned_holds_up_nobody() -> None:
    gate, begun, ended = threading.Event(), threading.Barrier(3), list[int]()

    def hang() -> None:
        begun.wait(PATIENCE_SECONDS)
        gate.wait(2 * PATIENCE_SECONDS)

    async def main() -> None:
        workers = WorkerThreads("two", 2)
        hanging = [workers.run(hang) for _ in range(2)]
        later = [workers.run(lambda: ended.append(1)) for _ in range(2)]
        await asyncio.to_thread(begun.wait, PATIENCE_SECONDS)
        for one in hanging:
            one.cancel()
        await asyncio.wait_for(asyncio.gather(*later), PATIENCE_SECONDS)
        gate.set()
        for _ in range(4):  # those that were replaced have ended, and are not too many now
            await asyncio.gather(*(workers.run(lambda: ended.append(1)) for _ in range(2)))

    asyncio.run(main())
    assert len(ended) == 10


def test_every_thread_is_used_as_long_as_work_waits() -> None:
    together = threading.Barrier(4)

    async def main() -> None:
        workers = WorkerThreads("four", 4)
        for _ in range(20):
            await asyncio.gather(*(workers.run(lambda: together.wait(PATIENCE_SECONDS)) for _ in range(4)))

    asyncio.run(main())


def test_a_question_beforehand_is_asked_again_like_any_read(attempt: Try) -> None:
    answers: list[Any] = [gone(), "me"]

    def who() -> str:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return str(answer)

    async def test(on: Bench) -> None:
        assert await on.reads.ask(on.job(), who) == "me"

    attempt(test)


@pytest.mark.slow
def test_a_hanging_question_ends_with_the_step(attempt: Try) -> None:
    async def test(on: Bench) -> None:
        answered = threading.Event()
        job = on.job(timeout_seconds=0.1, retry=Retry(attempts=1, backoff_seconds=0))
        with pytest.raises(ServiceError, match="No answer") as raised:
            await on.reads.ask(job, lambda: answered.wait(PATIENCE_SECONDS) and "too late")
        assert raised.value.outcome == "not_done"
        assert not answered.is_set(), "nothing but the deadline has ended it"
        answered.set()

    attempt(test)
