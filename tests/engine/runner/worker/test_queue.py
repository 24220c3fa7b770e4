"""The contract of the port of the queue, and a worker that copes with the worst queue that keeps it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from engine.base.clock import utc_now
from engine.orchestra import Orchestra
from engine.runner.worker.claim_queue import ClaimQueue
from engine.runner.worker.queue import LocalQueue, WorkQueue
from engine.store.postgres.database import PostgresStateDatabase
from engine.store.run_limits import NO_LIMITS, RunLimits
from engine.store.sql.acceptances import SqlAcceptances
from engine.store.sql.base.database import StateDatabase
from engine.store.sql.base.tables import runs
from engine.store.sql.workers.claims import SqlClaims
from engine.store.sql.workers.owners import SqlOwner
from engine.store.sqlite.database import SqliteStateDatabase
from tests import postgres
from tests.engine.conftest import OWNER, Service, get_step, post_step, set_step, write_workflow
from tests.engine.runner.worker.careless_queue import CarelessQueue
from tests.engine.store.test_acceptances import AT, entry
from tests.patience import PATIENCE_SECONDS, until

SLOTS = 4

RUNS = ("a", "b", "c", "d")
_SHARED = [f"{limits} on {where}" for where in ("sqlite", "postgres") for limits in ("shared", "limited")]


@contextmanager
def _shared(name: str, folder: Path) -> Iterator[WorkQueue]:
    """Open a queue whose entries are rows of a state: the runs "a" to "d", which its process has taken."""
    limits = RunLimits(per_user=len(RUNS)) if name.startswith("limited") else NO_LIMITS
    with _database(name.rsplit(maxsplit=1)[-1], folder) as database:
        owner = SqlOwner(database, folder, "worker", utc_now, slots=SLOTS)
        SqlAcceptances(database, owner.id).store([entry(0, run_id=one) for one in RUNS])
        yield ClaimQueue(SqlClaims(database), owner.id, utc_now, SLOTS, limits)
        owner.release()


@contextmanager
def _database(where: str, folder: Path) -> Iterator[StateDatabase]:
    if where == "sqlite":
        with closing(SqliteStateDatabase(folder)) as file:
            yield file
    else:
        with postgres.schema() as url, closing(PostgresStateDatabase(url)) as server:
            yield server


@pytest.fixture(
    params=[
        "local",
        "careless",
        *(pytest.param(one, marks=[pytest.mark.service] * one.endswith("postgres")) for one in _SHARED),
    ]
)
def queue(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[WorkQueue]:
    """A queue to which nothing was put."""
    if request.param == "local":
        yield LocalQueue()
    elif request.param == "careless":
        yield CarelessQueue()
    else:
        with _shared(request.param, tmp_path) as made:
            yield made


def _told(queue: WorkQueue, story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Let a story happen on a loop, and end the queue with it."""

    async def whole() -> None:
        try:
            await story()
        finally:
            queue.close()
            await asyncio.to_thread(queue.join)

    asyncio.run(whole())


async def _comes(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def test_whatever_any_thread_puts_is_delivered_on_the_loop(queue: WorkQueue) -> None:
    async def story() -> None:
        delivered: set[str] = set()

        def work(run_id: str) -> None:
            assert threading.current_thread() is threading.main_thread()
            delivered.add(run_id)

        queue.work(work)
        queue.put("a")
        await asyncio.to_thread(queue.put_many, ["b", "c"])
        await asyncio.to_thread(queue.put, "d")
        await _comes(lambda: delivered == set(RUNS))

    _told(queue, story)


def test_what_is_put_for_later_is_not_delivered_before(queue: WorkQueue) -> None:
    async def story() -> None:
        delivered: dict[str, float] = {}

        def work(run_id: str) -> None:
            delivered.setdefault(run_id, asyncio.get_running_loop().time())

        queue.work(work)
        began = asyncio.get_running_loop().time()
        queue.put("a", after_seconds=0.3)
        queue.put("b")
        await _comes(lambda: delivered.keys() == {"a", "b"})
        assert delivered["a"] - began >= 0.3

    _told(queue, story)


def test_nothing_is_delivered_once_it_is_closed(queue: WorkQueue) -> None:
    async def story() -> None:
        delivered: list[str] = []
        queue.work(delivered.append)
        queue.put("a")
        queue.close()
        queue.put("b", after_seconds=0.05)
        await asyncio.sleep(0.3)
        assert delivered == []

    _told(queue, story)


def test_what_is_done_is_delivered_at_most_once_more(queue: WorkQueue) -> None:
    async def story() -> None:
        delivered: list[str] = []
        done = asyncio.get_running_loop().create_future()

        def work(run_id: str) -> asyncio.Future[None]:
            delivered.append(run_id)
            return done

        queue.work(work)
        queue.put("a")
        await _comes(lambda: "a" in delivered)
        done.set_result(None)
        await asyncio.sleep(0.3)
        assert set(delivered) == {"a"}
        assert len(delivered) <= 2
        assert not queue.is_drained, "nobody has asked it to take nothing more"

    _told(queue, story)


@pytest.mark.slow
@pytest.mark.parametrize("where", ["sqlite", pytest.param("postgres", marks=pytest.mark.service)])
@pytest.mark.parametrize("limits", [NO_LIMITS, RunLimits(per_user=100)], ids=["shared", "limited"])
def test_two_queues_deliver_the_runs_of_nobody_once_and_no_more_than_they_have_slots(
    tmp_path: Path, where: str, limits: RunLimits
) -> None:
    with _database(where, tmp_path) as database:
        owners = [SqlOwner(database, tmp_path, "worker", utc_now, slots=SLOTS, limits=limits) for _ in range(2)]
        queues = [ClaimQueue(SqlClaims(database), one.id, utc_now, SLOTS, limits) for one in owners]
        ids = [entry(number).acceptance["run_id"] for number in range(2 * SLOTS + 2)]
        delivered: list[str] = []
        at_work: list[asyncio.Future[None]] = []

        async def story() -> None:
            def work(run_id: str) -> asyncio.Future[None]:
                delivered.append(run_id)
                at_work.append(asyncio.get_running_loop().create_future())
                return at_work[-1]

            for queue in queues:
                queue.work(work)
            accepting = SqlAcceptances(database, owners[0].id, shared=True)
            await asyncio.to_thread(accepting.store, [entry(number) for number in range(len(ids))])
            for queue in queues:
                queue.look()
            await _comes(lambda: len(delivered) >= 2 * SLOTS)
            await asyncio.sleep(0.3)
            assert len(delivered) == 2 * SLOTS, "all slots are taken"
            with database.writing() as connection:  # as their ends do
                connection.execute(runs.update().where(runs.c.run_id == delivered[0]).values(owner=None, ended_at=AT))
            at_work[0].set_result(None)
            await _comes(lambda: len(delivered) == 2 * SLOTS + 1)
            for queue in queues:
                queue.close()
                await asyncio.to_thread(queue.join)

        asyncio.run(story())
        assert len(set(delivered)) == len(delivered)
        assert set(delivered) <= set(ids)
        for one in owners:
            one.release()


def test_the_queue_of_a_process_delivers_once_and_in_order() -> None:
    async def story() -> None:
        queue, delivered = LocalQueue(), list[str]()
        queue.work(delivered.append)
        queue.put_many(["a", "b"])
        queue.put("c")
        assert delivered == []
        await _comes(lambda: len(delivered) >= 3)
        await asyncio.sleep(0.1)
        assert delivered == ["a", "b", "c"]

    asyncio.run(story())


# --- the worker, on a queue that delivers late, in another order, and twice


@pytest.fixture
def careless(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Orchestra]:
    """An engine on such a queue."""
    monkeypatch.setattr("engine.assembly.work.LocalQueue", CarelessQueue)
    opened = Orchestra.open(root)
    yield opened
    opened.close()


def _ends(orchestra: Orchestra, run_id: str, status: str) -> None:
    until(lambda: orchestra.runs.get(OWNER, run_id)["status"] == status)


def _delivers_everything(orchestra: Orchestra) -> None:
    queue = orchestra._families.work.worker._queue
    assert isinstance(queue, CarelessQueue)
    until(lambda: queue.depth() == 0)


def test_each_of_many_runs_is_made_once(careless: Orchestra, root: Path, service: Service) -> None:
    for number in range(20):
        write_workflow(root, f"work{number}", [post_step("w", service.url(f"/{number}"))])
    run_ids = [careless.runs.start(OWNER, f"work{number}", {}) for number in range(20)]
    for run_id in run_ids:
        _ends(careless, run_id, "succeeded")
    _delivers_everything(careless)
    assert dict(service.seen) == {f"/{number}": 1 for number in range(20)}


def test_a_run_goes_on_from_a_wait_and_from_the_run_it_called(
    careless: Orchestra, root: Path, service: Service
) -> None:
    pause = {"id": "pause", "uses": "flow.wait", "with": {"seconds": 0.5}}
    write_workflow(root, "inner", [post_step("w", service.url("/inner")), pause], outputs={"n": "{{ 7 }}"})
    call = {"id": "call", "uses": "workflow.run", "with": {"workflow": "inner"}}
    last = set_step("last", {"n": "{{ steps.call.output.n }}"})
    write_workflow(root, "work", [call, pause, post_step("v", service.url("/outer")), last])
    run_id = careless.runs.start(OWNER, "work", {})
    _ends(careless, run_id, "succeeded")
    _delivers_everything(careless)
    run = careless.runs.get(OWNER, run_id)
    assert [step["status"] for step in run["steps"]] == ["succeeded"] * 4
    assert run["steps"][3]["output"] == {"n": 7}
    assert dict(service.seen) == {"/inner": 1, "/outer": 1}


def test_a_run_that_waits_is_not_disturbed_by_a_late_delivery(
    careless: Orchestra, root: Path, service: Service
) -> None:
    write_workflow(root, "work", [{"id": "ask", "uses": "flow.approve", "with": {"message": "Send it?"}}])
    run_id = careless.runs.start(OWNER, "work", {})
    _ends(careless, run_id, "waiting")
    careless._families.work.worker.start(run_id)
    _delivers_everything(careless)
    _ends(careless, run_id, "waiting")
    assert len(careless.approvals.list(OWNER)) == 1


def test_a_failed_run_that_is_resumed_repeats_nothing(careless: Orchestra, root: Path, service: Service) -> None:
    service.answers = {"/r": [404]}
    write_workflow(root, "work", [post_step("w", service.url("/w")), get_step("r", service.url("/r"))])
    run_id = careless.runs.start(OWNER, "work", {})
    _ends(careless, run_id, "failed")
    careless.runs.resume(OWNER, run_id)
    _ends(careless, run_id, "succeeded")
    _delivers_everything(careless)
    assert dict(service.seen) == {"/w": 1, "/r": 2}


def test_a_run_of_another_process_is_left_to_it(careless: Orchestra, root: Path, service: Service) -> None:
    service.seconds = {"/r": 0.5}
    write_workflow(root, "work", [get_step("r", service.url("/r")), post_step("w", service.url("/w"))])
    other = Orchestra.open(root)
    try:
        run_id = careless.runs.start(OWNER, "work", {})
        other._families.work.worker._queue.put(run_id)
        _ends(careless, run_id, "succeeded")
        other._families.work.worker._queue.put(run_id)
        _delivers_everything(other)
        assert not other._families.work.worker.is_at_work_on(run_id)
    finally:
        other.close()
    assert dict(service.seen) == {"/r": 1, "/w": 1}
